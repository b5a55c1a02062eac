// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Factor on the optimizer's learning rate from step to step: {@code Schedule.cosine().warmup(100)}.
 * Immutable. Steps count from 0 and go on from epoch to epoch; schedules that need the total number
 * of steps get it from the {@link Trainer}.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Schedule {
  private final Map<String, Object> settings;

  private Schedule(Map<String, Object> settings) {
    this.settings = settings;
  }

  /**
   * Keeps the learning rate.
   *
   * @return factor 1
   */
  public static Schedule constant() {
    return new Schedule(Map.of("kind", "constant"));
  }

  /**
   * Multiplies by {@code decay} every {@code steps} steps: {@code decay^floor(t / steps)}.
   *
   * @param steps distance, at least 1
   * @param decay above 0, at most 1
   * @return the schedule
   */
  public static Schedule step(long steps, double decay) {
    return new Schedule(Map.of("kind", "step"))
        .with("step_size", Arguments.positive("steps", steps))
        .with("decay", Arguments.factor("decay", decay));
  }

  /**
   * Multiplies by {@code decay} each step: {@code decay^t}.
   *
   * @param decay above 0, at most 1
   * @return the schedule
   */
  public static Schedule exponential(double decay) {
    return new Schedule(Map.of("kind", "exponential"))
        .with("decay", Arguments.factor("decay", decay));
  }

  /**
   * Falls from 1 to 0 along half a cosine over all steps: Loshchilov and Hutter 2017,
   * arXiv:1608.03983.
   *
   * @return the schedule
   */
  public static Schedule cosine() {
    return cosine(0);
  }

  /**
   * Falls from 1 to {@code finalFactor} along half a cosine over all steps.
   *
   * @param finalFactor 0 to 1
   * @return the schedule
   */
  public static Schedule cosine(double finalFactor) {
    return new Schedule(Map.of("kind", "cosine"))
        .with("final_factor", Arguments.inRange("finalFactor", finalFactor, 0, 1));
  }

  /**
   * Rises by a cosine from 1/25 to 1 over the first 30 % of all steps, then falls to 4e-6: Smith
   * 2018, arXiv:1803.09820, with PyTorch's defaults.
   *
   * @return the schedule
   */
  public static Schedule oneCycle() {
    return new Schedule(Map.of("kind", "one_cycle")).with("final_factor", 4e-6);
  }

  /**
   * Rises linearly before the schedule itself starts: factor {@code (t + 1) / (steps + 1)}.
   *
   * @param steps number of steps, at least 0
   * @return changed schedule
   */
  public Schedule warmup(long steps) {
    if (steps < 0) {
      throw new IllegalArgumentException("steps: expected at least 0, got " + steps);
    }
    return with("warmup_steps", steps);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Schedule schedule && settings.equals(schedule.settings);
  }

  @Override
  public int hashCode() {
    return settings.hashCode();
  }

  /** Returns the settings. */
  @Override
  public String toString() {
    return settings.toString();
  }

  /** Returns the settings as the native trainer reads them. */
  Map<String, Object> spec(long totalSteps) {
    boolean needsTotal =
        "cosine".equals(settings.get("kind")) || "one_cycle".equals(settings.get("kind"));
    return needsTotal ? with("total_steps", totalSteps).settings : settings;
  }

  private Schedule with(String setting, Object value) {
    Map<String, Object> changed = new LinkedHashMap<>(settings);
    changed.put(setting, value);
    return new Schedule(Collections.unmodifiableMap(changed));
  }
}
