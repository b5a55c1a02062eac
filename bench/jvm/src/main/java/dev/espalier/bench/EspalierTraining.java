// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import dev.espalier.Dataset;
import dev.espalier.EpochResult;
import dev.espalier.Network;
import dev.espalier.StepResult;
import dev.espalier.Trainer;
import dev.espalier.TrainingListener;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;

/**
 * One {@code fit} that goes on for as many steps as are asked for: it runs on a thread of its own,
 * whose listener waits wherever no more steps are wanted.
 */
final class EspalierTraining implements Contender.Training, TrainingListener {
  private final Network network;
  private final Trainer trainer;
  private final Thread thread;
  private final SynchronousQueue<Request> requests = new SynchronousQueue<>();
  private final CompletableFuture<Void> end = new CompletableFuture<>();
  private Request request;
  private int done;
  private long before;

  EspalierTraining(Network network, Trainer trainer, Dataset data) {
    this.network = network;
    this.trainer = trainer.epochs(Integer.MAX_VALUE).listener(this);
    thread = new Thread(() -> fit(data), "training");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void onStart(long epochs, long steps) {
    await();
  }

  @Override
  public void onStep(StepResult result) {
    long now = System.nanoTime();
    request.nanos[done] = now - before;
    request.losses[done] = result.loss();
    done++;
    if (done == request.count) {
      request.finished.complete(null);
      await();
    } else {
      before = now;
    }
  }

  @Override
  public void onEpoch(EpochResult result) {}

  @Override
  public void steps(int count, long[] nanos, double[] losses) {
    Request next = new Request(count, nanos, losses, new CompletableFuture<>());
    try {
      while (!requests.offer(next, 1, TimeUnit.SECONDS)) {
        if (end.isDone()) {
          end.get();
          throw new IllegalStateException("training has ended");
        }
      }
      CompletableFuture.anyOf(next.finished, end).get();
    } catch (InterruptedException | ExecutionException failure) {
      throw new IllegalStateException("training failed", failure);
    }
    if (!next.finished.isDone()) {
      throw new IllegalStateException("training has ended");
    }
  }

  @Override
  public void close() {
    trainer.cancel();
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
    }
    network.close();
  }

  private void fit(Dataset data) {
    try {
      trainer.fit(data);
      end.complete(null);
    } catch (RuntimeException | Error error) {
      end.completeExceptionally(error);
    }
  }

  private void await() {
    try {
      request = requests.take();
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt(); // closed: fit ends before the next step
    }
    done = 0;
    before = System.nanoTime();
  }

  private record Request(
      int count, long[] nanos, double[] losses, CompletableFuture<Void> finished) {}
}
