// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.writer.CsvWriter;
import java.awt.Color;
import java.io.StringReader;
import java.io.StringWriter;
import java.util.Arrays;
import java.util.Iterator;

/**
 * {@link PictureReader} as text, CSV records in this order: what it is and its version; the shape
 * of the input; what becomes of other ratios and sizes; red, green and blue behind what is
 * transparent; mean and standard deviation of each channel, of values from 0 to 1.
 *
 * <pre>
 * espalier pictures,1
 * shape,3,96,96
 * fit,STRETCH
 * scaling,BILINEAR
 * background,255,255,255
 * mean,0.5,0.5,0.5
 * deviation,0.5,0.5,0.5
 * </pre>
 */
final class PictureReaderText {
  private static final String TITLE = "espalier pictures";
  private static final String VERSION = "1";
  private static final int LARGEST_SAMPLE = 255;

  private final Iterator<CsvRecord> records;
  private CsvRecord record;

  private PictureReaderText(Iterator<CsvRecord> records) {
    this.records = records;
  }

  static String write(PictureReader reader) {
    PictureLayout layout = reader.layout();
    Color background = reader.background();
    StringWriter text = new StringWriter();
    CsvWriter csv = CsvWriter.builder().bufferSize(0).build(text);
    csv.writeRecord(TITLE, VERSION);
    csv.writeRecord(
        "shape",
        Integer.toString(layout.channels()),
        Integer.toString(layout.height()),
        Integer.toString(layout.width()));
    csv.writeRecord("fit", layout.fit().name());
    csv.writeRecord("scaling", layout.scaling().name());
    csv.writeRecord(
        "background",
        Integer.toString(background.getRed()),
        Integer.toString(background.getGreen()),
        Integer.toString(background.getBlue()));
    csv.writeRecord(fields("mean", reader.values().mean()));
    csv.writeRecord(fields("deviation", reader.values().deviation()));
    return text.toString();
  }

  private static String[] fields(String name, double[] values) {
    String[] fields = new String[values.length + 1];
    fields[0] = name;
    for (int i = 0; i < values.length; i++) {
      fields[i + 1] = Double.toString(values[i]);
    }
    return fields;
  }

  /** Throws an {@link IllegalArgumentException} that says what is wrong, and in which line. */
  static PictureReader read(String text) {
    try {
      return new PictureReaderText(CsvRows.records(new StringReader(text), ',')).read();
    } catch (CsvParseException error) {
      throw new IllegalArgumentException(
          "metadata \"" + PictureReader.METADATA_KEY + "\": " + error.getMessage(), error);
    }
  }

  private PictureReader read() {
    next(TITLE, 1);
    if (!record.getField(1).equals(VERSION)) {
      throw error("version " + VERSION);
    }
    next("shape", 3);
    int channels = integer(1, 1, 3);
    if (channels == 2) {
      throw error("1 or 3 channels");
    }
    int height = integer(2, 1, Integer.MAX_VALUE);
    int width = integer(3, 1, Integer.MAX_VALUE);
    if ((long) height * width > Integer.MAX_VALUE / channels) {
      throw error("a picture of fewer than 2^31 values");
    }
    next("fit", 1);
    PictureFit fit = constant(PictureFit.values());
    next("scaling", 1);
    PictureScaling scaling = constant(PictureScaling.values());
    next("background", 3);
    Color background =
        new Color(
            integer(1, 0, LARGEST_SAMPLE),
            integer(2, 0, LARGEST_SAMPLE),
            integer(3, 0, LARGEST_SAMPLE));
    next("mean", channels);
    double[] mean = numbers();
    next("deviation", channels);
    double[] deviation = numbers();
    for (int i = 0; i < channels; i++) {
      // The largest value of an input, which is to be finite.
      if (!((Math.abs(mean[i]) + 1) / Math.abs(deviation[i]) <= Float.MAX_VALUE)) {
        throw error("numbers that are not 0 or next to it");
      }
    }
    if (records.hasNext()) {
      record = records.next();
      throw error("the end");
    }
    return PictureReader.of(
        new PictureLayout(channels, height, width, fit, scaling),
        background,
        new PixelValues(mean, deviation));
  }

  private void next(String name, int values) {
    if (!records.hasNext()) {
      throw new IllegalArgumentException(
          "metadata \""
              + PictureReader.METADATA_KEY
              + "\": expected a record \""
              + name
              + "\", got the end");
    }
    record = records.next();
    if (!record.getField(0).equals(name) || record.getFieldCount() != values + 1) {
      throw error("\"" + name + "\" and " + values + (values == 1 ? " value" : " values"));
    }
  }

  private int integer(int index, int least, int most) {
    try {
      int number = Integer.parseInt(record.getField(index));
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException notNumber) {
      // Reported below.
    }
    throw error("a number from " + least + " to " + most + " in field " + (index + 1));
  }

  private double[] numbers() {
    double[] numbers = new double[record.getFieldCount() - 1];
    for (int i = 0; i < numbers.length; i++) {
      try {
        numbers[i] = Double.parseDouble(record.getField(i + 1));
      } catch (NumberFormatException notNumber) {
        numbers[i] = Double.NaN;
      }
      if (!Double.isFinite(numbers[i])) {
        throw error("a finite number in field " + (i + 2));
      }
    }
    return numbers;
  }

  private <T extends Enum<T>> T constant(T[] values) {
    for (T value : values) {
      if (value.name().equals(record.getField(1))) {
        return value;
      }
    }
    throw error("one of " + Arrays.toString(values));
  }

  private IllegalArgumentException error(String expected) {
    return new IllegalArgumentException(
        "metadata \""
            + PictureReader.METADATA_KEY
            + "\", line "
            + record.getStartingLineNumber()
            + ": expected "
            + expected
            + ", got "
            + Cells.shown(record.getFields().toString()));
  }
}
