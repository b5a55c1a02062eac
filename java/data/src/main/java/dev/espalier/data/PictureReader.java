// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.CheckReturnValue;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import dev.espalier.ShapeException;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;

/**
 * Turns pictures into inputs of a network: {@code PictureReader.of(network.inputShape())
 * .valueRange(-1, 1)}. A {@link PictureDataset} reads its files by one, and the same one gives a
 * predictor a single picture, to the same bits.
 *
 * <p><b>Files</b> are JPEG, PNG, WebP, BMP, GIF or TIFF, told by their content, not by their names;
 * of several pictures in a file the first one is read. Pictures are turned upright as their Exif
 * orientation says. Grey becomes three equal channels for a network of color, color becomes luma
 * (ITU-R BT.601) for one of grey; CMYK becomes RGB. What is transparent shows the {@link
 * #background}. Samples count as they are: color profiles of RGB and grey pictures and PNG's gamma
 * are not applied.
 *
 * <p><b>Values</b> are kept with 16 bits once a picture has its size, then normalized: to the range
 * from 0 to 1, unless {@link #valueRange} or {@link #normalize} says otherwise. What a published
 * network wants is written where it was published; of those of TensorFlow it often is {@code
 * valueRange(-1, 1)}, of torchvision's {@code normalize(new float[] {0.485f, 0.456f, 0.406f}, new
 * float[] {0.229f, 0.224f, 0.225f})}. A network that normalizes in its first layers needs neither.
 *
 * <p>Immutable: each method returns a changed reader. Any number of threads may use one. It can be
 * {@linkplain #storeIn stored} in a network, comes back from its model file, and so makes of the
 * pictures of a service what it made of those of training.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class PictureReader {
  /** The key under which {@link #storeIn} keeps a reader in a network's metadata. */
  public static final String METADATA_KEY = "dev.espalier.data.PictureReader";

  private static final long DEFAULT_PIXELS = 100_000_000;
  private static final long FILE_BYTES = 1L << 30;
  private static final double LARGEST = 65535;

  private final PictureLayout layout;
  private final Color background;
  private final PixelValues values;
  private final long maxPixels;

  private PictureReader(
      PictureLayout layout, Color background, PixelValues values, long maxPixels) {
    this.layout = layout;
    this.background = background;
    this.values = values;
    this.maxPixels = maxPixels;
  }

  /**
   * Makes a reader for a network's input: pictures are stretched to its size, pixels of another
   * size are made by {@link PictureScaling#BILINEAR}, values are from 0 to 1, white is behind what
   * is transparent, and pictures have at most 100 million pixels.
   *
   * @param shape {@code [1, height, width]} for grey or {@code [3, height, width]} for red, green
   *     and blue
   * @return the reader
   * @throws IllegalArgumentException if the shape is another one
   */
  public static PictureReader of(Shape shape) {
    int[] dimensions = Objects.requireNonNull(shape, "shape").dims();
    if (dimensions.length != 3 || dimensions[0] != 1 && dimensions[0] != 3) {
      throw new IllegalArgumentException(
          "shape: expected [1, height, width] or [3, height, width], got " + shape);
    }
    return new PictureReader(
        new PictureLayout(
            dimensions[0],
            dimensions[1],
            dimensions[2],
            PictureFit.STRETCH,
            PictureScaling.BILINEAR),
        Color.WHITE,
        PixelValues.ofRange(dimensions[0], 0, 1),
        DEFAULT_PIXELS);
  }

  /** Makes a reader of what a text says, which has no limit of pixels but the default. */
  static PictureReader of(PictureLayout layout, Color background, PixelValues values) {
    return new PictureReader(layout, background, values, DEFAULT_PIXELS);
  }

  /**
   * Returns the reader that {@link #storeIn} put into a network.
   *
   * @param network a network, from a file or not
   * @return the reader, with the default of {@link #maxPixels}
   * @throws IllegalArgumentException if it has none, or a damaged one
   * @throws ShapeException if the network reads another shape
   */
  public static PictureReader of(Network network) {
    return of(Objects.requireNonNull(network, "network").metadata(), network.inputShape());
  }

  /**
   * Returns the reader of the network that a predictor was made of.
   *
   * @param predictor a predictor, from a file or not
   * @return the reader, with the default of {@link #maxPixels}
   * @throws IllegalArgumentException if it has none, or a damaged one
   * @throws ShapeException if the predictor reads another shape
   */
  public static PictureReader of(Predictor predictor) {
    return of(Objects.requireNonNull(predictor, "predictor").metadata(), predictor.inputShape());
  }

  private static PictureReader of(Map<String, String> metadata, Shape expected) {
    String text = metadata.get(METADATA_KEY);
    if (text == null) {
      throw new IllegalArgumentException(
          "expected a network that a picture reader was stored in (storeIn), got the metadata "
              + metadata.keySet());
    }
    PictureReader reader = PictureReaderText.read(text);
    if (!reader.inputShape().equals(expected)) {
      throw new ShapeException(
          "metadata \""
              + METADATA_KEY
              + "\": expected pictures "
              + expected
              + ", as the network reads, got "
              + reader.inputShape());
    }
    return reader;
  }

  /**
   * Stores this reader in a network: it goes into its model files, copies, transfers and
   * predictors. The limit of {@link #maxPixels} does not: it is the process's that reads.
   *
   * @param network a network whose only input has the shape of this reader's
   * @throws ShapeException if it reads another shape
   * @throws IllegalStateException if the network is closed or in use by another thread
   */
  public void storeIn(Network network) {
    Shape reads = Objects.requireNonNull(network, "network").inputShape();
    if (!reads.equals(inputShape())) {
      throw new ShapeException(
          "network: expected one that reads " + inputShape() + ", got " + network);
    }
    network.setMetadata(METADATA_KEY, PictureReaderText.write(this));
  }

  /**
   * Says what becomes of pictures of another ratio than the input's.
   *
   * @param fit stretched, cropped or padded
   * @return a changed reader
   */
  public PictureReader fit(PictureFit fit) {
    return with(
        new PictureLayout(
            layout.channels(),
            layout.height(),
            layout.width(),
            Objects.requireNonNull(fit, "fit"),
            layout.scaling()));
  }

  /**
   * Says how pixels of another size are made.
   *
   * @param scaling the way
   * @return a changed reader
   */
  public PictureReader scaling(PictureScaling scaling) {
    return with(
        new PictureLayout(
            layout.channels(),
            layout.height(),
            layout.width(),
            layout.fit(),
            Objects.requireNonNull(scaling, "scaling")));
  }

  private PictureReader with(PictureLayout layout) {
    return new PictureReader(layout, background, values, maxPixels);
  }

  /**
   * Sets what shows behind transparent pixels, and beside pictures that {@link PictureFit#PAD}
   * pads.
   *
   * @param color the color; its alpha does not count
   * @return a changed reader
   */
  public PictureReader background(Color color) {
    return new PictureReader(layout, Objects.requireNonNull(color, "color"), values, maxPixels);
  }

  /**
   * Makes values from {@code black} to {@code white}: {@code valueRange(0, 255)}, say.
   *
   * @param black value of the darkest sample
   * @param white value of the brightest, another one
   * @return a changed reader
   * @throws IllegalArgumentException if they are equal or not finite
   */
  public PictureReader valueRange(float black, float white) {
    return with(PixelValues.ofRange(layout.channels(), black, white));
  }

  private PictureReader with(PixelValues values) {
    return new PictureReader(layout, background, values, maxPixels);
  }

  /**
   * Makes {@code (value - mean) / standardDeviation} of the values from 0 to 1 of each channel.
   *
   * @param mean one for each channel
   * @param standardDeviation one for each channel, not 0
   * @return a changed reader
   * @throws IllegalArgumentException if they are not as many as channels, or not finite
   */
  public PictureReader normalize(float[] mean, float[] standardDeviation) {
    double[] means = checked("mean", mean);
    double[] deviations = checked("standardDeviation", standardDeviation);
    for (double deviation : deviations) {
      if (deviation == 0) {
        throw new IllegalArgumentException(
            "standardDeviation: expected numbers other than 0, got " + Arrays.toString(deviations));
      }
    }
    return with(new PixelValues(means, deviations));
  }

  private double[] checked(String what, float[] values) {
    if (Objects.requireNonNull(values, what).length != layout.channels()) {
      throw new IllegalArgumentException(
          what
              + ": expected a number for each channel, "
              + layout.channels()
              + ", got "
              + values.length);
    }
    double[] copy = new double[values.length];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = values[i];
      if (!Float.isFinite(values[i])) {
        throw new IllegalArgumentException(
            what + ": expected finite numbers, got " + Arrays.toString(values));
      }
    }
    return copy;
  }

  /**
   * Limits the pixels of a picture, which takes 1 to 8 bytes of heap for each while it is decoded.
   * Files that say that they have more are refused before anything is decoded.
   *
   * @param limit at least 1
   * @return a changed reader
   * @throws IllegalArgumentException if the limit is below 1
   */
  public PictureReader maxPixels(long limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("maxPixels: expected at least 1, got " + limit);
    }
    return new PictureReader(layout, background, values, limit);
  }

  /**
   * Reads a file.
   *
   * @param file a picture
   * @return its input: {@code inputShape().size()} values, row-major
   * @throws IllegalArgumentException if it is no picture, or a damaged or too large one
   * @throws java.io.UncheckedIOException if it can't be read
   */
  public float[] read(Path file) {
    return normalized(samples(file));
  }

  /**
   * Reads the content of a file.
   *
   * @param file a picture
   * @return its input: {@code inputShape().size()} values, row-major
   * @throws IllegalArgumentException if it is no picture, or a damaged or too large one
   */
  public float[] read(byte[] file) {
    return normalized(samples(Objects.requireNonNull(file, "file")));
  }

  /**
   * Reads a picture that is in memory, as it stands.
   *
   * @param picture the picture; unsigned samples of at most 16 bits
   * @return its input: {@code inputShape().size()} values, row-major
   * @throws IllegalArgumentException if its samples are of another kind
   */
  public float[] read(BufferedImage picture) {
    return normalized(samples(Objects.requireNonNull(picture, "picture"), ExifOrientation.UPRIGHT));
  }

  /**
   * Makes a picture of an input, to look at: what {@code read} read, in its size.
   *
   * @param input values as {@code read} returns them; what lies beyond black or white becomes that
   * @return the picture, of 8 bits
   * @throws IllegalArgumentException if the number of values is another one
   */
  public BufferedImage show(float[] input) {
    if (Objects.requireNonNull(input, "input").length != inputShape().size()) {
      throw new IllegalArgumentException(
          "input: expected " + inputShape().size() + " values, got " + input.length);
    }
    int area = layout.height() * layout.width();
    BufferedImage picture =
        new BufferedImage(layout.width(), layout.height(), BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < area; i++) {
      int packed = 0;
      for (int c = 0; c < 3; c++) {
        int channel = layout.channels() == 1 ? 0 : c;
        float light = values.light(channel, input[channel * area + i]);
        packed = packed << 8 | Math.max(0, Math.min(255, Math.round(255 * light)));
      }
      picture.setRGB(i % layout.width(), i / layout.width(), packed);
    }
    return picture;
  }

  /**
   * Returns the shape of the inputs.
   *
   * @return the network's
   */
  public Shape inputShape() {
    return Shape.image(layout.channels(), layout.height(), layout.width());
  }

  /** Returns what the values of inputs mean. */
  PixelValues values() {
    return values;
  }

  PictureLayout layout() {
    return layout;
  }

  Color background() {
    return background;
  }

  /** Reads a file, to its size but not normalized. */
  short[] samples(Path file) {
    byte[] bytes;
    try {
      bytes = bytes(Objects.requireNonNull(file, "file"));
    } catch (IOException error) {
      throw FileErrors.unreadable(file, error);
    }
    try {
      return samples(bytes);
    } catch (BrokenPictureException broken) {
      throw new IllegalArgumentException(file + ": " + broken.getMessage(), broken);
    }
  }

  private static byte[] bytes(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new IOException("it is a folder");
    }
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new IOException("it is no regular file");
    }
    if (Files.size(file) > FILE_BYTES) {
      throw new IOException("it has more than 1 GiB");
    }
    try (InputStream stream = Files.newInputStream(file)) {
      return stream.readAllBytes();
    }
  }

  private short[] samples(byte[] file) {
    try {
      PictureDecoder.Stored stored = PictureDecoder.decode(file, maxPixels);
      return samples(stored.image(), stored.orientation());
    } catch (IOException | RuntimeException | OutOfMemoryError | StackOverflowError error) {
      throw BrokenPictureException.damaged(error);
    }
  }

  private short[] samples(BufferedImage image, int orientation) {
    PixelRows rows = new PixelRows(image, layout.channels() == 1, background);
    return layout.apply(rows, image, orientation, rows.background());
  }

  private float[] normalized(short[] samples) {
    float[] input = new float[samples.length];
    normalize(samples, input, 0);
    return input;
  }

  /** Writes an input of the samples of a picture. */
  void normalize(short[] samples, float[] destination, int offset) {
    int area = layout.height() * layout.width();
    for (int channel = 0; channel < layout.channels(); channel++) {
      double factor = 1 / (LARGEST * values.deviation(channel));
      double summand = -values.mean(channel) / values.deviation(channel);
      for (int i = channel * area; i < (channel + 1) * area; i++) {
        destination[offset + i] = (float) ((samples[i] & 0xFFFF) * factor + summand);
      }
    }
  }

  /** Returns what it does, in words. */
  @Override
  public String toString() {
    return "PictureReader["
        + inputShape()
        + ", "
        + layout.fit()
        + ", "
        + layout.scaling()
        + ", mean "
        + Arrays.toString(values.mean())
        + ", standard deviation "
        + Arrays.toString(values.deviation())
        + "]";
  }
}
