// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Shape;
import dev.espalier.ShapeException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;

/**
 * Reads CSV files (RFC 4180, UTF-8, a header line) into data sets, with FastCSV.
 *
 * @since 0.1
 */
public final class CsvDataset {
  private static final int BYTE_ORDER_MARK = 0xFEFF;

  private final Path file;
  private final CsvOptions options;
  private List<String> header;
  private CsvRecord record;

  private CsvDataset(Path file, CsvOptions options) {
    this.file = file;
    this.options = options;
  }

  /**
   * Reads a file. Labels, values and classes have their names, so that a head finds them in any
   * order.
   *
   * @param file the file
   * @param options which columns are what
   * @return the data set, in memory
   * @throws IllegalArgumentException if the file is malformed, a column is not there, or a field is
   *     not what its column asks for, naming line and column
   * @throws ShapeException if there are not as many input columns as the shape has values
   * @throws UncheckedIOException if the file cannot be read
   */
  public static Dataset read(Path file, CsvOptions options) {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(options, "options");
    try (BufferedReader reader = Files.newBufferedReader(file)) {
      reader.mark(1);
      if (reader.read() != BYTE_ORDER_MARK) {
        reader.reset();
      }
      CsvReader<CsvRecord> records =
          CsvReader.builder()
              .fieldSeparator(options.separator())
              .skipEmptyLines(false)
              .extraFieldStrategy(FieldMismatchStrategy.IGNORE) // refused below, with the line
              .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
              .allowUnclosedQuote(false)
              .ofCsvRecord(reader);
      return new CsvDataset(file, options).read(records.iterator());
    } catch (CsvParseException error) {
      Throwable cause = error.getCause() == null ? error : error.getCause();
      throw new IllegalArgumentException(
          file + ": " + error.getMessage() + ": " + cause.getMessage(), error);
    } catch (IOException | RuntimeException error) {
      throw FileErrors.unreadable(file, error);
    }
  }

  private Dataset read(Iterator<CsvRecord> records) {
    if (!records.hasNext()) {
      throw new IllegalArgumentException(file + ": expected a header line, got an empty file");
    }
    header = List.copyOf(records.next().getFields());
    CsvColumns.Choice columns;
    try {
      columns = CsvColumns.choose(header, options);
    } catch (IllegalArgumentException error) {
      throw new IllegalArgumentException(file + ": " + error.getMessage(), error);
    }
    Shape shape = options.shape().orElse(Shape.vector(columns.inputs().length));
    if (shape.size() != columns.inputs().length) {
      throw new ShapeException(
          file
              + ": expected "
              + shape.size()
              + " input columns for "
              + shape
              + ", got "
              + columns.inputs().length);
    }
    List<float[]> inputs = new ArrayList<>();
    List<List<float[]>> targets = new ArrayList<>();
    options.tasks().forEach(task -> targets.add(new ArrayList<>()));
    while (records.hasNext()) {
      record = records.next();
      if (record.getFieldCount() != header.size()) {
        throw error("expected " + header.size() + " fields, got " + record.getFieldCount());
      }
      float[] input = new float[columns.inputs().length];
      for (int i = 0; i < input.length; i++) {
        input[i] = number(columns.inputs()[i], false);
      }
      inputs.add(input);
      for (int t = 0; t < targets.size(); t++) {
        targets.get(t).add(target(columns.targets().get(t), options.tasks().get(t).classes()));
      }
    }
    if (inputs.isEmpty()) {
      throw new IllegalArgumentException(file + ": expected at least one line after the header");
    }
    Dataset data = Datasets.from(inputs, shape, values -> values);
    for (int t = 0; t < targets.size(); t++) {
      int[] ofTask = columns.targets().get(t);
      data = with(data, options.tasks().get(t), ofTask, targets.get(t));
    }
    return data;
  }

  private Dataset with(
      Dataset data, CsvOptions.TaskColumns task, int[] columns, List<float[]> rows) {
    if (!task.classes().isEmpty()) {
      int[] classes = rows.stream().mapToInt(row -> (int) row[0]).toArray();
      return Datasets.withClasses(data, task.task(), task.classes(), classes);
    }
    List<String> names = Arrays.stream(columns).mapToObj(header::get).toList();
    return Datasets.withTargets(data, task.task(), names, rows.toArray(float[][]::new));
  }

  private float[] target(int[] columns, List<String> classes) {
    float[] target = new float[columns.length];
    for (int j = 0; j < target.length; j++) {
      target[j] = classes.isEmpty() ? number(columns[j], true) : classIndex(columns[j], classes);
    }
    return target;
  }

  private float number(int column, boolean mayBeBlank) {
    String field = record.getField(column).strip();
    if (mayBeBlank && options.blanks().contains(field)) {
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
    throw error(column, "a finite number" + (mayBeBlank ? " or " + blanks() : ""));
  }

  private float classIndex(int column, List<String> classes) {
    String field = record.getField(column).strip();
    int index = classes.indexOf(field);
    if (index < 0 && !options.blanks().contains(field)) {
      throw error(column, "one of " + classes + " or " + blanks());
    }
    return index;
  }

  private String blanks() {
    List<String> others = options.blanks().stream().filter(b -> !b.isEmpty()).sorted().toList();
    return others.isEmpty() ? "nothing" : "nothing or one of " + others;
  }

  private IllegalArgumentException error(int column, String expected) {
    return error(
        "column \""
            + header.get(column)
            + "\": expected "
            + expected
            + ", got \""
            + record.getField(column)
            + '"');
  }

  private IllegalArgumentException error(String message) {
    return new IllegalArgumentException(
        file + ", line " + record.getStartingLineNumber() + ": " + message);
  }
}
