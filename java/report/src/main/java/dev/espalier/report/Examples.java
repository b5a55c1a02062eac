// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.CheckReturnValue;
import java.awt.image.BufferedImage;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link Report} shows single examples of a data set: those that the network is most sure of
 * and wrong about. By pictures, by texts, or by their numbers alone; and, if asked for, with what
 * the network looked at. Immutable; each setting returns a changed copy.
 *
 * <p><b>What it looked at</b> is found by occlusion: a part of the example is covered, and what
 * that takes from the logit is what the part says for the answer. It needs no gradients and holds
 * for any network, but says nothing of what two parts say only together, and costs a prediction a
 * part. Source: Zeiler and Fergus 2014, arXiv:1311.2901, section 4.2.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Examples {
  private static final Examples PLAIN = new Examples(null, null, null, null, false, 0, 4);

  private final @Nullable IntFunction<BufferedImage> pictures;
  private final @Nullable IntFunction<String> texts;
  private final @Nullable IntFunction<String> names;
  private final @Nullable Function<String, float[]> encoder;
  private final boolean areInputs;
  private final int grid;
  private final int perLabel;

  private Examples(
      @Nullable IntFunction<BufferedImage> pictures,
      @Nullable IntFunction<String> texts,
      @Nullable IntFunction<String> names,
      @Nullable Function<String, float[]> encoder,
      boolean areInputs,
      int grid,
      int perLabel) {
    this.pictures = pictures;
    this.texts = texts;
    this.names = names;
    this.encoder = encoder;
    this.areInputs = areInputs;
    this.grid = grid;
    this.perLabel = perLabel;
  }

  /**
   * Shows examples by their numbers, from 0.
   *
   * @return the examples
   */
  public static Examples numbered() {
    return PLAIN;
  }

  /**
   * Shows as pictures what the network reads, if that is one image of one or three channels: from
   * its smallest value as black to its largest as white. Others by their numbers.
   *
   * @return the examples
   */
  public static Examples inputs() {
    return new Examples(null, null, null, null, true, 0, PLAIN.perLabel);
  }

  /**
   * Shows examples as pictures.
   *
   * @param pictures makes the picture of the example at an index of the data set, asked only for
   *     what is shown. For {@link #occlude} it has to show what the network reads: the same part of
   *     it
   * @return the examples
   */
  public static Examples pictures(IntFunction<BufferedImage> pictures) {
    return new Examples(
        Objects.requireNonNull(pictures, "pictures"), null, null, null, false, 0, PLAIN.perLabel);
  }

  /**
   * Shows examples as texts.
   *
   * @param texts returns the text of the example at an index of the data set
   * @return the examples
   */
  public static Examples texts(IntFunction<String> texts) {
    return new Examples(
        null, Objects.requireNonNull(texts, "texts"), null, null, false, 0, PLAIN.perLabel);
  }

  /**
   * Sets what stands below an example: the name of its file, say.
   *
   * @param names returns the name of the example at an index of the data set
   * @return changed examples
   */
  public Examples names(IntFunction<String> names) {
    Objects.requireNonNull(names, "names");
    return new Examples(pictures, texts, names, encoder, areInputs, grid, perLabel);
  }

  /**
   * Sets how many are shown for each label, class or value. Default 4.
   *
   * @param count 0 to 100
   * @return changed examples
   * @throws IllegalArgumentException if it is out of range
   */
  public Examples perLabel(int count) {
    requireRange("count", count, 0, 100);
    return new Examples(pictures, texts, names, encoder, areInputs, grid, count);
  }

  /**
   * Shows what of a picture the network looked at: each of {@code grid * grid} parts in turn is
   * covered by the mean of its channels. A prediction each, for each picture shown. For networks
   * whose only input is an image of one or three channels; a report refuses others.
   *
   * @param grid parts along each side, 2 to 64
   * @return changed examples
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if the examples are no pictures
   */
  public Examples occlude(int grid) {
    requireRange("grid", grid, 2, 64);
    if (pictures == null && !areInputs) {
      throw new IllegalStateException("occlude: expected examples shown as pictures");
    }
    return new Examples(pictures, texts, names, encoder, areInputs, grid, perLabel);
  }

  /**
   * Shows what of a text the network looked at: it is read again without each of its words in turn,
   * the first 200 of them. A prediction each, for each text shown.
   *
   * @param encoder makes an input of the network of a text, as for the data set; {@code
   *     TextInputs.row} does
   * @return changed examples
   * @throws IllegalStateException if the examples are no texts
   */
  public Examples occludeWords(Function<String, float[]> encoder) {
    Objects.requireNonNull(encoder, "encoder");
    if (texts == null) {
      throw new IllegalStateException("occludeWords: expected examples shown as texts");
    }
    return new Examples(pictures, texts, names, encoder, areInputs, grid, perLabel);
  }

  private static void requireRange(String name, int value, int least, int most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          name + ": expected " + least + " to " + most + ", got " + value);
    }
  }

  @Nullable IntFunction<BufferedImage> pictures() {
    return pictures;
  }

  @Nullable IntFunction<String> texts() {
    return texts;
  }

  @Nullable IntFunction<String> names() {
    return names;
  }

  @Nullable Function<String, float[]> encoder() {
    return encoder;
  }

  boolean areInputs() {
    return areInputs;
  }

  int grid() {
    return grid;
  }

  int perLabel() {
    return perLabel;
  }

  /** Returns for example {@code "4 pictures a label, occluded in 8 x 8 parts"}. */
  @Override
  public String toString() {
    String kind =
        areInputs ? "inputs" : pictures != null ? "pictures" : texts != null ? "texts" : "numbers";
    return perLabel
        + " "
        + kind
        + " a label"
        + (grid > 0 ? ", occluded in " + grid + " x " + grid + " parts" : "")
        + (encoder != null ? ", occluded by words" : "");
  }
}
