// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static java.util.regex.Pattern.CASE_INSENSITIVE;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * Decodes picture files by ImageIO and its plug-ins. Sizes are looked at before pixels are decoded,
 * and half a picture is none.
 */
final class PictureDecoder {
  static final String FORMATS = "JPEG, PNG, WebP, BMP, GIF or TIFF";

  /** As plug-ins call them: no others that happen to be installed read files of strangers. */
  private static final Set<String> FORMAT_NAMES =
      Set.of("jpeg", "png", "webp", "bmp", "gif", "tif", "tiff");

  /** Words of warnings with which plug-ins fill up half a picture. */
  private static final Pattern CUT_OFF = Pattern.compile("premature end|EOF", CASE_INSENSITIVE);

  static {
    // Plug-ins are found by the thread's class loader, which in a server is not always ours.
    Thread thread = Thread.currentThread();
    ClassLoader loader = thread.getContextClassLoader();
    thread.setContextClassLoader(PictureDecoder.class.getClassLoader());
    try {
      ImageIO.scanForPlugins();
    } finally {
      thread.setContextClassLoader(loader);
    }
  }

  private PictureDecoder() {}

  /** A picture as it is stored, and how it is to be turned. */
  record Stored(BufferedImage image, int orientation) {}

  /** Decodes the first picture of a file. Plug-ins throw what they like. */
  static Stored decode(byte[] file, long maxPixels) throws IOException {
    try (ImageInputStream stream = new ByteArrayStream(file)) {
      ImageReader reader = reader(stream);
      try {
        return new Stored(read(reader, stream, maxPixels), ExifOrientation.of(file));
      } finally {
        reader.dispose();
      }
    }
  }

  private static ImageReader reader(ImageInputStream stream) throws IOException {
    if (stream.length() == 0) {
      throw new BrokenPictureException("an empty file", null);
    }
    Iterator<ImageReader> readers = ImageIO.getImageReaders(stream);
    while (readers.hasNext()) {
      ImageReader reader = readers.next();
      if (FORMAT_NAMES.contains(reader.getFormatName().toLowerCase(Locale.ROOT))) {
        return reader;
      }
      reader.dispose();
    }
    throw new BrokenPictureException("expected a picture as " + FORMATS, null);
  }

  private static BufferedImage read(ImageReader reader, ImageInputStream stream, long maxPixels)
      throws IOException {
    reader.setInput(stream, true, true);
    int width = reader.getWidth(0);
    int height = reader.getHeight(0);
    if (width < 1 || height < 1) {
      throw new BrokenPictureException(
          "expected at least one pixel, got " + width + " × " + height, null);
    }
    if ((long) width * height > maxPixels) {
      throw new BrokenPictureException(
          "expected at most " + maxPixels + " pixels, got " + width + " × " + height, null);
    }
    List<String> warnings = new ArrayList<>();
    reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
    BufferedImage image = reader.read(0);
    for (String warning : warnings) {
      if (CUT_OFF.matcher(warning).find()) {
        throw new BrokenPictureException("the file is cut off: " + warning, null);
      }
    }
    return image;
  }
}
