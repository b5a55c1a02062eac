// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Where a fit writes down how far it is, so that no power cut loses it:
 *
 * <pre>{@code
 * Trainer.of(network)
 *     .checkpoints(Checkpoints.in(folder).every(Duration.ofMinutes(5)).resuming())
 *     .fit(data);
 * }</pre>
 *
 * <p>A checkpoint is one file (docs/checkpoint_file.md) with the parameters that train, the
 * optimizer's state, averages, best weights, the place in stages, epochs and data, and the history.
 * <b>What goes on from it ends with the same bits</b> as what was never interrupted: same network,
 * data, settings and seed given. A file is there as a whole or not at all: it is written beside,
 * flushed to the disk and renamed; each part has a checksum. Frozen layers are not in it, only
 * checksums of them.
 *
 * <p>Written after the step at which one is due, and where a stage is over, so that what was
 * trained to its end is not trained again; training goes on once it is on the disk. One that can't
 * be written is a warning ({@link History#warnings}), and the next one is tried when it is due. The
 * last ones stay when {@code fit} has ended; the trained network is the caller's to save. One fit
 * at a time may write into a folder.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Checkpoints {
  private final Path folder;
  private final OptionalLong steps;
  private final Optional<Duration> time;
  private final int kept;
  private final boolean isResuming;
  private final List<String> mayDiffer;

  private Checkpoints(
      Path folder,
      OptionalLong steps,
      Optional<Duration> time,
      int kept,
      boolean isResuming,
      List<String> mayDiffer) {
    this.folder = folder;
    this.steps = steps;
    this.time = time;
    this.kept = kept;
    this.isResuming = isResuming;
    this.mayDiffer = mayDiffer;
  }

  /**
   * Returns checkpoints after each epoch, of which the last two are kept.
   *
   * @param folder of the default file system; made by {@code fit} if it is not there
   * @return the checkpoints
   */
  public static Checkpoints in(Path folder) {
    return new Checkpoints(
        Objects.requireNonNull(folder, "folder"),
        OptionalLong.empty(),
        Optional.empty(),
        2,
        false,
        List.of());
  }

  /**
   * Writes one after so many steps since the last, within epochs too.
   *
   * @param steps at least 1
   * @return these with that
   */
  public Checkpoints everySteps(long steps) {
    OptionalLong checked = OptionalLong.of(Arguments.positive("steps", steps));
    return new Checkpoints(folder, checked, time, kept, isResuming, mayDiffer);
  }

  /**
   * Writes one at the first step that ends so long after the last, within epochs too.
   *
   * @param time above zero
   * @return these with that
   */
  public Checkpoints every(Duration time) {
    Optional<Duration> checked = Optional.of(Arguments.positive("time", time));
    return new Checkpoints(folder, steps, checked, kept, isResuming, mayDiffer);
  }

  /**
   * Sets how many are kept: older ones are deleted once a newer one is complete. Default 2.
   *
   * @param count at least 1
   * @return these with that
   */
  public Checkpoints keep(int count) {
    return new Checkpoints(
        folder, steps, time, Arguments.positive("count", count), isResuming, mayDiffer);
  }

  /**
   * Goes on from the newest in the folder, or begins anew where there is none. One that is damaged
   * is passed over with a warning, for the one before it. Without this, {@code fit} refuses a
   * folder that has checkpoints: it would overwrite what somebody may still need.
   *
   * @return these with that
   */
  public Checkpoints resuming() {
    return new Checkpoints(folder, steps, time, kept, true, mayDiffer);
  }

  /**
   * Lets settings differ from those of the checkpoint that {@link #resuming} finds, which {@code
   * fit} else refuses, naming each: more epochs, say. The bits are then those of neither. What has
   * state of its own has to stay: the kind of optimizer, balance, averages, a pull to the start. A
   * loss of one's own is known by its class, a lambda by the class around it.
   *
   * @param settings names as the refusal has them, {@code "epochs"} or {@code "data"}, at least one
   * @return these with that
   */
  public Checkpoints mayDiffer(String... settings) {
    List<String> all = new ArrayList<>(mayDiffer);
    for (String setting : Objects.requireNonNull(settings, "settings")) {
      all.add(Objects.requireNonNull(setting, "setting"));
    }
    return new Checkpoints(folder, steps, time, kept, isResuming, List.copyOf(all));
  }

  /** Returns the same in a folder within this one. */
  Checkpoints within(String name) {
    return new Checkpoints(folder.resolve(name), steps, time, kept, isResuming, mayDiffer);
  }

  Path folder() {
    return folder;
  }

  OptionalLong steps() {
    return steps;
  }

  Optional<Duration> time() {
    return time;
  }

  int kept() {
    return kept;
  }

  boolean isResuming() {
    return isResuming;
  }

  List<String> mayDiffer() {
    return mayDiffer;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Checkpoints checkpoints && values().equals(checkpoints.values());
  }

  @Override
  public int hashCode() {
    return values().hashCode();
  }

  /** Returns for example {@code "Checkpoints[in run7, every 500 steps, the last 2, resuming]"}. */
  @Override
  public String toString() {
    return "Checkpoints[in "
        + folder
        + (steps.isPresent() ? ", every " + steps.getAsLong() + " steps" : "")
        + time.map(t -> ", every " + t).orElse("")
        + ", the last "
        + kept
        + (isResuming ? ", resuming" : "")
        + (mayDiffer.isEmpty() ? "" : ", whatever " + mayDiffer)
        + "]";
  }

  private List<Object> values() {
    return List.of(folder, steps, time, kept, isResuming, mayDiffer);
  }
}
