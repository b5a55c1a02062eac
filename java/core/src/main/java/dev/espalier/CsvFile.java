// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** Reads CSV files (RFC 4180, UTF-8, a header line) into data sets; strict. */
final class CsvFile {
  private static final int BYTE_ORDER_MARK = 0xFEFF;

  private final Path file;
  private final BufferedReader reader;
  private final char separator;
  private int line;
  private int recordLine;

  private CsvFile(Path file, BufferedReader reader, char separator) {
    this.file = file;
    this.reader = reader;
    this.separator = separator;
  }

  static Dataset dataset(Path file, CsvOptions options) {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(options, "options");
    try (BufferedReader reader = Files.newBufferedReader(file)) {
      return new CsvFile(file, reader, options.separator()).read(options);
    } catch (CharacterCodingException error) {
      throw new IllegalArgumentException(file + ": expected UTF-8, got other bytes", error);
    } catch (IOException error) {
      throw FileErrors.unreadable(file, error);
    }
  }

  private Dataset read(CsvOptions options) throws IOException {
    reader.mark(1);
    if (reader.read() != BYTE_ORDER_MARK) {
      reader.reset();
    }
    List<String> header = record();
    if (header == null) {
      throw new IllegalArgumentException(file + ": expected a header line, got an empty file");
    }
    int[] inputColumns = columns(header, options.inputs());
    int[][] targetColumns =
        options.tasks().stream().map(task -> columns(header, task.columns())).toArray(int[][]::new);
    FloatList inputs = new FloatList();
    List<FloatList> targets = new ArrayList<>();
    options.tasks().forEach(task -> targets.add(new FloatList()));
    int size = 0;
    for (List<String> fields = record(); fields != null; fields = record()) {
      if (fields.size() != header.size()) {
        throw error("expected " + header.size() + " fields, got " + fields.size());
      }
      for (int column : inputColumns) {
        inputs.add(number(header, fields, column, false));
      }
      for (int t = 0; t < targetColumns.length; t++) {
        List<String> classes = options.tasks().get(t).classes();
        for (int column : targetColumns[t]) {
          targets
              .get(t)
              .add(
                  classes.isEmpty()
                      ? number(header, fields, column, true)
                      : classIndex(header, fields, column, classes));
        }
      }
      size++;
    }
    if (size == 0) {
      throw new IllegalArgumentException(file + ": expected at least one line after the header");
    }
    Dataset dataset = Datasets.of(inputs.toArray(), options.shape());
    for (int t = 0; t < targetColumns.length; t++) {
      dataset = withTargets(dataset, options.tasks().get(t), targets.get(t).toArray());
    }
    return dataset;
  }

  private static Dataset withTargets(Dataset dataset, CsvOptions.Column task, float[] numbers) {
    int size = dataset.size();
    if (!task.classes().isEmpty()) {
      int[] classes = new int[size];
      for (int i = 0; i < size; i++) {
        classes[i] = (int) numbers[i];
      }
      return Datasets.withClasses(dataset, task.task(), classes);
    }
    int width = task.columns().size();
    float[][] rows = new float[size][];
    for (int i = 0; i < size; i++) {
      rows[i] = Arrays.copyOfRange(numbers, i * width, (i + 1) * width);
    }
    return Datasets.withTargets(dataset, task.task(), rows);
  }

  private int[] columns(List<String> header, List<String> names) {
    int[] columns = new int[names.size()];
    for (int i = 0; i < columns.length; i++) {
      columns[i] = header.indexOf(names.get(i));
      if (columns[i] < 0) {
        throw new IllegalArgumentException(
            file + ": expected a column \"" + names.get(i) + "\", got " + header);
      }
      if (header.lastIndexOf(names.get(i)) != columns[i]) {
        throw new IllegalArgumentException(
            file + ": expected one column \"" + names.get(i) + "\", got several");
      }
    }
    return columns;
  }

  private float number(List<String> header, List<String> fields, int column, boolean mayBeBlank) {
    String field = fields.get(column).strip();
    if (field.isEmpty() && mayBeBlank) {
      return Float.NaN;
    }
    // parseFloat would also take "NaN", "0x1p3" and "1f".
    boolean isPlain = field.chars().allMatch(c -> "0123456789+-.eE".indexOf(c) >= 0);
    try {
      float number = isPlain ? Float.parseFloat(field) : Float.NaN;
      if (Float.isFinite(number)) {
        return number;
      }
    } catch (NumberFormatException notNumber) {
      // Reported below.
    }
    throw error(
        "column \""
            + header.get(column)
            + "\": expected a finite number"
            + (mayBeBlank ? " or nothing" : "")
            + ", got \""
            + fields.get(column)
            + "\"");
  }

  private float classIndex(
      List<String> header, List<String> fields, int column, List<String> classes) {
    String field = fields.get(column).strip();
    int index = classes.indexOf(field);
    if (index < 0 && !field.isEmpty()) {
      throw error(
          "column \""
              + header.get(column)
              + "\": expected one of "
              + classes
              + " or nothing,"
              + " got \""
              + field
              + "\"");
    }
    return index;
  }

  /** Returns the fields of the next record; null at the end of the file. */
  private List<String> record() throws IOException {
    int c = reader.read();
    if (c < 0) {
      return null;
    }
    recordLine = ++line;
    List<String> fields = new ArrayList<>();
    StringBuilder field = new StringBuilder();
    while (true) {
      if (c == '"' && field.isEmpty()) {
        c = quoted(field);
        if (c >= 0 && c != separator && c != '\n' && c != '\r') {
          throw error(
              "expected a separator or the end of the line after a closing quote, got '"
                  + (char) c
                  + "'");
        }
      } else {
        while (c >= 0 && c != separator && c != '\n' && c != '\r') {
          if (c == '"') {
            throw error("expected quotes only around a whole field, got one after " + field);
          }
          field.append((char) c);
          c = reader.read();
        }
      }
      fields.add(field.toString());
      field.setLength(0);
      if (c != separator) {
        break;
      }
      c = reader.read();
    }
    if (c == '\r') {
      c = reader.read();
      if (c != '\n') {
        throw error(
            "expected a line feed after a carriage return, got "
                + (c < 0 ? "the end of the file" : "'" + (char) c + "'"));
      }
    }
    return fields;
  }

  /** Reads the rest of a quoted field; returns the character after it. */
  private int quoted(StringBuilder field) throws IOException {
    while (true) {
      int c = reader.read();
      if (c < 0) {
        throw error("expected a closing quote, got the end of the file");
      }
      if (c == '\n') {
        line++;
      }
      if (c == '"') {
        c = reader.read();
        if (c != '"') {
          return c;
        }
      }
      field.append((char) c);
    }
  }

  private IllegalArgumentException error(String message) {
    return new IllegalArgumentException(file + ", line " + recordLine + ": " + message);
  }

  /** A growing array. */
  private final class FloatList {
    private float[] values = new float[1024];
    private int size;

    void add(float value) {
      if (size == values.length) {
        if (size > Integer.MAX_VALUE / 2) {
          throw error("expected at most 2^30 values, got more");
        }
        values = Arrays.copyOf(values, 2 * size);
      }
      values[size++] = value;
    }

    float[] toArray() {
      return Arrays.copyOf(values, size);
    }
  }
}
