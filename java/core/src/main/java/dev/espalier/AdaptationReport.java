// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * What an {@link Adaptation} tried, what it chose, and why. Immutable.
 *
 * @since 0.1
 */
public final class AdaptationReport {
  private final List<Trial> trials;
  private final int chosen;
  private final ValidationPlan.Watched watched;
  private final History history;
  private final double seconds;

  AdaptationReport(
      List<Trial> trials,
      int chosen,
      ValidationPlan.Watched watched,
      History history,
      double seconds) {
    this.trials = List.copyOf(trials);
    this.chosen = chosen;
    this.watched = watched;
    this.history = history;
    this.seconds = seconds;
  }

  /**
   * Returns what became of each setting.
   *
   * @return in the order in which they were tried
   */
  public List<Trial> trials() {
    return trials;
  }

  /**
   * Returns the trial whose network was the best on the validation data.
   *
   * @return one of {@link #trials}
   */
  public Trial chosen() {
    return trials.get(chosen);
  }

  /**
   * Returns what the choice was by.
   *
   * @return for example {@code macro_auc of task "finding"}, or {@code loss}
   */
  public String chosenBy() {
    return watched.toString();
  }

  /**
   * Returns how training by the chosen setting went.
   *
   * @return its history, of all stages
   */
  public History history() {
    return history;
  }

  /**
   * Returns the wall-clock time of all trials.
   *
   * @return seconds
   */
  public double seconds() {
    return seconds;
  }

  /** Returns a table of the trials, and the choice in a sentence. */
  @Override
  public String toString() {
    List<String[]> rows = new ArrayList<>();
    rows.add(new String[] {"setting", "validation", "steps", "seconds", ""});
    for (int i = 0; i < trials.size(); i++) {
      Trial trial = trials.get(i);
      rows.add(
          new String[] {
            trial.setting().toString(),
            trial.valueText(),
            String.format(Locale.ROOT, "%,d", trial.steps()),
            String.format(Locale.ROOT, "%.2f", trial.seconds()),
            i != chosen
                ? trial.note()
                : trial.note().isEmpty() ? "chosen" : "chosen, " + trial.note()
          });
    }
    return TextTable.of(rows)
        + String.format(
            Locale.ROOT,
            "chosen by the %s on the validation data, the earliest of equals, after %.2f s",
            watched,
            seconds);
  }

  /**
   * What became of one setting. Immutable.
   *
   * @since 0.1
   */
  public static final class Trial {
    private final AdaptationSetting setting;
    private final OptionalDouble value;
    private final long steps;
    private final double seconds;
    private final String note;

    Trial(
        AdaptationSetting setting, OptionalDouble value, long steps, double seconds, String note) {
      this.setting = setting;
      this.value = value;
      this.steps = steps;
      this.seconds = seconds;
      this.note = note;
    }

    static Trial notTried(AdaptationSetting setting, String why) {
      return new Trial(setting, OptionalDouble.empty(), 0, 0, "not tried: " + why);
    }

    static Trial diverged(AdaptationSetting setting) {
      return new Trial(setting, OptionalDouble.empty(), 0, 0, "diverged");
    }

    /**
     * Returns what was tried.
     *
     * @return one of the adaptation's settings
     */
    public AdaptationSetting setting() {
      return setting;
    }

    /**
     * Returns the best that its weights were on the validation data.
     *
     * @return by what {@link #chosenBy} says; empty where it was never looked at or defined
     */
    public OptionalDouble value() {
      return value;
    }

    /**
     * Returns how many steps it took.
     *
     * @return of all stages
     */
    public long steps() {
      return steps;
    }

    /**
     * Returns the wall-clock time that it took.
     *
     * @return seconds
     */
    public double seconds() {
      return seconds;
    }

    /**
     * Returns why there is no value.
     *
     * @return a line for people; empty where all is well
     */
    public String note() {
      return note;
    }

    private String valueText() {
      return value.isPresent() ? String.format(Locale.ROOT, "%.4f", value.getAsDouble()) : "-";
    }

    /** Returns the setting and its value in one line. */
    @Override
    public String toString() {
      return setting + ": " + valueText() + (note.isEmpty() ? "" : " (" + note + ")");
    }
  }
}
