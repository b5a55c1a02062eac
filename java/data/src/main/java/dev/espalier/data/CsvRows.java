// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.CsvRecordHandler;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;

/** Rows of CSV (RFC 4180, UTF-8, a header line), with FastCSV. */
final class CsvRows implements RowSource {
  private static final int BYTE_ORDER_MARK = 0xFEFF;
  private static final int MOST_COLUMNS = 1 << 17;

  private final Path file;
  private final Reader reader;
  private final Iterator<CsvRecord> records;
  private final List<String> header;
  private CsvRecord record;

  private CsvRows(Path file, Reader reader, char separator) {
    this.file = file;
    this.reader = reader;
    records = records(reader, separator);
    if (!records.hasNext()) {
      throw new IllegalArgumentException(file + ": expected a header line, got an empty file");
    }
    record = records.next();
    header = List.copyOf(record.getFields());
  }

  static RowSource open(Path file, char separator) {
    BufferedReader reader = null;
    try {
      reader = Files.newBufferedReader(file);
      reader.mark(1);
      if (reader.read() != BYTE_ORDER_MARK) {
        reader.reset();
      }
      return new CsvRows(file, reader, separator);
    } catch (IOException | RuntimeException error) {
      close(reader);
      throw error(file, error);
    }
  }

  /** Returns strict records of any number of fields. */
  static Iterator<CsvRecord> records(Reader reader, char separator) {
    return CsvReader.builder()
        .fieldSeparator(separator)
        .skipEmptyLines(false)
        .extraFieldStrategy(FieldMismatchStrategy.IGNORE) // refused elsewhere, with the line
        .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
        .allowUnclosedQuote(false)
        .build(CsvRecordHandler.of(limits -> limits.maxFields(MOST_COLUMNS)), reader)
        .iterator();
  }

  private static RuntimeException error(Path file, Exception error) {
    if (error instanceof CsvParseException) {
      Throwable cause = error.getCause();
      boolean isSaid = cause == null || error.getMessage().contains(cause.getMessage());
      return new IllegalArgumentException(
          file + ": " + error.getMessage() + (isSaid ? "" : ": " + cause.getMessage()), error);
    }
    return FileErrors.unreadable(file, error);
  }

  @Override
  public List<String> header() {
    return header;
  }

  @Override
  public boolean next() {
    try {
      if (!records.hasNext()) {
        return false;
      }
      record = records.next();
    } catch (RuntimeException error) {
      throw error(file, error);
    }
    if (record.getFieldCount() != header.size()) {
      throw new IllegalArgumentException(
          name()
              + ", "
              + place()
              + ": expected "
              + header.size()
              + " fields, got "
              + record.getFieldCount());
    }
    return true;
  }

  @Override
  public String get(int column) {
    return record.getField(column);
  }

  @Override
  public String name() {
    return file.toString();
  }

  @Override
  public String place() {
    return "line " + record.getStartingLineNumber();
  }

  @Override
  public void close() {
    close(reader);
  }

  private static void close(Reader reader) {
    try {
      if (reader != null) {
        reader.close();
      }
    } catch (IOException error) {
      // All that was wanted of it has been read, or another exception is on its way.
    }
  }
}
