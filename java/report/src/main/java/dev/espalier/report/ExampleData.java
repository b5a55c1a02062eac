// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.regex.MatchResult;
import org.jspecify.annotations.Nullable;

/** Single examples of a data set as a page shows them, each made once. */
final class ExampleData {
  private final Dataset data;
  private final Predictor logits;
  private final Examples examples;
  private final boolean isImage;
  private final Map<Integer, String> pictures = new HashMap<>();
  private final Map<Integer, double[][]> effects = new HashMap<>();

  /**
   * Shows examples of a data set.
   *
   * @param logits of all tasks, side by side
   */
  ExampleData(Dataset data, Predictor logits, Examples examples) {
    this.data = data;
    this.logits = logits;
    this.examples = examples;
    isImage = logits.inputs().size() == 1 && isImage(logits.inputShape());
    if (examples.grid() > 0 && !isImage) {
      throw new IllegalArgumentException(
          "occlude: expected a network whose only input is an image of one or three channels, got "
              + logits.inputShape());
    }
  }

  private static boolean isImage(Shape shape) {
    int[] dimensions = shape.dims();
    return dimensions.length == 3 && (dimensions[0] == 1 || dimensions[0] == 3);
  }

  int perLabel() {
    return examples.perLabel();
  }

  /**
   * Returns an example.
   *
   * @param column the logit whose parts are to be shown
   * @param said what the network says
   * @param known what is right
   */
  Map<String, Object> entry(int example, int column, String said, String known) {
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("example", example);
    entry.put("name", name(example));
    entry.put("said", said);
    entry.put("known", known);
    String picture = picture(example);
    if (picture != null) {
      entry.put("picture", picture);
      if (examples.grid() > 0) {
        entry.put("grid", examples.grid());
        entry.put("parts", column(effects(example), column));
      }
    }
    IntFunction<String> texts = examples.texts();
    if (texts != null) {
      String text = Objects.requireNonNull(texts.apply(example), "texts");
      entry.put("text", text);
      if (examples.encoder() != null) {
        entry.put("words", words(text, column(effects(example, text), column)));
      }
    }
    return entry;
  }

  private String name(int example) {
    IntFunction<String> names = examples.names();
    return names == null
        ? "example " + example
        : Objects.requireNonNull(names.apply(example), "names");
  }

  private @Nullable String picture(int example) {
    IntFunction<BufferedImage> given = examples.pictures();
    if (given == null && !(examples.areInputs() && isImage)) {
      return null;
    }
    return pictures.computeIfAbsent(
        example,
        i ->
            PictureData.url(
                given == null
                    ? drawn(i)
                    : Objects.requireNonNull(given.apply(i), "pictures: none of an example")));
  }

  private BufferedImage drawn(int example) {
    int[] size = logits.inputShape().dims();
    return PictureData.ofInput(Datasets.input(data, example), size[0], size[1], size[2]);
  }

  private double[][] effects(int example) {
    return effects.computeIfAbsent(
        example,
        i ->
            Occlusion.ofParts(
                logits, Datasets.input(data, i), logits.inputShape(), examples.grid()));
  }

  private double[][] effects(int example, String text) {
    Function<String, float[]> encoder = Objects.requireNonNull(examples.encoder());
    return effects.computeIfAbsent(example, i -> Occlusion.ofWords(logits, text, encoder));
  }

  private static double[] column(double[][] effects, int column) {
    double[] values = new double[effects.length];
    for (int part = 0; part < values.length; part++) {
      values[part] = effects[part][column];
    }
    return values;
  }

  private static List<Map<String, Object>> words(String text, double[] effects) {
    List<Map<String, Object>> words = new ArrayList<>();
    List<MatchResult> found = Occlusion.words(text);
    for (int k = 0; k < found.size(); k++) {
      Map<String, Object> word = new LinkedHashMap<>();
      word.put("word", found.get(k).group());
      word.put("effect", effects[k]);
      words.add(word);
    }
    return words;
  }
}
