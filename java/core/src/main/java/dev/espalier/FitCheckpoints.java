// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.NativeHandle;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** The checkpoints of one fit: what it goes on from, and when it writes the next. */
final class FitCheckpoints {
  /** What to go on from. */
  record Found(Path file, FitNotes notes) {}

  private final Checkpoints settings;
  private final FitFingerprint fingerprint;
  private final CheckpointFolder folder;
  private long lastSteps;
  private long lastNanos = System.nanoTime();

  FitCheckpoints(Checkpoints settings, FitFingerprint fingerprint) {
    this.settings = settings;
    this.fingerprint = fingerprint;
    folder = new CheckpointFolder(settings.folder());
  }

  /**
   * Returns the newest checkpoint that is whole; empty to begin anew.
   *
   * @param warn takes a line for each that is damaged
   */
  Optional<Found> find(HistoryNotes history, Consumer<String> warn) {
    List<Path> files = folder.files();
    if (!files.isEmpty() && !settings.isResuming()) {
      throw new IllegalStateException(
          "checkpoints: expected a folder without any, or Checkpoints.resuming, got "
              + files.get(0));
    }
    for (Path file : files) {
      Map<?, ?> written;
      FitNotes notes;
      try {
        String json = CheckpointFolder.notes(file);
        written = FitNotes.settings(json);
        notes = FitNotes.of(json, history);
      } catch (ModelFileException damaged) {
        warn.accept("checkpoint passed over: " + damaged.getMessage());
        continue;
      } catch (IllegalArgumentException
          | ClassCastException
          | NullPointerException
          | ArithmeticException others) {
        warn.accept("checkpoint passed over: " + file + ": its notes are not those of a fit");
        continue;
      }
      requireSettings(file, written);
      lastSteps = notes.steps();
      return Optional.of(new Found(file, notes));
    }
    return Optional.empty();
  }

  private void requireSettings(Path file, Map<?, ?> written) {
    List<String> differences = fingerprint.differences(written, settings.mayDiffer());
    if (!differences.isEmpty()) {
      throw new CheckpointMismatchException(file, differences);
    }
  }

  /** Says whether one is due after a step. */
  boolean isDue(long steps) {
    return settings.steps().isPresent() && steps - lastSteps >= settings.steps().getAsLong()
        || settings.time().isPresent()
            && Duration.ofNanos(System.nanoTime() - lastNanos).compareTo(settings.time().get())
                >= 0;
  }

  /** Says whether one is due after an epoch: where nothing else was asked for. */
  boolean isDueAfterEpoch() {
    return settings.steps().isEmpty() && settings.time().isEmpty();
  }

  /** Writes one; what keeps it from that becomes a warning. */
  void save(NativeHandle trainer, FitNotes notes, Consumer<String> warn) {
    lastSteps = notes.steps();
    try {
      folder.save(trainer, notes.steps(), notes.toJson(fingerprint));
      folder.keep(settings.kept());
    } catch (IOException | UncheckedIOException failure) {
      warn.accept("checkpoint: " + failure.getMessage());
    }
    lastNanos = System.nanoTime();
  }
}
