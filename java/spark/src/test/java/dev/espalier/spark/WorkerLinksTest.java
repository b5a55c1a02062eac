// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What workers say to each other, and what they do where one says nothing more. */
class WorkerLinksTest {
  private static final Duration LONG = Duration.ofMinutes(30); // no test waits for it
  private static final int FLOATS = 40_000; // more than a piece

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<WorkerLinks> opened = new ArrayList<>();

  @AfterEach
  void close() throws IOException {
    for (WorkerLinks links : opened) {
      links.close();
    }
    threads.shutdownNow();
  }

  private WorkerLinks open(int rank, int workers, WorkerSecret secret, Duration timeout)
      throws IOException {
    WorkerLinks links = new WorkerLinks(rank, workers, "127.0.0.1", secret, timeout);
    opened.add(links);
    return links;
  }

  private List<WorkerLinks> connected(int workers) throws Exception {
    WorkerSecret secret = WorkerSecret.draw();
    List<WorkerLinks> all = new ArrayList<>();
    for (int rank = 0; rank < workers; rank++) {
      all.add(open(rank, workers, secret, LONG));
    }
    String[] addresses = all.stream().map(WorkerLinks::address).toArray(String[]::new);
    List<Future<?>> connecting = new ArrayList<>();
    for (WorkerLinks links : all) {
      connecting.add(
          threads.submit(
              () -> {
                links.connect(addresses);
                return null;
              }));
    }
    for (Future<?> one : connecting) {
      one.get();
    }
    return all;
  }

  private static float[] shard(int number) {
    float[] values = new float[FLOATS];
    for (int i = 0; i < FLOATS; i++) {
      values[i] = (float) Math.sin(i * 0.7 + number * 1.3) * (1 + i % 1000);
    }
    return values;
  }

  private static float[] sumIn(List<WorkerLinks> all, ExecutorService threads) throws Exception {
    ShardPlan plan = new ShardPlan(100, 8, 16, 0);
    List<Callable<float[]>> calls = new ArrayList<>();
    for (int rank = 0; rank < all.size(); rank++) {
      WorkerLinks links = all.get(rank);
      int first = plan.firstShard(rank, all.size());
      int end = plan.firstShard(rank + 1, all.size());
      calls.add(
          () -> {
            ShardTree tree = new ShardTree(8);
            for (int shard = first; shard < end; shard++) {
              tree.add(new ShardTree.Part(shard, shard + 1, shard(shard)));
            }
            assertArrayEquals(new long[] {8, 36}, links.sum(counts(first, end)));
            return links.sum(tree, FLOATS);
          });
    }
    float[] first = null;
    for (Future<float[]> sum : threads.invokeAll(calls)) {
      first = first == null ? sum.get() : first;
      assertArrayEquals(first, sum.get());
    }
    return first;
  }

  private static long[] counts(int first, int end) {
    long[] counts = {end - first, 0};
    for (int shard = first; shard < end; shard++) {
      counts[1] += shard + 1;
    }
    return counts;
  }

  @Test
  void sumsHaveTheSameBitsForAnyNumberOfWorkers() throws Exception {
    float[] expected = sumIn(connected(1), threads);
    for (int workers : new int[] {2, 3, 4, 7, 8}) {
      assertArrayEquals(expected, sumIn(connected(workers), threads));
    }
  }

  @Test
  void bytesOfTheFirstGoToAll() throws Exception {
    List<Future<byte[]>> got = new ArrayList<>();
    for (WorkerLinks links : connected(5)) {
      boolean isFirst = got.isEmpty();
      got.add(threads.submit(() -> links.broadcast(isFirst ? new byte[] {7, 8} : new byte[0])));
    }
    for (Future<byte[]> bytes : got) {
      assertArrayEquals(new byte[] {7, 8}, bytes.get());
    }
  }

  @Test
  void whoDoesNotKnowTheSecretIsSentOffAndTheOthersGoOn() throws Exception {
    WorkerSecret secret = WorkerSecret.draw();
    WorkerLinks first = open(0, 2, secret, LONG);
    WorkerLinks second = open(1, 2, secret, LONG);
    WorkerLinks stranger = open(1, 2, WorkerSecret.draw(), LONG);
    String[] addresses = {first.address(), second.address()};
    Future<?> connecting =
        threads.submit(
            () -> {
              first.connect(addresses);
              return null;
            });
    String message =
        assertThrows(IOException.class, () -> stranger.connect(addresses)).getMessage();
    assertTrue(message.contains("does not know its secret"), message);
    try (Socket noise = new Socket("127.0.0.1", port(first))) {
      noise.getOutputStream().write(new byte[100]);
      noise.getInputStream().transferTo(java.io.OutputStream.nullOutputStream()); // until sent off
    } catch (IOException reset) {
      // as good an end
    }
    second.connect(addresses);
    connecting.get();
    Future<long[]> sum = threads.submit(() -> first.sum(new long[] {1}));
    assertArrayEquals(new long[] {3}, second.sum(new long[] {2}));
    assertArrayEquals(new long[] {3}, sum.get());
  }

  private static int port(WorkerLinks links) {
    return Integer.parseInt(links.address().split(" ")[1]);
  }

  @Test
  void aFalseListenerIsNotBelieved() throws Exception {
    WorkerLinks impostor = open(0, 2, WorkerSecret.draw(), LONG);
    WorkerLinks worker = open(1, 2, WorkerSecret.draw(), LONG);
    String[] addresses = {impostor.address(), worker.address()};
    threads.submit(
        () -> {
          impostor.connect(addresses);
          return null;
        });
    assertThrows(IOException.class, () -> worker.connect(addresses));
  }

  /** Each of seven in turn ends; all others learn of it, wherever they wait. */
  @Test
  void nobodyWaitsForAWorkerThatEnded() throws Exception {
    for (int ended = 0; ended < 7; ended++) {
      List<WorkerLinks> all = connected(7);
      List<Future<long[]>> waiting = new ArrayList<>();
      for (int rank = 0; rank < 7; rank++) {
        WorkerLinks links = all.get(rank);
        boolean ends = rank == ended;
        waiting.add(
            threads.submit(
                () -> {
                  try (links) { // as a task does
                    return ends ? new long[0] : links.sum(new long[3]);
                  }
                }));
      }
      for (int rank = 0; rank < 7; rank++) {
        Future<long[]> one = waiting.get(rank);
        if (rank == ended) {
          assertEquals(0, one.get().length);
        } else {
          Throwable cause = assertThrows(ExecutionException.class, one::get).getCause();
          assertTrue(cause instanceof IOException, cause::toString);
        }
      }
    }
  }

  @Test
  void whoeverWaitsGivesUpInTheEnd() throws Exception {
    WorkerLinks first = open(0, 2, WorkerSecret.draw(), Duration.ofMillis(50));
    String message =
        assertThrows(
                IOException.class,
                () -> first.connect(new String[] {first.address(), "127.0.0.1 1"}))
            .toString();
    assertTrue(message.contains("Timeout"), message);
  }
}
