// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import dev.espalier.Dataset;
import dev.espalier.Input;
import dev.espalier.Shape;
import dev.espalier.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Texts as examples, whose tokens are found once, now, and kept. Answers come from {@link
 * dev.espalier.Datasets#withTargets} and {@code withClasses}, NaN and -1 where nobody said; {@link
 * dev.espalier.Trainer#groupByLength} makes batches of texts of about one length.
 *
 * <p>Any number of threads may read one. A text takes 12 to 16 bytes of heap for each token.
 *
 * @since 0.1
 */
public final class TextDataset implements Dataset {
  private final TextInputs inputs;
  private final List<Encoding> encodings;

  private TextDataset(TextInputs inputs, List<Encoding> encodings) {
    this.inputs = inputs;
    this.encodings = encodings;
  }

  /**
   * Makes a data set of texts without targets.
   *
   * @param inputs how a network reads texts
   * @param texts the texts
   * @return a text an example
   */
  public static TextDataset of(TextInputs inputs, List<String> texts) {
    Objects.requireNonNull(inputs, "inputs");
    List<Encoding> encodings = new ArrayList<>(Objects.requireNonNull(texts, "texts").size());
    for (String text : texts) {
      encodings.add(inputs.encode(text));
    }
    return new TextDataset(inputs, encodings);
  }

  /**
   * Makes a data set of pairs of texts without targets.
   *
   * @param inputs how a network reads texts
   * @param first the first text of each pair
   * @param second the second, as many
   * @return a pair an example
   * @throws IllegalArgumentException if there are not as many of both
   */
  public static TextDataset ofPairs(TextInputs inputs, List<String> first, List<String> second) {
    Objects.requireNonNull(inputs, "inputs");
    if (Objects.requireNonNull(first, "first").size()
        != Objects.requireNonNull(second, "second").size()) {
      throw new IllegalArgumentException(
          "second: expected " + first.size() + " texts, got " + second.size());
    }
    List<Encoding> encodings = new ArrayList<>(first.size());
    for (int i = 0; i < first.size(); i++) {
      encodings.add(inputs.encode(first.get(i), second.get(i)));
    }
    return new TextDataset(inputs, encodings);
  }

  @Override
  public int size() {
    return encodings.size();
  }

  @Override
  public Shape inputShape() {
    List<Input> all = inputs.inputs();
    return all.size() == 1 ? all.get(0).shape() : Shape.vector(inputs.size());
  }

  @Override
  public List<Input> inputs() {
    return inputs.inputs();
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    inputs.write(encodings.get(index), destination, offset);
  }

  @Override
  public List<Target> targets() {
    return List.of();
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    return false;
  }

  @Override
  public boolean isStable() {
    return true;
  }

  /** Returns the number of texts, and the inputs that they are for. */
  @Override
  public String toString() {
    return "TextDataset[" + size() + " of " + inputs + "]";
  }
}
