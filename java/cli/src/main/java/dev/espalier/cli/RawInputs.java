// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
import dev.espalier.Predictor;
import dev.espalier.data.PictureDataset;
import dev.espalier.data.PictureReader;
import dev.espalier.data.TableInputs;
import dev.espalier.text.TextInputs;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** What people have, as inputs of a model: pictures, texts, rows or numbers. */
final class RawInputs {
  private static final int BYTE_ORDER_MARK = 0xFEFF;

  private final Predictor predictor;
  private final ModelInputs kind;
  private final String textColumn;
  private final String idColumn;

  /** An input: its name in answers, where it stands, and what reads it. */
  record Item(String name, String place, Supplier<float[]> input) {}

  /** A line, counted from 1. */
  private record Line(long number, String text) {}

  /** Inputs of a file, a folder or standard input. */
  record Source(Iterator<Item> items, BufferedReader reader) implements AutoCloseable {
    /** Says whether the next input has not come yet, from somebody who may wait for answers. */
    boolean wouldWait() throws IOException {
      return reader != null && !reader.ready();
    }

    @Override
    public void close() throws IOException {
      if (reader != null) {
        reader.close();
      }
    }
  }

  RawInputs(Predictor predictor, String textColumn, String idColumn) {
    this.predictor = predictor;
    kind = ModelInputs.of(predictor.metadata());
    this.textColumn = textColumn;
    this.idColumn = idColumn;
    if (textColumn != null && kind != ModelInputs.TEXTS) {
      throw new CommandFailure("--text: expected a model of texts, got one of " + kind.words());
    }
    if (idColumn != null && !isCsv()) {
      throw new CommandFailure("--id: expected inputs of a CSV with a header, got other ones");
    }
  }

  /** Opens inputs; null is standard input. */
  Source open(Path path) throws IOException {
    if (kind == ModelInputs.PICTURES && path != null) {
      return new Source(pictures(path), null);
    }
    if (path != null && (Files.isRegularFile(path) || Files.isDirectory(path))) { // and no pipe
      requireText(path);
    }
    BufferedReader reader = reader(path);
    String from = name(path);
    return switch (kind) {
      case PICTURES -> {
        Function<Line, Item> picture = line -> picture(Path.of(line.text));
        yield new Source(lines(reader).map(picture).iterator(), reader);
      }
      case TEXTS -> {
        TextInputs inputs = TextInputs.of(predictor);
        yield textColumn == null
            ? new Source(numbered(reader, from, inputs::rows), reader)
            : new Source(
                records(reader, from, header -> {}, row -> inputs.rows(field(row, textColumn))),
                reader);
      }
      case ROWS -> {
        TableInputs inputs = TableInputs.of(predictor);
        yield new Source(
            records(reader, from, inputs::requireColumns, row -> inputs.row(row.getFieldsAsMap())),
            reader);
      }
      case NUMBERS -> new Source(numbered(reader, from, this::numbers), reader);
    };
  }

  private Iterator<Item> pictures(Path path) {
    if (Files.isDirectory(path)) {
      List<Path> files = PictureDataset.find(path);
      if (files.isEmpty()) {
        throw new CommandFailure(
            path + ": expected pictures (.jpg, .png, .webp, .bmp, .gif, .tif), got none");
      }
      return files.stream().map(this::picture).iterator();
    }
    return List.of(picture(path)).iterator();
  }

  private Item picture(Path file) {
    PictureReader reader = PictureReader.of(predictor);
    return new Item(file.toString(), "", () -> reader.read(file)); // whose errors name it
  }

  private void requireText(Path path) {
    FileKind found = FileKind.of(path);
    boolean isEmpty = found == FileKind.EMPTY && isCsv();
    if (!found.isText() || isEmpty) {
      String got = found == FileKind.OTHER ? "something else; save it as UTF-8" : found.words();
      throw new CommandFailure(path + ": expected a file of " + kind.words() + ", got " + got);
    }
  }

  private boolean isCsv() {
    return kind == ModelInputs.ROWS || textColumn != null;
  }

  /** Returns the name of what is read; null is standard input. */
  static String name(Path path) {
    return path == null ? "standard input" : path.toString();
  }

  private static BufferedReader reader(Path path) throws IOException {
    BufferedReader reader;
    try {
      reader =
          path == null
              ? new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))
              : Files.newBufferedReader(path);
    } catch (NoSuchFileException error) {
      throw new CommandFailure(path + ": there is no such file", error);
    }
    reader.mark(1);
    if (reader.read() != BYTE_ORDER_MARK) {
      reader.reset();
    }
    return reader;
  }

  /** Returns the lines that are not blank. */
  private static Stream<Line> lines(BufferedReader reader) {
    AtomicLong number = new AtomicLong();
    return reader
        .lines()
        .map(text -> new Line(number.incrementAndGet(), text))
        .filter(line -> !line.text.isBlank());
  }

  private static Iterator<Item> numbered(
      BufferedReader reader, String from, Function<String, float[]> input) {
    return lines(reader)
        .map(line -> item(null, from, line.number, () -> input.apply(line.text)))
        .iterator();
  }

  /** Returns an input whose name, if it has none, is the number of its line. */
  private static Item item(String name, String from, long line, Supplier<float[]> input) {
    String number = Long.toString(line);
    return new Item(name == null ? number : name, from + ", line " + number, input);
  }

  /** Reads records; a header that they can't be read by is refused once, not with each of them. */
  private Iterator<Item> records(
      BufferedReader reader,
      String from,
      Consumer<List<String>> header,
      Function<NamedCsvRecord, float[]> input) {
    Iterator<NamedCsvRecord> records = CsvReader.builder().ofNamedCsvRecord(reader).iterator();
    return new Iterator<>() {
      private boolean isChecked;

      @Override
      public boolean hasNext() {
        try {
          return records.hasNext();
        } catch (CsvParseException error) {
          throw new CommandFailure(from + ": " + error.getMessage(), error);
        }
      }

      @Override
      public Item next() {
        NamedCsvRecord row = records.next();
        if (!isChecked) {
          requireHeader(row.getHeader());
          isChecked = true;
        }
        if (textColumn != null) {
          field(row, textColumn); // of all rows or none
        }
        String name = idColumn == null ? null : field(row, idColumn);
        return item(name, from, row.getStartingLineNumber(), () -> input.apply(row));
      }

      private void requireHeader(List<String> names) {
        try {
          header.accept(names);
        } catch (IllegalArgumentException error) {
          throw new CommandFailure(from + ": " + error.getMessage(), error);
        }
      }
    };
  }

  private static String field(NamedCsvRecord row, String column) {
    return row.findField(column)
        .orElseThrow(
            () ->
                new CommandFailure("expected a column \"" + column + "\", got " + row.getHeader()));
  }

  private float[] numbers(String line) {
    String[] fields = line.split(",", -1);
    if (fields.length != predictor.inputSize()) {
      throw new CommandFailure(
          "expected " + predictor.inputSize() + " numbers, got " + fields.length);
    }
    float[] numbers = new float[fields.length];
    for (int i = 0; i < fields.length; i++) {
      try {
        numbers[i] = Float.parseFloat(fields[i].strip());
      } catch (NumberFormatException error) {
        throw new CommandFailure(
            "expected a number in field " + (i + 1) + ", got \"" + fields[i] + '"', error);
      }
    }
    return numbers;
  }
}
