// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeSet;

/**
 * Holds a {@link Loss} to what it promises, in a test of whatever framework: {@code
 * assertEquals(List.of(), LossCheck.problems(Task.Kind.LABELS, loss))}.
 *
 * @since 0.1
 */
public final class LossCheck {
  private static final int[] WIDTHS = {1, 3, 8};
  private static final int EXAMPLES = 5;

  /** Of a logit: rounding spoils what is smaller, curvature what is larger. */
  private static final double STEP = 0x1p-6;

  /** Where a kink lies within the step, one so much smaller mostly lies beside it. */
  private static final double SMALLER = 0x1p-5;

  private static final double RELATIVE = 1e-3;
  private static final double ABSOLUTE = 1e-5;
  private static final double FLOAT_ROUNDING = 0x1p-24;
  private static final float FAR = 50;

  private final Task task;
  private final Loss loss;
  private final TreeSet<String> problems = new TreeSet<>();

  private LossCheck(Task task, Loss loss) {
    this.task = task;
    this.loss = loss;
  }

  /**
   * Returns what is wrong with a loss, found out on random logits and answers, some of them
   * unlabelled: a gradient that is not the slope of the loss (by central differences in float64); a
   * gradient where nothing is labelled; a loss that depends on the rest of the batch, or on calls
   * before; a number that is not finite, for logits up to 50. Its kinks do no harm.
   *
   * @param kind for tasks of which kind it is meant
   * @param loss the loss
   * @return a line for each problem; empty if there is none. What the loss throws comes out
   */
  public static List<String> problems(Task.Kind kind, Loss loss) {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(loss, "loss");
    List<String> problems = new ArrayList<>();
    for (int width : WIDTHS) {
      String[] names = new String[width];
      Arrays.setAll(names, j -> "output" + j);
      LossCheck check = new LossCheck(Task.of("check", kind, List.of(names)), loss);
      check.run(new SplittableRandom(width));
      check.problems.forEach(problem -> problems.add("width " + width + ": " + problem));
    }
    return problems;
  }

  private void run(SplittableRandom random) {
    LossBatch batch = sample(random, EXAMPLES);
    double sum = compute(batch);
    requireZeros(batch);
    requireFinite(batch, sum, "");
    double again = compute(batch);
    if (Double.compare(sum, again) != 0) {
      problems.add("expected the same of the same batch, got " + sum + " and " + again);
    }
    double sumOfSums = 0;
    for (int i = 0; i < EXAMPLES; i++) {
      LossBatch example = example(batch, i);
      if (example.begin()) {
        sumOfSums += compute(example);
        requireSameGradients(batch, i, example);
        compareWithDifferences(example, i);
      }
    }
    if (Math.abs(sum - sumOfSums) > 1e-6 * Math.abs(sum) + 1e-9) {
      problems.add("expected the sum of the examples' losses alone, " + sumOfSums + ", got " + sum);
    }
    for (int i = 0; i < batch.logits().length; i++) {
      batch.logits()[i] = random.nextBoolean() ? FAR : -FAR;
    }
    requireFinite(batch, compute(batch), " for logits of ±" + FAR);
  }

  /** Returns random logits and answers; the first example is labelled, of the others a part. */
  private LossBatch sample(SplittableRandom random, int examples) {
    LossBatch batch = new LossBatch(task, examples);
    for (int i = 0; i < batch.logits().length; i++) {
      batch.logits()[i] = (float) random.nextDouble(-4, 4);
    }
    for (int i = 0; i < batch.targets().length; i++) {
      double number =
          task.kind() == Task.Kind.VALUES
              ? random.nextDouble(-4, 4)
              : random.nextInt(4) > 0 ? random.nextInt(2) : random.nextDouble();
      boolean isLabelled = i < task.width() || random.nextInt(3) > 0;
      batch.targets()[i] = isLabelled ? (float) number : Float.NaN;
    }
    for (int i = 0; i < batch.classes().length; i++) {
      boolean isLabelled = i == 0 || random.nextInt(3) > 0;
      batch.classes()[i] = isLabelled ? random.nextInt(task.width()) : -1;
    }
    return batch;
  }

  private LossBatch example(LossBatch batch, int index) {
    LossBatch example = new LossBatch(task, 1);
    int width = task.width();
    System.arraycopy(batch.logits(), index * width, example.logits(), 0, width);
    if (batch.classes().length > 0) {
      example.classes()[0] = batch.classes()[index];
    } else {
      System.arraycopy(batch.targets(), index * width, example.targets(), 0, width);
    }
    return example;
  }

  private double compute(LossBatch batch) {
    return batch.begin() ? loss.compute(batch) : 0;
  }

  private void requireZeros(LossBatch batch) {
    for (int i = 0; i < batch.gradients().length; i++) {
      if (!batch.isLabelled(i) && batch.gradients()[i] != 0) {
        problems.add("expected a gradient of 0 where nothing is labelled, got " + number(batch, i));
      }
    }
  }

  private void requireFinite(LossBatch batch, double sum, String where) {
    boolean isFinite = Double.isFinite(sum);
    for (int i = 0; i < batch.gradients().length; i++) {
      isFinite &= !batch.isLabelled(i) || Float.isFinite(batch.gradients()[i]);
    }
    if (!isFinite) {
      problems.add("expected a finite loss and gradients" + where + ", got others");
    }
  }

  private void requireSameGradients(LossBatch batch, int index, LossBatch example) {
    int width = task.width();
    float[] alone = example.gradients();
    float[] there = Arrays.copyOfRange(batch.gradients(), index * width, index * width + width);
    if (!Arrays.equals(alone, there)) {
      problems.add(
          "expected an example's gradients alone, "
              + Arrays.toString(alone)
              + ", got others in a batch, "
              + Arrays.toString(there));
    }
  }

  private void compareWithDifferences(LossBatch example, int index) {
    float[] gradients = example.gradients().clone();
    for (int j = 0; j < task.width(); j++) {
      if (!example.isLabelled(j)) {
        continue;
      }
      double near = slope(example, j, STEP);
      boolean isRight = isNear(gradients[j], near, example, STEP);
      if (!isRight) {
        double nearer = slope(example, j, STEP * SMALLER);
        isRight = isNear(gradients[j], nearer, example, STEP * SMALLER);
      }
      if (!isRight) {
        problems.add(
            String.format(
                Locale.ROOT,
                "expected a gradient near %.6g by differences, got %.6g for the logit %s,"
                    + " output %d, answers %s",
                near,
                gradients[j],
                example.logits()[j],
                j,
                example.classes().length > 0
                    ? Arrays.toString(example.classes())
                    : Arrays.toString(example.targets())));
      }
    }
  }

  private boolean isNear(double gradient, double slope, LossBatch example, double step) {
    double rounding = 4 * FLOAT_ROUNDING * Math.abs(compute(example)) / step;
    double greater = Math.max(Math.abs(gradient), Math.abs(slope));
    return Math.abs(gradient - slope) <= ABSOLUTE + RELATIVE * greater + rounding;
  }

  /** Central differences over two widths, so that the error goes with the step's fourth power. */
  private double slope(LossBatch example, int j, double step) {
    return (4 * difference(example, j, step) - difference(example, j, 2 * step)) / 3;
  }

  private double difference(LossBatch example, int j, double step) {
    float[] logits = example.logits();
    float logit = logits[j];
    double width = step * Math.max(1, Math.abs(logit));
    float above = (float) (logit + width);
    float below = (float) (logit - width);
    logits[j] = above;
    double most = compute(example);
    logits[j] = below;
    double least = compute(example);
    logits[j] = logit;
    return (most - least) / ((double) above - below);
  }

  private static String number(LossBatch batch, int entry) {
    return batch.gradients()[entry]
        + " in row "
        + entry / batch.width()
        + ", column "
        + entry % batch.width();
  }
}
