// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Espalier;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Runs independent trainings side by side, one thread each: for small networks that uses the cores
 * better than sharing each step among them. Results are the same either way.
 */
final class Parallel {
  private Parallel() {}

  /** The results in the order of the jobs. */
  static <T> List<T> run(List<? extends Callable<T>> jobs) {
    int cores = Runtime.getRuntime().availableProcessors();
    int threads = Espalier.threads();
    ExecutorService executor = Executors.newFixedThreadPool(cores);
    Espalier.setThreads(1);
    try {
      List<Future<T>> futures = new ArrayList<>();
      for (Callable<T> job : jobs) {
        futures.add(executor.submit(job));
      }
      List<T> results = new ArrayList<>();
      for (Future<T> future : futures) {
        results.add(future.get());
      }
      return results;
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "a training failed: " + e.getCause().getMessage(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } finally {
      executor.shutdownNow();
      Espalier.setThreads(threads);
    }
  }
}
