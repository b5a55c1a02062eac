// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The samples of files: the first of them kept, as many as the budget allows; the others decoded by
 * several threads ahead of who asks for them, as far as what comes next was said. The threads end
 * when they have had nothing to do for a while.
 */
final class PictureStore {
  private static final int IDLE_SECONDS = 5;
  private static final long AHEAD_BYTES = 64 << 20;

  private final PictureReader reader;
  private final List<Path> files;
  private final short[][] kept;
  private final int mostAhead;
  private final ThreadPoolExecutor decoders;

  // Guarded by this.
  private final Map<Integer, Future<short[]>> ahead = new HashMap<>();
  private final ArrayDeque<Integer> expected = new ArrayDeque<>();

  private PictureStore(
      PictureReader reader, List<Path> files, short[][] kept, ThreadPoolExecutor decoders) {
    this.reader = reader;
    this.files = files;
    this.kept = kept;
    this.decoders = decoders;
    mostAhead = (int) Math.max(decoders.getCorePoolSize(), AHEAD_BYTES / pictureBytes(reader));
  }

  /** What opening files gave. */
  record Opened(PictureStore store, int[] readable, List<BrokenPicture> broken) {}

  private static long pictureBytes(PictureReader reader) {
    return (long) Short.BYTES * reader.inputShape().size();
  }

  /** Decodes each file once. Those that are readable are those of the store, in their order. */
  static Opened open(PictureReader reader, List<Path> files, PictureOptions options) {
    ThreadPoolExecutor decoders = decoders(options.threads());
    int room = (int) Math.min(files.size(), options.budget() / pictureBytes(reader));
    List<short[]> kept = new ArrayList<>();
    List<Integer> readable = new ArrayList<>();
    List<BrokenPicture> broken = new ArrayList<>();
    ArrayDeque<Future<short[]>> pending = new ArrayDeque<>();
    int next = 0;
    try {
      for (int i = 0; i < files.size(); i++) {
        while (next < files.size() && pending.size() < 4 * options.threads()) {
          Path file = files.get(next++);
          pending.add(decoders.submit(() -> reader.samples(file)));
        }
        Optional<short[]> samples = opened(pending.remove(), files.get(i), broken);
        if (samples.isPresent()) {
          readable.add(i);
          if (kept.size() < room) {
            kept.add(samples.get());
          }
        }
      }
    } finally {
      pending.forEach(future -> future.cancel(false));
    }
    List<Path> found = readable.stream().map(files::get).toList();
    return new Opened(
        new PictureStore(reader, found, kept.toArray(short[][]::new), decoders),
        readable.stream().mapToInt(i -> i).toArray(),
        List.copyOf(broken));
  }

  private static Optional<short[]> opened(
      Future<short[]> future, Path file, List<BrokenPicture> broken) {
    try {
      return Optional.of(result(future));
    } catch (RuntimeException error) {
      broken.add(new BrokenPicture(file, String.valueOf(error.getMessage())));
      return Optional.empty();
    }
  }

  private static ThreadPoolExecutor decoders(int threads) {
    ThreadPoolExecutor decoders =
        new ThreadPoolExecutor(
            threads,
            threads,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "espalier-pictures");
              thread.setDaemon(true);
              return thread;
            });
    decoders.allowCoreThreadTimeOut(true);
    return decoders;
  }

  /** Waits, however often the thread is interrupted: an interrupt is for who trains. */
  private static short[] result(Future<short[]> future) {
    boolean isInterrupted = false;
    try {
      while (true) {
        try {
          return future.get();
        } catch (InterruptedException interruption) {
          isInterrupted = true;
        } catch (ExecutionException error) {
          if (error.getCause() instanceof Error fatal) {
            throw fatal;
          }
          throw (RuntimeException) error.getCause();
        }
      }
    } finally {
      if (isInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Says which pictures are going to be asked for next: what was said before does not count. */
  synchronized void expect(int[] next) {
    expected.clear();
    Set<Integer> wanted = new HashSet<>();
    for (int i : next) {
      if (i >= kept.length && wanted.add(i) && !ahead.containsKey(i)) {
        expected.add(i);
      }
    }
    ahead.entrySet().removeIf(entry -> !wanted.contains(entry.getKey()) && drop(entry.getValue()));
    decodeAhead();
  }

  private static boolean drop(Future<short[]> future) {
    future.cancel(false);
    return true;
  }

  private void decodeAhead() {
    while (ahead.size() < mostAhead && !expected.isEmpty()) {
      int i = expected.remove();
      FutureTask<short[]> task = new FutureTask<>(() -> reader.samples(files.get(i)));
      ahead.put(i, task);
      decoders.execute(task);
    }
  }

  private synchronized @Nullable Future<short[]> takeAhead(int index) {
    expected.removeFirstOccurrence(index);
    Future<short[]> future = ahead.remove(index);
    decodeAhead();
    return future;
  }

  /** Returns the samples of a picture, which are not to be changed. */
  short[] get(int index) {
    if (index < kept.length) {
      return kept[index];
    }
    Future<short[]> future = takeAhead(index);
    return future == null ? reader.samples(files.get(index)) : result(future);
  }

  synchronized int decodedAhead() {
    return (int) ahead.values().stream().filter(Future::isDone).count();
  }

  List<Path> files() {
    return files;
  }
}
