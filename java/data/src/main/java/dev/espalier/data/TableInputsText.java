// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.writer.CsvWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;

/**
 * {@link TableInputs} as text, a CSV record each: what it is and its version; what means nothing;
 * then, in the order of inputs, a record a column, and one for each column that is none.
 *
 * <pre>
 * espalier table,1
 * blank,?,NA
 * number,age,1,63.5,0.0625,0
 * date,admitted,0,19723,0.01,0,
 * category,sex,0,1,f,m
 * unused,patient_id
 * </pre>
 *
 * <p>Behind the name: whether blanks have an input; of numbers and dates shift, factor and fill, of
 * dates their form; of categories whether unknown ones have an input, and the categories.
 */
final class TableInputsText {
  private static final String TITLE = "espalier table";
  private static final String VERSION = "1";

  private final Set<String> names = new HashSet<>();
  private CsvRecord record;

  private TableInputsText() {}

  static String write(TableInputs inputs) {
    StringWriter text = new StringWriter();
    CsvWriter csv = CsvWriter.builder().bufferSize(0).build(text);
    csv.writeRecord(TITLE, VERSION);
    List<String> blanks = new ArrayList<>(List.of("blank"));
    inputs.blanks().stream().filter(blank -> !blank.isEmpty()).sorted().forEach(blanks::add);
    csv.writeRecord(blanks);
    for (InputColumn column : inputs.columns()) {
      csv.writeRecord(fields(column));
    }
    inputs.unused().stream().sorted().forEach(name -> csv.writeRecord("unused", name));
    return text.toString();
  }

  private static List<String> fields(InputColumn column) {
    List<String> fields = new ArrayList<>();
    fields.add(TableColumn.word(column.role()));
    fields.add(column.name());
    fields.add(column.isBlankInput() ? "1" : "0");
    if (column.isCategory()) {
      fields.add(column.isOtherInput() ? "1" : "0");
      fields.addAll(column.categories());
      return fields;
    }
    fields.add(Double.toString(column.shift()));
    fields.add(Double.toString(column.factor()));
    fields.add(Double.toString(column.fill()));
    if (column.role() == ColumnRole.DATE) {
      fields.add(column.dateFormat());
    }
    return fields;
  }

  /** Throws an {@link IllegalArgumentException} that says what is wrong, and in which line. */
  static TableInputs read(String text) {
    TableInputsText reader = new TableInputsText();
    try {
      return reader.read(CsvRows.records(new StringReader(text), ','));
    } catch (CsvParseException error) {
      throw new IllegalArgumentException(
          "metadata \"" + TableInputs.METADATA_KEY + "\": " + error.getMessage(), error);
    }
  }

  private TableInputs read(Iterator<CsvRecord> records) {
    List<InputColumn> columns = new ArrayList<>();
    Set<String> unused = new HashSet<>();
    Set<String> blanks = new HashSet<>(Set.of(""));
    next(records);
    if (!record.getFields().equals(List.of(TITLE, VERSION))) {
      throw error("\"" + TITLE + "\" of version " + VERSION);
    }
    next(records);
    if (!field(0).equals("blank")) {
      throw error("a record \"blank\"");
    }
    record.getFields().stream().skip(1).forEach(blanks::add);
    long width = 0;
    while (records.hasNext()) {
      record = records.next();
      if (field(0).equals("unused")) {
        requireFields(2, 2);
        unused.add(name());
      } else {
        columns.add(column());
        width += columns.get(columns.size() - 1).width();
      }
    }
    if (width < 1 || width > Integer.MAX_VALUE) {
      throw error("a column that is an input");
    }
    return new TableInputs(columns, unused, blanks);
  }

  private void next(Iterator<CsvRecord> records) {
    if (!records.hasNext()) {
      throw new IllegalArgumentException(
          "metadata \"" + TableInputs.METADATA_KEY + "\": expected more records, got the end");
    }
    record = records.next();
  }

  private InputColumn column() {
    switch (field(0)) {
      case "number":
        requireFields(6, 6);
        return InputColumn.number(name(), flag(2), number(3), factor(), fill());
      case "date":
        requireFields(7, 7);
        return InputColumn.date(name(), flag(2), number(3), factor(), fill(), dateFormat());
      case "category":
        requireFields(4, 4 + TableReader.MOST_CATEGORIES);
        return InputColumn.category(name(), flag(2), categories(), flag(3));
      default:
        throw error("a record \"number\", \"date\", \"category\" or \"unused\"");
    }
  }

  private String name() {
    String name = field(1);
    if (!names.add(name)) {
      throw error("another name for each column");
    }
    return name;
  }

  private boolean flag(int index) {
    if (!field(index).equals("0") && !field(index).equals("1")) {
      throw error("0 or 1 in field " + (index + 1));
    }
    return field(index).equals("1");
  }

  private double factor() {
    if (!(number(4) >= 0)) {
      throw error("a factor of at least 0 in field 5");
    }
    return number(4);
  }

  private double fill() {
    if (Math.abs(number(5)) > Float.MAX_VALUE) {
      throw error("a float in field 6");
    }
    return number(5);
  }

  private double number(int index) {
    try {
      double number = Double.parseDouble(field(index));
      if (Double.isFinite(number)) {
        return number;
      }
    } catch (NumberFormatException notNumber) {
      // Reported below.
    }
    throw error("a finite number in field " + (index + 1));
  }

  private String dateFormat() {
    String format = field(6);
    try {
      Dates.formatter(format);
    } catch (IllegalArgumentException notFormat) {
      throw error("a form of dates in field 7");
    }
    return format;
  }

  private List<String> categories() {
    List<String> categories = record.getFields().subList(4, record.getFieldCount());
    if (new HashSet<>(categories).size() < categories.size()) {
      throw error("categories that differ");
    }
    return categories;
  }

  private void requireFields(int least, int most) {
    if (record.getFieldCount() < least || record.getFieldCount() > most) {
      throw error((least == most ? "" + least : least + " to " + most) + " fields");
    }
  }

  private String field(int index) {
    return record.getField(index);
  }

  private IllegalArgumentException error(String expected) {
    return new IllegalArgumentException(
        "metadata \""
            + TableInputs.METADATA_KEY
            + "\", line "
            + record.getStartingLineNumber()
            + ": expected "
            + expected
            + ", got "
            + Cells.shown(record.getFields().toString()));
  }
}
