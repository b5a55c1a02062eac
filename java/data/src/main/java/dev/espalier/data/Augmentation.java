// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.CheckReturnValue;
import dev.espalier.Dataset;
import java.awt.image.BufferedImage;
import java.util.Objects;

/**
 * Changes pictures at random while a network trains, anew in each epoch, so that few of them teach
 * more: {@code Augmentation.of(reader).flipHorizontally().rotate(10).cropResize(0.7)
 * .brightness(0.2).apply(training, seed)}. Only what is chosen is done, in this order: crop, turn,
 * shift and flip in one step, then colors, noise, cut-out, and mixing. Validation and test data are
 * left as they are.
 *
 * <p><b>Random numbers</b> follow from seed, epoch and example alone: the same seed gives the same
 * bits with any number of threads. What lies beyond a picture's edge has the color of the edge.
 *
 * <p><b>Mixing</b> ({@link #mixup}, {@link #cutMix}) makes of an example {@code a} and another one,
 * {@code b}, drawn from the whole data set, a picture with the share {@code s} of {@code a}. Its
 * targets are mixed alike, and unlabelled entries stay what they are:
 *
 * <ul>
 *   <li>A label or value is {@code s * a + (1 - s) * b} where both are known. Where one is not,
 *       nobody knows the mixture's either: it is unlabelled, unless the share of the other is 0. Of
 *       labels of which a share {@code k} is known, {@code k * k} is known in mixtures; {@link
 *       #mixedShare} says how many examples are mixed.
 *   <li>A class is that of {@code a} with probability {@code s}, else that of {@code b}, so that
 *       the cost is, on average, {@code s} times that of {@code a}'s class and {@code 1 - s} times
 *       that of {@code b}'s; where one of them is unlabelled, the mixture is.
 * </ul>
 *
 * <p>Immutable: each method returns a changed augmentation.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Augmentation {
  private static final double HALF = 0.5;
  private static final double MOST_ALPHA = 2;

  private final PixelValues values;
  private final Geometry geometry;
  private final ColorShift colors;
  private final double noise;
  private final double cutOut;
  private final Mixing mixing;

  private Augmentation(
      PixelValues values,
      Geometry geometry,
      ColorShift colors,
      double noise,
      double cutOut,
      Mixing mixing) {
    this.values = values;
    this.geometry = geometry;
    this.colors = colors;
    this.noise = noise;
    this.cutOut = cutOut;
    this.mixing = mixing;
  }

  private static Augmentation of(PixelValues values) {
    return new Augmentation(values, Geometry.NONE, ColorShift.NONE, 0, 0, new Mixing(0, 0, HALF));
  }

  /**
   * Begins with nothing, for pictures as a reader normalizes them.
   *
   * @param reader of the data set
   * @return what changes nothing
   */
  public static Augmentation of(PictureReader reader) {
    return of(reader.values());
  }

  /**
   * Begins with nothing, for pictures of any data set.
   *
   * @param black value of the darkest pixel
   * @param white value of the brightest, another one
   * @return what changes nothing
   * @throws IllegalArgumentException if they are equal or not finite
   */
  public static Augmentation ofRange(float black, float white) {
    return of(PixelValues.ofRange(1, black, white));
  }

  /**
   * Mirrors every other picture, left to right.
   *
   * @return a changed augmentation
   */
  public Augmentation flipHorizontally() {
    return with(geometry.withFlips(true, geometry.flipsVertically()));
  }

  /**
   * Mirrors every other picture, upside down.
   *
   * @return a changed augmentation
   */
  public Augmentation flipVertically() {
    return with(geometry.withFlips(geometry.flipsHorizontally(), true));
  }

  /**
   * Turns pictures around their middle.
   *
   * @param degrees in both directions at most, 0 to 180
   * @return a changed augmentation
   * @throws IllegalArgumentException if the number is out of range
   */
  public Augmentation rotate(double degrees) {
    return with(geometry.withRotation(inRange("rotate", degrees, 0, 180)));
  }

  /**
   * Cuts a part of the same ratio out of each picture, anywhere in it, and brings it to the size of
   * the whole.
   *
   * @param leastArea share of the picture that a part has at least, above 0 up to 1
   * @return a changed augmentation
   * @throws IllegalArgumentException if the number is out of range
   */
  public Augmentation cropResize(double leastArea) {
    return with(geometry.withCrop(inRange("cropResize", leastArea, Double.MIN_NORMAL, 1)));
  }

  /**
   * Shifts pictures.
   *
   * @param share of width and height at most, in all directions, 0 to 1
   * @return a changed augmentation
   * @throws IllegalArgumentException if the number is out of range
   */
  public Augmentation translate(double share) {
    return with(geometry.withTranslation(inRange("translate", share, 0, 1)));
  }

  private Augmentation with(Geometry geometry) {
    return new Augmentation(values, geometry, colors, noise, cutOut, mixing);
  }

  /**
   * Makes pictures darker and brighter: multiplies by {@code 1 - most} to {@code 1 + most}.
   *
   * @param most 0 to 1
   * @return a changed augmentation
   * @throws IllegalArgumentException if the number is out of range
   */
  public Augmentation brightness(double most) {
    return with(colors.withBrightness(inRange("brightness", most, 0, 1)));
  }

  /**
   * Multiplies differences from a picture's mean luma by {@code 1 - most} to {@code 1 + most}.
   *
   * @param most 0 to 1
   * @return a changed augmentation
   * @throws IllegalArgumentException if the number is out of range
   */
  public Augmentation contrast(double most) {
    return with(colors.withContrast(inRange("contrast", most, 0, 1)));
  }

  /**
   * Multiplies differences from a pixel's luma by {@code 1 - most} to {@code 1 + most}; for three
   * channels.
   *
   * @param most 0 to 1
   * @return a changed augmentation
   * @throws IllegalArgumentException if the number is out of range
   */
  public Augmentation saturation(double most) {
    return with(colors.withSaturation(inRange("saturation", most, 0, 1)));
  }

  /**
   * Turns colors around the axis of grey, luma staying as it is (in YIQ); for three channels.
   *
   * @param most share of a turn in both directions at most, 0 to 0.5
   * @return a changed augmentation
   * @throws IllegalArgumentException if the number is out of range
   */
  public Augmentation hue(double most) {
    return with(colors.withHue(inRange("hue", most, 0, HALF)));
  }

  private Augmentation with(ColorShift colors) {
    return new Augmentation(values, geometry, colors, noise, cutOut, mixing);
  }

  /**
   * Adds normally distributed noise to each value.
   *
   * @param deviation its standard deviation, white minus black being 1; 0 to 1
   * @return a changed augmentation
   * @throws IllegalArgumentException if the number is out of range
   */
  public Augmentation noise(double deviation) {
    double checked = inRange("noise", deviation, 0, 1);
    return new Augmentation(values, geometry, colors, checked, cutOut, mixing);
  }

  /**
   * Covers a square anywhere in each picture with medium grey; a part of it may lie beyond the
   * edge. Source: DeVries and Taylor 2017, arXiv:1708.04552.
   *
   * @param share of the shorter side that the square's side has, 0 to 1
   * @return a changed augmentation
   * @throws IllegalArgumentException if the number is out of range
   */
  public Augmentation cutOut(double share) {
    double checked = inRange("cutOut", share, 0, 1);
    return new Augmentation(values, geometry, colors, noise, checked, mixing);
  }

  /**
   * Lays another picture over each that is mixed, both as translucent as their shares say. Source:
   * Zhang et al. 2018, arXiv:1710.09412.
   *
   * @param alpha the share is drawn from Beta(alpha, alpha), above 0 up to 2: 0.2 leaves most
   *     nearly unmixed, 1 draws any share alike
   * @return a changed augmentation
   * @throws IllegalArgumentException if the number is out of range
   */
  public Augmentation mixup(double alpha) {
    return with(mixing.withMixup(inRange("mixup", alpha, Double.MIN_NORMAL, MOST_ALPHA)));
  }

  /**
   * Puts a rectangle of another picture into each that is mixed, at the same place; shares are
   * those of the area. With {@link #mixup}, too, it is one or the other by chance. Source: Yun et
   * al. 2019, arXiv:1905.04899.
   *
   * @param alpha the share is drawn from Beta(alpha, alpha), above 0 up to 2
   * @return a changed augmentation
   * @throws IllegalArgumentException if the number is out of range
   */
  public Augmentation cutMix(double alpha) {
    return with(mixing.withCutMix(inRange("cutMix", alpha, Double.MIN_NORMAL, MOST_ALPHA)));
  }

  /**
   * Says how many of the examples are mixed: half of them, unless this says otherwise.
   *
   * @param share 0 to 1
   * @return a changed augmentation
   * @throws IllegalArgumentException if the number is out of range
   */
  public Augmentation mixedShare(double share) {
    return with(mixing.withShare(inRange("mixedShare", share, 0, 1)));
  }

  private Augmentation with(Mixing mixing) {
    return new Augmentation(values, geometry, colors, noise, cutOut, mixing);
  }

  private static double inRange(String what, double value, double least, double most) {
    if (!(value >= least && value <= most)) {
      String lower = least == Double.MIN_NORMAL ? "above 0" : Double.toString(least);
      throw new IllegalArgumentException(
          what + ": expected " + lower + " to " + most + ", got " + value);
    }
    return value;
  }

  /**
   * Makes a data set whose pictures are changed in each epoch of training. It is not stable, so
   * features of frozen layers are computed anew each time.
   *
   * @param data pictures {@code [channels, height, width]}, with any targets
   * @param seed of the random numbers
   * @return as many examples; {@code data} stays as it is
   * @throws IllegalArgumentException if inputs are no pictures, or have not as many channels as the
   *     reader, or not three where saturation or hue change
   */
  public Dataset apply(Dataset data, long seed) {
    return new AugmentedDataset(this, Objects.requireNonNull(data, "data"), seed, 0);
  }

  /**
   * Draws what training sees: in each row an example as it is, then as it is in the first epochs.
   *
   * @param data pictures as for {@link #apply}
   * @param seed of the random numbers
   * @param examples how many rows: the first examples of the data set, at least 1
   * @param epochs how many columns beside the first one, at least 1
   * @return one picture of all
   * @throws IllegalArgumentException if {@code apply} refuses the data, or a number is out of range
   */
  public BufferedImage contactSheet(Dataset data, long seed, int examples, int epochs) {
    AugmentedDataset augmented = new AugmentedDataset(this, data, seed, 0);
    return ContactSheet.draw(data, augmented, values, examples, epochs);
  }

  PixelValues values() {
    return values;
  }

  Geometry geometry() {
    return geometry;
  }

  ColorShift colors() {
    return colors;
  }

  Mixing mixing() {
    return mixing;
  }

  double noise() {
    return noise;
  }

  double cutOut() {
    return cutOut;
  }

  /** Returns the settings. */
  @Override
  public String toString() {
    return "Augmentation["
        + geometry
        + ", "
        + colors
        + ", noise "
        + noise
        + ", cut-out "
        + cutOut
        + ", "
        + mixing
        + "]";
  }
}
