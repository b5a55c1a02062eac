// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Reads the batches of an epoch one after the other: the next one on a thread of its own while the
 * caller works on the present one, or all on the caller's thread. Never two batches at a time, so a
 * data set is read by one thread at a time.
 */
final class BatchReader implements AutoCloseable {
  private final int batchSize;
  private final Batch[] batches;
  private final ExecutorService executor;
  private Dataset data;
  private int[] order;
  private int position;
  private int turn;
  private Future<Batch> pending;

  BatchReader(TargetBinding binding, int batchSize, boolean hasInputs, boolean isPrefetching) {
    this.batchSize = batchSize;
    batches = new Batch[isPrefetching ? 2 : 1];
    for (int i = 0; i < batches.length; i++) {
      batches[i] = new Batch(binding, batchSize, hasInputs);
    }
    executor =
        isPrefetching
            ? Executors.newSingleThreadExecutor(
                task -> {
                  Thread thread = new Thread(task, "espalier-prefetch");
                  thread.setDaemon(true);
                  return thread;
                })
            : null;
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
    if (executor == null) {
      return position < order.length ? read() : null;
    }
    if (pending == null) {
      return null;
    }
    try {
      Batch batch = pending.get();
      pending = submit();
      return batch;
    } catch (ExecutionException error) {
      pending = null;
      throw unwrap(error);
    }
  }

  /** Stops the thread, waiting for a read that is under way. */
  @Override
  public void close() {
    if (executor == null) {
      return;
    }
    executor.shutdownNow();
    boolean isInterrupted = false;
    boolean isDone = false;
    while (!isDone) {
      try {
        isDone = executor.awaitTermination(1, TimeUnit.DAYS);
      } catch (InterruptedException interruption) {
        isInterrupted = true;
      }
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private Future<Batch> submit() {
    return executor == null || position >= order.length ? null : executor.submit(this::read);
  }

  private Batch read() {
    int count = Math.min(batchSize, order.length - position);
    Batch batch = batches[turn];
    turn = (turn + 1) % batches.length;
    batch.read(data, order, position, count);
    position += count;
    return batch;
  }

  private static RuntimeException unwrap(ExecutionException error) {
    Throwable cause = error.getCause();
    if (cause instanceof Error fatal) {
      throw fatal;
    }
    return cause instanceof RuntimeException exception
        ? exception
        : new EspalierException("INTERNAL", "reading the data set failed", cause);
  }
}
