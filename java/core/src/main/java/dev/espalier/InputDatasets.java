// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.Objects;

/**
 * Makes data sets for networks with several inputs, or with integers:
 *
 * <pre>{@code
 * Dataset texts =
 *     InputDatasets.join(
 *         InputDatasets.integers("ids", ids, Shape.vector(64)),
 *         InputDatasets.integers("length", lengths, Shape.vector(1)));
 * Dataset data = Datasets.withTargets(texts, "", answers);
 * }</pre>
 *
 * <p>What they hold and share is as with {@link Datasets}.
 *
 * @since 0.1
 */
public final class InputDatasets {
  private InputDatasets() {}

  /**
   * Makes a data set of one input of integers: ids, lengths.
   *
   * @param name name of the input
   * @param values {@code [examples, shape]}, row-major
   * @param shape shape of an input
   * @return the data set
   * @throws ShapeException if the length is not a multiple of the shape's size
   * @throws IllegalArgumentException if a number is not exact as a float; all are up to 2^24
   */
  public static Dataset integers(String name, int[] values, Shape shape) {
    float[] floats = InputValues.floats(Objects.requireNonNull(values, "values"));
    return new NamedDataset(Datasets.of(floats, shape), Input.integers(name, shape));
  }

  /**
   * Gives the input of a data set a name.
   *
   * @param name name of the input
   * @param data a data set of one input
   * @return a view of it
   * @throws IllegalArgumentException if it has several inputs
   */
  public static Dataset named(String name, Dataset data) {
    List<Input> inputs = Objects.requireNonNull(data, "data").inputs();
    if (inputs.size() > 1) {
      throw new IllegalArgumentException("data: expected a data set of one input, got " + inputs);
    }
    boolean isInteger = !inputs.isEmpty() && inputs.get(0).isInteger();
    Shape shape = data.inputShape();
    return new NamedDataset(
        data, isInteger ? Input.integers(name, shape) : Input.floats(name, shape));
  }

  /**
   * Joins data sets of the same examples: each has another input, with a name. Their targets come
   * together.
   *
   * @param parts the data sets, in the order of the network's inputs
   * @return a view of them
   * @throws ShapeException if they have different numbers of examples
   * @throws IllegalArgumentException if there is none, an input has no name or the name of another,
   *     or two data sets have targets of one task
   */
  public static Dataset join(Dataset... parts) {
    return new JoinedDataset(List.of(Objects.requireNonNull(parts, "parts")));
  }

  private static final class NamedDataset extends DerivedDataset {
    private final Input input;

    NamedDataset(Dataset base, Input input) {
      super(base);
      this.input = input;
    }

    @Override
    public List<Input> inputs() {
      return List.of(input);
    }

    @Override
    Dataset over(Dataset other) {
      return new NamedDataset(other, input);
    }
  }
}
