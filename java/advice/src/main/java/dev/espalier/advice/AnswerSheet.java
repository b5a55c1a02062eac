// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** Rows of a CSV file, as RFC 4180 has it, that no spreadsheet takes for formulas. */
final class AnswerSheet {
  private static final String ASKED = "?";

  private final StringBuilder text = new StringBuilder();

  private AnswerSheet() {}

  /** Returns what is known of the examples asked about, with the blanks to fill. */
  static AnswerSheet of(AnsweredFeatures known, List<OpenAnswer> questions, List<String> ids) {
    List<String> columns =
        known.isClasses()
            ? List.of(known.task().isEmpty() ? "class" : known.task())
            : known.names();
    Map<Integer, String[]> rows = new LinkedHashMap<>();
    for (OpenAnswer question : Objects.requireNonNull(questions, "questions")) {
      int example = place(known, question.example());
      int column = known.isClasses() ? 0 : known.names().indexOf(question.label());
      boolean isOpen = column >= 0 && !known.isKnown(example, column);
      if (!isOpen || known.isClasses() && !question.label().equals(known.task())) {
        throw new IllegalArgumentException(
            "questions: expected blanks of this data set, got " + question);
      }
      rows.computeIfAbsent(example, i -> cells(known, i, columns.size()))[column] = ASKED;
    }
    AnswerSheet sheet = new AnswerSheet();
    List<String> header = new ArrayList<>();
    header.add(free("example", columns));
    if (!ids.isEmpty()) {
      header.add(free("id", columns));
    }
    header.addAll(columns);
    sheet.row(header);
    rows.forEach(
        (example, cells) -> {
          List<String> row = start(example, ids);
          row.addAll(Arrays.asList(cells));
          sheet.row(row);
        });
    return sheet;
  }

  /** Returns answers, with what is said of them. */
  static AnswerSheet ofSuspects(
      AnsweredFeatures known, List<SuspectAnswer> suspects, List<String> ids) {
    AnswerSheet sheet = new AnswerSheet();
    List<String> header = new ArrayList<>(List.of("example"));
    if (!ids.isEmpty()) {
      header.add("id");
    }
    header.addAll(List.of("label", "given", "instead", "probability", "contradicted"));
    sheet.row(header);
    for (SuspectAnswer suspect : Objects.requireNonNull(suspects, "suspects")) {
      List<String> row = start(place(known, suspect.example()), ids);
      row.add(suspect.label());
      row.add(suspect.given());
      row.add(suspect.instead());
      row.add(String.format(Locale.ROOT, "%.4f", suspect.probability()));
      row.add(suspect.isContradicted() ? "yes" : "no");
      sheet.row(row);
    }
    return sheet;
  }

  private static int place(AnsweredFeatures known, int example) {
    if (example < 0 || example >= known.size()) {
      throw new IllegalArgumentException(
          "example: expected 0 to " + (known.size() - 1) + ", got " + example);
    }
    return example;
  }

  private static List<String> start(int example, List<String> ids) {
    List<String> row = new ArrayList<>();
    row.add(Integer.toString(example));
    if (!ids.isEmpty()) {
      row.add(ids.get(example));
    }
    return row;
  }

  private static String[] cells(AnsweredFeatures known, int example, int columns) {
    String[] cells = new String[columns];
    for (int j = 0; j < columns; j++) {
      float answer = known.answers()[example][j];
      // Of classes, whose examples are asked about only while nothing is known of them: a blank.
      boolean isWhole = answer == Math.rint(answer);
      cells[j] =
          Float.isNaN(answer)
              ? ""
              : isWhole ? Integer.toString((int) answer) : Float.toString(answer);
    }
    return cells;
  }

  /** Returns a name for a column that no label has. */
  private static String free(String name, List<String> taken) {
    String free = name;
    while (taken.contains(free)) {
      free += "_";
    }
    return free;
  }

  private void row(List<String> cells) {
    text.append(cells.stream().map(AnswerSheet::cell).collect(Collectors.joining(",")));
    text.append("\r\n");
  }

  private static String cell(String value) {
    boolean isNumber = value.matches("-?[0-9]+(\\.[0-9]+)?([eE]-?[0-9]+)?");
    boolean isFormula = !value.isEmpty() && "=+-@\t\r\n".indexOf(value.charAt(0)) >= 0;
    String safe = isFormula && !isNumber ? "'" + value : value;
    boolean isQuoted =
        safe.chars().anyMatch(c -> ",\"\r\n".indexOf(c) >= 0) || !safe.equals(safe.strip());
    return isQuoted ? '"' + safe.replace("\"", "\"\"") + '"' : safe;
  }

  /** Writes a new file; where that fails, nothing of it stays. */
  void write(Path file) {
    Objects.requireNonNull(file, "file");
    try {
      Files.write(
          file, text.toString().getBytes(StandardCharsets.UTF_8), StandardOpenOption.CREATE_NEW);
    } catch (FileAlreadyExistsException taken) {
      throw new UncheckedIOException(
          file + ": expected no file yet, got one that is there already", taken);
    } catch (IOException failure) {
      try {
        Files.deleteIfExists(file); // what was made of it before the disk was full, say
      } catch (IOException ignored) {
        failure.addSuppressed(ignored);
      }
      throw new UncheckedIOException(
          file + ": expected a file that can be written, got an error: " + failure.getMessage(),
          failure);
    }
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
