// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.Objects;

/**
 * A loss that teaches a network what another one says, beside the known answers: a small network
 * learns from a large one, or one network from several. Hinton et al. 2015, arXiv:1503.02531.
 *
 * <pre>{@code
 * Trainer.of(student).loss("finding", Distillation.of(teacher, data).share(0.7)).fit(data);
 * }</pre>
 *
 * <p>With share s and temperature T, z the logits of the student, p what the teacher says, y the
 * known answer:
 *
 * <ul>
 *   <li>labels: {@code (1 - s) BCE(z, y) + s T² BCE(z / T, p_T)} of a labelled entry, p_T being
 *       sigmoid(logit(p) / T);
 *   <li>classes: {@code (1 - s) CE(z, y) + s T² CE(z / T, p_T)} of a labelled example, p_T being
 *       softmax(log p / T).
 * </ul>
 *
 * <p><b>What is not labelled</b> teaches nothing, as always; {@link Datasets#withTargets} can fill
 * blanks with what a teacher says. Evaluation has the loss of the known answers alone. As with
 * every {@link Loss}, the head's own settings have no effect. Of values there is none.
 *
 * <p>The teacher's answers are computed once, by {@link #of}, so it may be closed afterwards.
 * Immutable; each setting returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Distillation implements Loss {
  /** Probabilities count as at least this, and at most 1 less this. */
  private static final double LEAST = 1e-7;

  private final Task task;
  private final float[][] answers; // the teacher's, by example: logits
  private final double share;
  private final double temperature;

  private Distillation(Task task, float[][] answers, double share, double temperature) {
    this.task = task;
    this.answers = answers;
    this.share = Arguments.inRange("share", share, 0, 1);
    this.temperature = Arguments.positive("temperature", temperature);
  }

  /**
   * Asks a teacher about all examples, now.
   *
   * @param teacher of one task, of labels or classes; of a network with more heads, {@link
   *     PredictorOptions#heads} chooses one
   * @param data what the student will train on: this very data set, or one with the same examples
   *     at the same places
   * @return the loss, with a share of 0.5 and a temperature of 1
   * @throws IllegalArgumentException if the teacher has several tasks, or one of values
   * @throws ShapeException if inputs have the wrong size
   * @throws NonFiniteException if what the teacher says of an example is not finite
   * @throws ClosedException if the teacher is closed
   */
  public static Distillation of(Predictor teacher, Dataset data) {
    Objects.requireNonNull(teacher, "teacher");
    Objects.requireNonNull(data, "data");
    if (teacher.tasks().size() != 1 || teacher.tasks().get(0).kind() == Task.Kind.VALUES) {
      throw new IllegalArgumentException(
          "teacher: expected one task, of labels or classes, got " + teacher.tasks());
    }
    Task task = teacher.tasks().get(0);
    float[][] answers = teacher.predict(data);
    for (int i = 0; i < answers.length; i++) {
      for (int j = 0; j < answers[i].length; j++) {
        if (!Float.isFinite(answers[i][j])) {
          throw new NonFiniteException(
              "example " + i + ": expected a finite answer of the teacher, got " + answers[i][j],
              null);
        }
        answers[i][j] = teacher.isLogits() ? answers[i][j] : logit(task, answers[i][j]);
      }
    }
    return new Distillation(task, answers, 0.5, 1);
  }

  private static float logit(Task task, float probability) {
    double known = Math.min(1 - LEAST, Math.max(LEAST, probability));
    return (float)
        (task.kind() == Task.Kind.LABELS ? Math.log(known / (1 - known)) : Math.log(known));
  }

  /**
   * Sets how much the teacher counts, beside the known answers.
   *
   * @param share 0 to 1
   * @return changed loss
   * @throws IllegalArgumentException if it is out of its range
   */
  public Distillation share(double share) {
    return new Distillation(task, answers, share, temperature);
  }

  /**
   * Sets by what logits of both are divided first: what is above 1 shows more of what the teacher
   * thinks of answers that are not its first.
   *
   * @param temperature finite and above 0
   * @return changed loss
   * @throws IllegalArgumentException if it is out of its range
   */
  public Distillation temperature(double temperature) {
    return new Distillation(task, answers, share, temperature);
  }

  @Override
  public double compute(LossBatch batch) {
    Objects.requireNonNull(batch, "batch");
    if (!batch.task().outputNames().equals(task.outputNames())
        || batch.task().kind() != task.kind()) {
      throw new IllegalArgumentException(
          "distillation: expected a task as the teacher's, " + task + ", got " + batch.task());
    }
    double sum = 0;
    for (int example = 0; example < batch.examples(); example++) {
      float[] said = batch.isTraining() ? said(batch.place(example)) : null;
      sum +=
          task.kind() == Task.Kind.LABELS
              ? labels(batch, example, said)
              : classes(batch, example, said);
    }
    return sum;
  }

  private float[] said(int place) {
    if (place >= answers.length) {
      throw new IllegalArgumentException(
          "distillation: expected the data set that the teacher was asked about, of "
              + answers.length
              + " examples, got example "
              + place);
    }
    return answers[place];
  }

  private double labels(LossBatch batch, int example, float[] said) {
    double sum = 0;
    for (int j = 0; j < batch.width(); j++) {
      int entry = example * batch.width() + j;
      if (!batch.mask()[entry]) {
        continue;
      }
      double logit = batch.logits()[entry];
      double answer = batch.targets()[entry];
      double hard = said == null ? 1 : 1 - share;
      sum += hard * (Logistic.softplus(logit) - answer * logit);
      double gradient = hard * (Logistic.sigmoid(logit) - answer);
      if (said != null) {
        double soft = Logistic.sigmoid(said[j] / temperature);
        double scaled = logit / temperature;
        sum += share * temperature * temperature * (Logistic.softplus(scaled) - soft * scaled);
        gradient += share * temperature * (Logistic.sigmoid(scaled) - soft);
      }
      batch.gradients()[entry] = (float) gradient;
    }
    return sum;
  }

  private double classes(LossBatch batch, int example, float[] said) {
    if (!batch.mask()[example]) {
      return 0;
    }
    int width = batch.width();
    int first = example * width;
    double[] logs = logSoftmax(batch.logits(), first, width, 1);
    int right = batch.classes()[example];
    double hard = said == null ? 1 : 1 - share;
    double sum = -hard * logs[right];
    double[] gradients = new double[width];
    for (int j = 0; j < width; j++) {
      gradients[j] = hard * (Math.exp(logs[j]) - (j == right ? 1 : 0));
    }
    if (said != null) {
      double[] scaled = logSoftmax(batch.logits(), first, width, temperature);
      double[] soft = logSoftmax(said, 0, width, temperature);
      for (int j = 0; j < width; j++) {
        double probability = Math.exp(soft[j]);
        sum -= share * temperature * temperature * probability * scaled[j];
        gradients[j] += share * temperature * (Math.exp(scaled[j]) - probability);
      }
    }
    for (int j = 0; j < width; j++) {
      batch.gradients()[first + j] = (float) gradients[j];
    }
    return sum;
  }

  private static double[] logSoftmax(float[] logits, int first, int width, double temperature) {
    double most = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < width; j++) {
      most = Math.max(most, logits[first + j] / temperature);
    }
    double sum = 0;
    for (int j = 0; j < width; j++) {
      sum += Math.exp(logits[first + j] / temperature - most);
    }
    double[] logs = new double[width];
    for (int j = 0; j < width; j++) {
      logs[j] = logits[first + j] / temperature - most - Math.log(sum);
    }
    return logs;
  }

  /** Returns for example {@code "Distillation[side: labels [low, right], share 0.5, …]"}. */
  @Override
  public String toString() {
    return "Distillation["
        + task
        + ", share "
        + share
        + ", temperature "
        + temperature
        + ", "
        + answers.length
        + " examples]";
  }
}
