// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** A contact sheet: pictures as they are, and as an augmentation makes them in each epoch. */
final class AugmentationSection {
  private static final int MOST_EXAMPLES = 6;
  private static final int EPOCHS = 5;

  /** As large as the sheet shows a picture on a wide screen. */
  private static final int MOST_PIXELS = 128;

  private AugmentationSection() {}

  /**
   * Draws inputs as pictures by the values of those that are not changed, all by the same: what is
   * made brighter looks brighter.
   */
  static Section of(String title, Dataset data, Dataset augmented) {
    int[] size = data.inputShape().dims();
    if (size.length != 3 || size[0] != 1 && size[0] != 3) {
      throw new IllegalArgumentException(
          "augmentation: expected pictures of one or three channels, got "
              + data.inputShape()
              + "; a function that draws them may be given");
    }
    float low = Float.POSITIVE_INFINITY;
    float high = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < examples(data); i++) {
      for (float value : Datasets.input(data, i)) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    float black = low;
    float white = high;
    return of(
        title,
        data,
        augmented,
        input -> PictureData.ofInput(input, size[0], size[1], size[2], black, white));
  }

  static Section of(
      String title, Dataset data, Dataset augmented, Function<float[], BufferedImage> pictures) {
    if (data.size() != augmented.size()
        || !data.inputShape().equals(augmented.inputShape())
        || data.size() == 0) {
      throw new IllegalArgumentException(
          "augmentation: expected as many examples of one shape, changed and not, got "
              + augmented.size()
              + " of "
              + augmented.inputShape()
              + " for "
              + data.size()
              + " of "
              + data.inputShape());
    }
    List<String> columns = new ArrayList<>(List.of("as it is"));
    List<Dataset> shown = new ArrayList<>(List.of(data));
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
      columns.add("epoch " + (epoch + 1));
      shown.add(augmented.atEpoch(epoch));
    }
    List<Object> rows = new ArrayList<>();
    for (int i = 0; i < examples(data); i++) {
      List<Object> row = new ArrayList<>();
      for (int c = 0; c < shown.size(); c++) {
        BufferedImage picture = pictures.apply(Datasets.input(shown.get(c), i));
        Map<String, Object> cell = new LinkedHashMap<>();
        cell.put("name", "example " + i + ", " + columns.get(c));
        cell.put(
            "picture",
            PictureData.url(
                Objects.requireNonNull(picture, "pictures: none of an input"), MOST_PIXELS));
        row.add(cell);
      }
      rows.add(row);
    }
    Map<String, Object> block = Section.block("sheet");
    block.put("columns", columns);
    block.put("rows", rows);
    return Section.titled(title)
        .text(
            "The first pictures as they are, and as training sees them in its first epochs: changed"
                + " at random, each time anew.")
        .with(block);
  }

  private static int examples(Dataset data) {
    return Math.min(MOST_EXAMPLES, data.size());
  }
}
