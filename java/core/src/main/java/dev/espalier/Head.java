// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.NativeCall;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * What a head answers and how it is trained: {@code Head.labels("cat", "dog")}. Immutable; each
 * setting returns a changed copy. A head may be used in several networks.
 *
 * <p>An output layer with one unit a label is added by itself, named {@code heads.<name>.dense}.
 * Unlabelled entries of a batch (see {@link Dataset}) count in no loss, gradient or moment.
 */
public final class Head {
  private final Task.Kind kind;
  private final List<String> labels;
  private final List<Map<String, Object>> layers;
  private final Map<String, Object> task;
  private final double learningRateScale;

  private Head(
      Task.Kind kind,
      List<String> labels,
      List<Map<String, Object>> layers,
      Map<String, Object> task,
      double learningRateScale) {
    this.kind = kind;
    this.labels = labels;
    this.layers = layers;
    this.task = task;
    this.learningRateScale = learningRateScale;
  }

  /**
   * Asks independent yes/no questions; several can be true at once. Output: a sigmoid each. Loss of
   * a labelled entry, from the logit z and the target y in [0, 1]: {@code max(z, 0) - z y + log(1 +
   * exp(-|z|))}.
   *
   * @param names names of the labels, at least one, all different
   * @return the head
   */
  public static Head labels(String... names) {
    return create(Task.Kind.LABELS, List.of(), names);
  }

  /**
   * Asks which one of several classes. Output: softmax. Loss: {@code -log softmax(z)[y]}.
   *
   * @param names names of the classes, at least one, all different
   * @return the head
   */
  public static Head classes(String... names) {
    return create(Task.Kind.CLASSES, List.of(), names);
  }

  /**
   * Asks which one of {@code count} classes named "0", "1" and so on.
   *
   * @param count number of classes, 1 to 2^20
   * @return the head
   */
  public static Head classes(int count) {
    return create(Task.Kind.CLASSES, List.of(), numbers(count));
  }

  /**
   * Asks for real numbers. Output: the logits themselves. Loss: {@code (z - y)^2}.
   *
   * @param names names of the values, at least one, all different
   * @return the head
   */
  public static Head values(String... names) {
    return create(Task.Kind.VALUES, List.of(), names);
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
    return new WithLayers(List.copyOf(stack.specs()));
  }

  /**
   * Sets the weight of this task in the total loss. Default 1.
   *
   * @param weight finite, not negative
   * @return changed head
   */
  public Head weight(double weight) {
    return with("weight", Arguments.notNegative("weight", weight));
  }

  /**
   * Sets what the sum of losses is divided by. Default: all examples of the batch.
   *
   * @param normalization the divisor
   * @return changed head
   */
  public Head normalization(LossNormalization normalization) {
    return with("normalization", Objects.requireNonNull(normalization, "normalization").specName());
  }

  /**
   * Weights the loss of positive entries, label by label: for rare labels. Labels only.
   *
   * @param weights one a label, finite and above 0
   * @return changed head
   * @throws IllegalStateException if this is not a head of labels
   */
  public Head positiveWeights(double... weights) {
    requireKind(Task.Kind.LABELS, "positiveWeights");
    return with("positive_weights", weights("positiveWeights", weights));
  }

  /**
   * Weights the loss of an example by its true class. Classes only.
   *
   * @param weights one a class, finite and above 0
   * @return changed head
   * @throws IllegalStateException if this is not a head of classes
   */
  public Head classWeights(double... weights) {
    requireKind(Task.Kind.CLASSES, "classWeights");
    return with("class_weights", weights("classWeights", weights));
  }

  /**
   * Moves targets away from certainty: {@code y (1 - s) + s/2} for labels, {@code y (1 - s) + s/n}
   * for n classes. Default 0.
   *
   * @param smoothing s, at least 0, below 1
   * @return changed head
   * @throws IllegalStateException if this is a head of values
   */
  public Head labelSmoothing(double smoothing) {
    if (kind == Task.Kind.VALUES) {
      throw new IllegalStateException("labelSmoothing: expected labels or classes, got values");
    }
    return with("label_smoothing", Arguments.fraction("smoothing", smoothing));
  }

  /**
   * Uses the focal loss {@code -alpha_t (1 - p_t)^gamma log p_t}: Lin et al. 2017,
   * arXiv:1708.02002. Labels only.
   *
   * @param gamma strength of the focus on hard entries, finite, at least 0; 2 in the paper
   * @param alpha weight of positive entries, 0 to 1, or below 0 for no weighting; 0.25 in the paper
   * @return changed head
   * @throws IllegalStateException if this is not a head of labels
   */
  public Head focal(double gamma, double alpha) {
    requireKind(Task.Kind.LABELS, "focal");
    Arguments.notNegative("gamma", gamma);
    if (!(alpha <= 1) || Double.isInfinite(alpha)) {
      throw new IllegalArgumentException(
          "alpha: expected a finite number, at most 1, got " + alpha);
    }
    return with("loss", "focal").with("focal_gamma", gamma).with("focal_alpha", alpha);
  }

  /**
   * Uses the Huber loss: {@code d^2/2} for differences d up to {@code delta}, then {@code delta
   * (|d| - delta/2)}. Values only.
   *
   * @param delta finite and above 0
   * @return changed head
   * @throws IllegalStateException if this is not a head of values
   */
  public Head huber(double delta) {
    requireKind(Task.Kind.VALUES, "huber");
    return with("loss", "huber").with("huber_delta", Arguments.positive("delta", delta));
  }

  /**
   * Scales the learning rate of the output layer. Default 1.
   *
   * @param scale finite, not negative
   * @return changed head
   */
  public Head learningRateScale(double scale) {
    return new Head(kind, labels, layers, task, Arguments.notNegative("scale", scale));
  }

  /** Returns for example {@code "labels [cat, dog]"}. */
  @Override
  public String toString() {
    return kindName(kind) + " " + labels;
  }

  Map<String, Object> spec(String name, String from) {
    NativeCall.text(name, "name");
    Map<String, Object> taskSpec = new LinkedHashMap<>();
    taskSpec.put("kind", kindName(kind));
    taskSpec.put("labels", labels);
    taskSpec.putAll(task);
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("name", name);
    if (!from.isEmpty()) {
      spec.put("from", from);
    }
    if (!layers.isEmpty()) {
      spec.put("layers", layers);
    }
    spec.put("task", taskSpec);
    if (learningRateScale != 1) {
      spec.put("learning_rate_scale", learningRateScale);
    }
    return spec;
  }

  static String kindName(Task.Kind kind) {
    return switch (kind) {
      case LABELS -> "labels";
      case CLASSES -> "classes";
      case VALUES -> "values";
    };
  }

  private static Head create(Task.Kind kind, List<Map<String, Object>> layers, String... names) {
    Map<String, Object> task =
        switch (kind) {
          case LABELS -> Map.of("loss", "logistic");
          case CLASSES -> Map.of("loss", "softmax");
          case VALUES -> Map.of("loss", "squared");
        };
    return new Head(kind, List.of(Arguments.names(kindName(kind), names)), layers, task, 1);
  }

  private static String[] numbers(int count) {
    Arguments.inRange("count", count, 1, 1 << 20);
    return IntStream.range(0, count).mapToObj(Integer::toString).toArray(String[]::new);
  }

  private Head with(String setting, Object value) {
    Map<String, Object> changed = new LinkedHashMap<>(task);
    changed.put(setting, value);
    return new Head(kind, labels, layers, Collections.unmodifiableMap(changed), learningRateScale);
  }

  private List<Double> weights(String setting, double[] weights) {
    Objects.requireNonNull(weights, "weights");
    if (weights.length != labels.size()) {
      throw new IllegalArgumentException(
          setting + ": expected " + labels.size() + " weights, got " + weights.length);
    }
    for (double weight : weights) {
      Arguments.positive(setting, weight);
    }
    return Arrays.stream(weights).boxed().toList();
  }

  private void requireKind(Task.Kind expected, String setting) {
    if (kind != expected) {
      throw new IllegalStateException(
          setting + ": expected a head of " + kindName(expected) + ", got " + kindName(kind));
    }
  }

  /** Layers of a head whose task is still to be said; see {@link Head#layers}. */
  public static final class WithLayers {
    private final List<Map<String, Object>> layers;

    private WithLayers(List<Map<String, Object>> layers) {
      this.layers = layers;
    }

    /**
     * Asks independent yes/no questions; see {@link Head#labels}.
     *
     * @param names names of the labels, at least one, all different
     * @return the head
     */
    public Head labels(String... names) {
      return create(Task.Kind.LABELS, layers, names);
    }

    /**
     * Asks which one of several classes; see {@link Head#classes(String...)}.
     *
     * @param names names of the classes, at least one, all different
     * @return the head
     */
    public Head classes(String... names) {
      return create(Task.Kind.CLASSES, layers, names);
    }

    /**
     * Asks which one of {@code count} classes; see {@link Head#classes(int)}.
     *
     * @param count number of classes, 1 to 2^20
     * @return the head
     */
    public Head classes(int count) {
      return create(Task.Kind.CLASSES, layers, numbers(count));
    }

    /**
     * Asks for real numbers; see {@link Head#values}.
     *
     * @param names names of the values, at least one, all different
     * @return the head
     */
    public Head values(String... names) {
      return create(Task.Kind.VALUES, layers, names);
    }
  }
}
