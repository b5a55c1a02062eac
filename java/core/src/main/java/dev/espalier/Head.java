// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * What a head answers and how it is trained: {@code Head.labels("cat", "dog")}. Immutable; each
 * setting returns a changed copy. A head may be used in several networks. What only one kind of
 * answer has stands in its class: {@link LabelsHead}, {@link ClassesHead}, {@link ValuesHead}.
 *
 * <p>An output layer with one unit a label is added by itself, named {@code heads.<name>.dense}.
 * Unlabelled entries of a batch (see {@link Dataset}) count in no loss, gradient or moment.
 *
 * @since 0.1
 */
@CheckReturnValue
public abstract sealed class Head permits LabelsHead, ClassesHead, ValuesHead {
  private final HeadSettings settings;

  Head(HeadSettings settings) {
    this.settings = settings;
  }

  /**
   * Asks independent yes/no questions; several can be true at once. Output: a sigmoid each. Loss of
   * a labelled entry, from the logit z and the target y in [0, 1]: {@code max(z, 0) - z y + log(1 +
   * exp(-|z|))}.
   *
   * @param names names of the labels, at least one, all different
   * @return the head
   */
  public static LabelsHead labels(String... names) {
    return WithLayers.NONE.labels(names);
  }

  /**
   * Asks which one of several classes. Output: softmax. Loss: {@code -log softmax(z)[y]}.
   *
   * @param names names of the classes, at least one, all different
   * @return the head
   */
  public static ClassesHead classes(String... names) {
    return WithLayers.NONE.classes(names);
  }

  /**
   * Asks which one of {@code count} classes named "0", "1" and so on.
   *
   * @param count number of classes, 1 to 2^20
   * @return the head
   */
  public static ClassesHead classes(int count) {
    return WithLayers.NONE.classes(count);
  }

  /**
   * Asks for real numbers. Output: the logits themselves. Loss: {@code (z - y)^2}.
   *
   * @param names names of the values, at least one, all different
   * @return the head
   */
  public static ValuesHead values(String... names) {
    return WithLayers.NONE.values(names);
  }

  /**
   * Puts layers between the features and the output layer: {@code Head.layers(h ->
   * h.dense(64).relu()).labels("cat")}. Their names get the prefix {@code heads.<name>.}
   *
   * @param layers adds the layers
   * @return the choice of the task
   */
  public static WithLayers layers(Consumer<HeadLayers> layers) {
    HeadLayers stack = new HeadLayers();
    Objects.requireNonNull(layers, "layers").accept(stack);
    return new WithLayers(HeadSettings.ofLayers(stack.specs()));
  }

  /**
   * Sets the weight of this task in the total loss. Default 1.
   *
   * @param weight finite, not negative
   * @return changed head
   */
  public abstract Head weight(double weight);

  /**
   * Sets what the sum of losses is divided by. Default: all examples of the batch.
   *
   * @param normalization the divisor
   * @return changed head
   */
  public abstract Head normalization(LossNormalization normalization);

  /**
   * Sets how the weights of the output layer start; its bias starts at 0.
   *
   * <p>Default: {@link Initializer#ZEROS} on a frozen backbone, that is where no dense layer or
   * convolution that trains lies under the head when the network is built (the freezing of a {@link
   * TransferBuilder} counts), else {@link Initializer#STANDARD_UNIFORM}. On frozen features zeros
   * gave the best answers: whatever a random start says must be unlearned. Under them, a backbone
   * that learns gets no gradient in the first step and found worse features in few steps; one under
   * an output layer that is frozen at zeros never gets any. docs/transfer.md has the measurements.
   *
   * @param initializer the distribution
   * @return changed head
   */
  public abstract Head initializer(Initializer initializer);

  /** Returns for example {@code "labels [cat, dog]"}. */
  @Override
  public String toString() {
    return settings.toString();
  }

  final HeadSettings settings() {
    return settings;
  }

  /** Layers of a head whose task is still to be said; see {@link Head#layers}. */
  @CheckReturnValue
  public static final class WithLayers {
    private static final WithLayers NONE = new WithLayers(HeadSettings.ofLayers(List.of()));

    private final HeadSettings settings;

    private WithLayers(HeadSettings settings) {
      this.settings = settings;
    }

    /**
     * Asks independent yes/no questions; see {@link Head#labels}.
     *
     * @param names names of the labels, at least one, all different
     * @return the head
     */
    public LabelsHead labels(String... names) {
      return new LabelsHead(settings.task(Task.Kind.LABELS, "logistic", names));
    }

    /**
     * Asks which one of several classes; see {@link Head#classes(String...)}.
     *
     * @param names names of the classes, at least one, all different
     * @return the head
     */
    public ClassesHead classes(String... names) {
      return new ClassesHead(settings.task(Task.Kind.CLASSES, "softmax", names));
    }

    /**
     * Asks which one of {@code count} classes; see {@link Head#classes(int)}.
     *
     * @param count number of classes, 1 to 2^20
     * @return the head
     */
    public ClassesHead classes(int count) {
      Arguments.inRange("count", count, 1, 1 << 20);
      return classes(IntStream.range(0, count).mapToObj(Integer::toString).toArray(String[]::new));
    }

    /**
     * Asks for real numbers; see {@link Head#values}.
     *
     * @param names names of the values, at least one, all different
     * @return the head
     */
    public ValuesHead values(String... names) {
      return new ValuesHead(settings.task(Task.Kind.VALUES, "squared", names));
    }

    /** Returns for example {@code "head of 2 layers"}. */
    @Override
    public String toString() {
      return "head of " + settings.layerCount() + " layers";
    }
  }
}
