// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.Arrays;

/**
 * What a {@link Loss} is computed from, and where its gradients go. The arrays are row-major, of
 * exactly these sizes, copies for the loss alone; they are filled anew for each call, so nothing
 * may be kept of them.
 *
 * <p>Where nothing is labelled, the logits are NaN, of a class the whole row: what a network says
 * there has no effect.
 *
 * @since 0.1
 */
public final class LossBatch {
  private final Task task;
  private final int examples;
  private final float[] logits;
  private final float[] targets;
  private final int[] classes;
  private final boolean[] mask;
  private final float[] gradients;
  private final int[] places; // empty outside of training
  private int labelledCount;

  LossBatch(Task task, int examples) {
    this(task, examples, false);
  }

  LossBatch(Task task, int examples, boolean isTraining) {
    this.task = task;
    places = new int[isTraining ? examples : 0];
    this.examples = examples;
    boolean isClasses = task.kind() == Task.Kind.CLASSES;
    int entries = Math.multiplyExact(examples, task.width());
    logits = new float[entries];
    targets = new float[isClasses ? 0 : entries];
    classes = new int[isClasses ? examples : 0];
    mask = new boolean[isClasses ? examples : entries];
    gradients = new float[entries];
  }

  /**
   * Returns the task.
   *
   * @return its kind, and the names of its labels, classes or values
   */
  public Task task() {
    return task;
  }

  /**
   * Returns the number of examples.
   *
   * @return m in the formula of {@link Loss}, but for evaluations
   */
  public int examples() {
    return examples;
  }

  /**
   * Returns the number of logits of an example.
   *
   * @return labels, classes or values of the task
   */
  public int width() {
    return task.width();
  }

  /**
   * Returns the logits z.
   *
   * @return [examples, width]
   */
  public float[] logits() {
    return logits;
  }

  /**
   * Returns the known answers y of a task of labels, 0 to 1, or of values.
   *
   * @return [examples, width], NaN where nothing is labelled; empty for a task of classes
   */
  public float[] targets() {
    return targets;
  }

  /**
   * Returns the known classes of a task of classes.
   *
   * @return [examples], from 0 to width - 1, or -1 where nothing is labelled; empty for other tasks
   */
  public int[] classes() {
    return classes;
  }

  /**
   * Returns what is labelled.
   *
   * @return [examples, width], [examples] for a task of classes: true where the answer is known
   */
  public boolean[] mask() {
    return mask;
  }

  /**
   * Returns where the gradients dL/dz go.
   *
   * @return [examples, width], all zero at first; exactly 0 at last where nothing is labelled
   */
  public float[] gradients() {
    return gradients;
  }

  /** Returns whether a training step asks, and no evaluation. */
  boolean isTraining() {
    return places.length > 0;
  }

  /** Returns the place of an example in the data set that is trained on. */
  int place(int example) {
    return places[example];
  }

  /** Takes down the places of the examples from {@code first} on, where they matter. */
  void copyPlaces(Batch batch, int first) {
    for (int k = 0; k < places.length; k++) {
      places[k] = batch.place(first + k);
    }
  }

  /** Returns whether the answer is known that the logit at a place is for. */
  boolean isLabelled(int entry) {
    return mask[classes.length > 0 ? entry / width() : entry];
  }

  /** Makes all ready for a call, once logits and targets are there; returns if any is labelled. */
  boolean begin() {
    labelledCount = 0;
    for (int i = 0; i < targets.length; i++) {
      mask[i] = !Float.isNaN(targets[i]);
      labelledCount += mask[i] ? 1 : 0;
      logits[i] += 0 * targets[i]; // NaN where that is, without a branch that is hard to guess
    }
    for (int i = 0; i < classes.length; i++) {
      mask[i] = classes[i] >= 0;
      labelledCount += mask[i] ? 1 : 0;
      if (!mask[i]) {
        Arrays.fill(logits, i * width(), (i + 1) * width(), Float.NaN);
      }
    }
    Arrays.fill(gradients, 0);
    return labelledCount > 0;
  }

  /** Returns how many entries are labelled, whatever a loss has made of the mask since. */
  int labelledCount() {
    return labelledCount;
  }

  /** Returns for example {@code "32 examples of side: labels [low, right]"}. */
  @Override
  public String toString() {
    return examples + " examples of " + task;
  }
}
