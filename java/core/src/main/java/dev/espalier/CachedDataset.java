// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.Arrays;
import java.util.List;

/** What a data set read when this was made: each example once. */
final class CachedDataset extends DescribedDataset {
  private final String origin;
  private final Shape shape;
  private final List<Input> inputForms;
  private final List<Target> targets;
  private final float[][] inputs;
  private final float[][][] answers; // by target and example; null where nothing is labelled

  CachedDataset(Dataset data) {
    origin = "cache of " + origin(data);
    shape = data.inputShape();
    inputForms = List.copyOf(data.inputs());
    targets = List.copyOf(data.targets());
    inputs = new float[data.size()][];
    answers = new float[targets.size()][inputs.length][];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = Datasets.input(data, i);
      for (int t = 0; t < answers.length; t++) {
        float[] answer = new float[targets.get(t).width()];
        Arrays.fill(answer, Float.POSITIVE_INFINITY); // refused later where nothing is written
        boolean isLabelled = data.readTarget(targets.get(t).task(), i, answer, 0);
        answers[t][i] = isLabelled ? answer : null;
      }
    }
  }

  @Override
  String origin() {
    return origin;
  }

  @Override
  public int size() {
    return inputs.length;
  }

  @Override
  public Shape inputShape() {
    return shape;
  }

  @Override
  public List<Input> inputs() {
    return inputForms;
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    float[] input = inputs[Arguments.index("index", index, inputs.length)];
    System.arraycopy(input, 0, destination, offset, input.length);
  }

  @Override
  public List<Target> targets() {
    return targets;
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    int position = targets.indexOf(DerivedDataset.find(this, task));
    float[] answer = answers[position][Arguments.index("index", index, inputs.length)];
    if (answer == null) {
      return false;
    }
    System.arraycopy(answer, 0, destination, offset, answer.length);
    return true;
  }

  @Override
  public boolean isStable() {
    return true;
  }
}
