// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * Reads the batches of an epoch one after the other: the next one on a thread of its own while the
 * caller works on the present one, or on the caller's thread where that takes no longer than
 * handing it over. Never two batches at a time, so a data set is read by one thread at a time.
 */
final class BatchReader implements AutoCloseable {
  /** Waking a thread and being woken by it cost about as much. */
  private static final long QUICK_NANOS = 20_000;

  private final int batchSize;
  private final Batch[] batches;
  private ExecutorService executor; // null: everything is read on the caller's thread
  private Dataset data;
  private int[] order;
  private int position;
  private int turn;
  private Future<Batch> pending;
  private boolean isQuick;

  BatchReader(TargetBinding binding, int batchSize, boolean hasInputs, boolean isPrefetching) {
    this(binding, batchSize, hasInputs, isPrefetching, BatchReader::thread);
  }

  /** As the other, with what makes the thread. */
  BatchReader(
      TargetBinding binding,
      int batchSize,
      boolean hasInputs,
      boolean isPrefetching,
      ThreadFactory threads) {
    this.batchSize = batchSize;
    batches = new Batch[isPrefetching ? 2 : 1];
    for (int i = 0; i < batches.length; i++) {
      batches[i] = new Batch(binding, batchSize, hasInputs);
    }
    executor = isPrefetching ? Executors.newSingleThreadExecutor(threads) : null;
  }

  private static Thread thread(Runnable task) {
    Thread thread = new Thread(task, "espalier-prefetch");
    thread.setDaemon(true);
    return thread;
  }

  /** Begins with the examples of {@code data} in the given order. All former batches are done. */
  void start(Dataset data, int[] order) {
    this.data = data;
    this.order = order;
    position = 0;
    pending = submit();
  }

  /** Returns the next batch, valid until the call after; null after the last one. */
  Batch next() throws InterruptedException {
    if (pending == null && position == order.length) {
      return null;
    }
    try {
      Batch batch = pending == null ? read() : pending.get();
      pending = submit();
      return batch;
    } catch (ExecutionException error) {
      pending = null;
      throw unwrap(error);
    }
  }

  /**
   * Stops the thread, waiting for a read that is under way. It is interrupted only if the caller
   * is: an interrupted read closes the file channel that it reads from.
   */
  @Override
  public void close() {
    if (executor == null) {
      return;
    }
    if (pending != null) {
      pending.cancel(false); // nobody asks for that batch
    }
    executor.shutdown();
    boolean isInterrupted = false;
    boolean isDone = false;
    while (!isDone) {
      try {
        isDone = executor.awaitTermination(1, TimeUnit.DAYS);
      } catch (InterruptedException interruption) {
        isInterrupted = true;
        executor.shutdownNow();
      }
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private Future<Batch> submit() {
    if (executor == null || isQuick || position == order.length) {
      return null;
    }
    try {
      return executor.submit(this::read);
    } catch (OutOfMemoryError noThread) {
      // The process may have no more of them. Reading needs none of its own, it is only slower.
      executor.shutdown();
      executor = null;
      return null;
    }
  }

  private Batch read() {
    long start = System.nanoTime();
    int count = Math.min(batchSize, order.length - position);
    Batch batch = batches[turn];
    turn = (turn + 1) % batches.length;
    batch.read(data, order, position, count);
    position += count;
    isQuick = System.nanoTime() - start < QUICK_NANOS;
    return batch;
  }

  private static RuntimeException unwrap(ExecutionException error) {
    Throwable cause = error.getCause();
    if (cause instanceof Error fatal) {
      throw fatal;
    }
    return cause instanceof RuntimeException exception
        ? exception
        : new EspalierException(ErrorCode.INTERNAL, "reading the data set failed", cause);
  }
}
