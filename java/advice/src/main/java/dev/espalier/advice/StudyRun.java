// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.EpochResult;
import dev.espalier.Split;
import dev.espalier.StepResult;
import dev.espalier.TrainingListener;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** One run of a study: its trainings one after the other, until all are done or it is to end. */
final class StudyRun {
  private final Optional<CellFolder> folder;
  private final Optional<Duration> timeLimit;
  private final BooleanSupplier isCancelled;
  private final List<StudyListener> listeners;
  private final long startNanos = System.nanoTime();
  private int done;
  private int total;

  /** Ends a training that is to count for nothing. */
  private static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1;

    Stopped() {
      super("the study is to end", null, false, false);
    }
  }

  StudyRun(
      Optional<Path> folder,
      Optional<Duration> timeLimit,
      BooleanSupplier isCancelled,
      List<StudyListener> listeners) {
    this.folder = folder.map(CellFolder::new);
    this.timeLimit = timeLimit;
    this.isCancelled = isCancelled;
    this.listeners = List.copyOf(listeners);
  }

  /** Returns one that keeps nothing and tells nobody. */
  static StudyRun unlimited() {
    return new StudyRun(Optional.empty(), Optional.empty(), () -> false, List.of());
  }

  /** Returns a limit that there is time before. */
  static Duration positive(Duration limit) {
    if (limit.isZero() || limit.isNegative()) {
      throw new IllegalArgumentException("limit: expected above zero, got " + limit);
    }
    return limit;
  }

  /** Cuts examples into folds of a study; each has at least four. */
  static List<Split> folds(Dataset data, int count, long seed) {
    int least = 4 * count;
    if (data.size() < least) {
      throw new IllegalArgumentException(
          "data: expected at least "
              + least
              + " examples for "
              + count
              + " folds, got "
              + data.size());
    }
    return Datasets.foldsStratified(data, count, seed);
  }

  /** Says that there are more trainings to come. */
  void expect(int trainings) {
    total += trainings;
  }

  boolean isToStop() {
    return isCancelled.getAsBoolean()
        || Thread.currentThread().isInterrupted()
        || timeLimit.isPresent() && left(timeLimit.get()).isNegative();
  }

  private Duration left(Duration limit) {
    return limit.minusNanos(System.nanoTime() - startNanos);
  }

  double seconds() {
    return (System.nanoTime() - startNanos) * 1e-9;
  }

  /** Returns what a training is to be told to, so that it ends when the study does. */
  TrainingListener stopper() {
    return new TrainingListener() {
      @Override
      public void onStep(StepResult step) {
        requireTime();
      }

      @Override
      public void onEpoch(EpochResult epoch) {}
    };
  }

  private void requireTime() {
    if (isToStop()) {
      throw new Stopped();
    }
  }

  /** Whether fingerprints are needed. */
  boolean hasFolder() {
    return folder.isPresent();
  }

  /**
   * Returns what a training gives, from the folder or by doing it; nothing if the study ended
   * meanwhile.
   *
   * @param rows examples that it is judged by
   */
  Optional<CellOutputs> train(
      String what, Supplier<Fingerprint> fingerprint, int rows, Supplier<CellOutputs> training) {
    if (isToStop()) {
      return Optional.empty();
    }
    String key = folder.isPresent() ? fingerprint.get().hex() : "";
    Optional<CellOutputs> kept = folder.flatMap(of -> of.read(key, rows));
    Optional<CellOutputs> outputs = kept.isPresent() ? kept : unlessStopped(training);
    // Whoever interrupts may have cut it short.
    if (outputs.isEmpty() || kept.isEmpty() && Thread.currentThread().isInterrupted()) {
      return Optional.empty();
    }
    if (kept.isEmpty()) {
      folder.ifPresent(of -> of.write(key, outputs.get()));
    }
    tell(what, kept.isPresent());
    return outputs;
  }

  /** Returns what a training gives that is not counted; nothing if the study ended meanwhile. */
  <T> Optional<T> unlessStopped(Supplier<T> training) {
    try {
      return Optional.of(training.get());
    } catch (Stopped stopped) {
      return Optional.empty();
    }
  }

  /** Tells listeners that one more is done. */
  void tell(String what, boolean isReused) {
    done++;
    total = Math.max(total, done);
    StudyProgress progress = new StudyProgress(done, total, what, isReused, seconds());
    listeners.forEach(listener -> listener.onProgress(progress));
  }
}
