// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.CheckReturnValue;
import dev.espalier.Dataset;
import dev.espalier.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How much of a task is labelled. Immutable.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class KnownShare {
  private final String data;
  private final String task;
  private final int examples;
  private final double share;

  private KnownShare(String data, String task, int examples, double share) {
    this.data = data;
    this.task = task;
    this.examples = examples;
    this.share = share;
  }

  static List<KnownShare> of(String name, Dataset data) {
    List<KnownShare> shares = new ArrayList<>();
    for (Target target : data.targets()) {
      float[] row = new float[target.isClasses() ? 1 : target.width()];
      long known = 0;
      for (int i = 0; i < data.size(); i++) {
        if (data.readTarget(target.task(), i, row, 0)) {
          for (float answer : row) {
            boolean isKnown = target.isClasses() ? answer >= 0 : !Float.isNaN(answer);
            known += isKnown ? 1 : 0;
          }
        }
      }
      double share = (double) known / ((long) data.size() * row.length);
      shares.add(new KnownShare(name, target.task(), data.size(), share));
    }
    return shares;
  }

  /**
   * Returns of which data it is.
   *
   * @return {@code "source"} or {@code "new"}
   */
  public String data() {
    return data;
  }

  /**
   * Returns the task.
   *
   * @return its name in the data
   */
  public String task() {
    return task;
  }

  /**
   * Returns the number of examples.
   *
   * @return labelled or not
   */
  public int examples() {
    return examples;
  }

  /**
   * Returns how many of the answers are known.
   *
   * @return 0 to 1; NaN without examples
   */
  public double share() {
    return share;
  }

  /** Returns for example {@code "new task kind: 500 examples, 100 % of the answers known"}. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s task%s: %,d examples, %.0f %% of the answers known",
        data,
        task.isEmpty() ? "" : " " + task,
        examples,
        100 * share);
  }
}
