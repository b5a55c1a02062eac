// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.CheckReturnValue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * What a study compared: rows of estimates with intervals, shown as a forest plot, and the verdict
 * in a sentence. Of any study: differences between pairs, whose reference is 0, or values side by
 * side. Immutable; each setting returns a changed copy.
 *
 * <pre>{@code
 * Comparison.of("Does the backbone help?", "macro AUC, frozen less from scratch").reference(0)
 *     .row("from 25 pictures", 0.113, 0.081, 0.145)
 *     .row("from 100 pictures", 0.004, -0.012, 0.021)
 *     .verdict("It helps with few pictures.");
 * }</pre>
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Comparison {
  private final String title;
  private final String measure;
  private final double reference;
  private final String text;
  private final String verdict;
  private final List<Row> rows;

  /** An estimate with its interval; NaN where unknown. */
  private record Row(String name, double estimate, double low, double high, String note) {
    Row {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(note, "note");
      if (low > high) {
        throw new IllegalArgumentException(
            "row \"" + name + "\": expected low <= high, got " + low + " and " + high);
      }
    }

    Map<String, Object> data() {
      Map<String, Object> data = new LinkedHashMap<>();
      data.put("name", name);
      data.put("estimate", estimate);
      data.put("low", low);
      data.put("high", high);
      data.put("note", note);
      return data;
    }
  }

  private Comparison(
      String title, String measure, double reference, String text, String verdict, List<Row> rows) {
    this.title = Objects.requireNonNull(title, "title");
    this.measure = Objects.requireNonNull(measure, "measure");
    this.reference = reference;
    this.text = Objects.requireNonNull(text, "text");
    this.verdict = Objects.requireNonNull(verdict, "verdict");
    this.rows = List.copyOf(rows);
  }

  /**
   * Starts a comparison.
   *
   * @param title the question
   * @param measure what the estimates are, with the unit
   * @return without rows, verdict and reference
   */
  public static Comparison of(String title, String measure) {
    return new Comparison(title, measure, Double.NaN, "", "", List.of());
  }

  /**
   * Adds a row.
   *
   * @param name what was estimated
   * @param estimate the value; NaN if it is unknown
   * @param low lower end of its interval; NaN without an interval
   * @param high upper end of its interval, not below {@code low}; NaN without an interval
   * @return changed comparison
   * @throws IllegalArgumentException if the interval ends below its start
   */
  public Comparison row(String name, double estimate, double low, double high) {
    return row(name, estimate, low, high, "");
  }

  /**
   * Adds a row with a note, such as <em>helps</em>.
   *
   * @param name what was estimated
   * @param estimate the value; NaN if it is unknown
   * @param low lower end of its interval; NaN without an interval
   * @param high upper end of its interval, not below {@code low}; NaN without an interval
   * @param note a word or two
   * @return changed comparison
   * @throws IllegalArgumentException if the interval ends below its start
   */
  public Comparison row(String name, double estimate, double low, double high, String note) {
    List<Row> all = new ArrayList<>(rows);
    all.add(new Row(name, estimate, low, high, note));
    return new Comparison(title, measure, reference, text, verdict, all);
  }

  /**
   * Sets what the estimates are held against, where a line stands: 0 for differences.
   *
   * @param reference a number; NaN, the default, for none
   * @return changed comparison
   */
  public Comparison reference(double reference) {
    return new Comparison(title, measure, reference, text, verdict, rows);
  }

  /**
   * Sets what stands above the rows: how it was measured, what the intervals are.
   *
   * @param text a sentence or two
   * @return changed comparison
   */
  public Comparison text(String text) {
    return new Comparison(title, measure, reference, text, verdict, rows);
  }

  /**
   * Sets the verdict.
   *
   * @param sentence what follows from the rows
   * @return changed comparison
   */
  public Comparison verdict(String sentence) {
    return new Comparison(title, measure, reference, text, sentence, rows);
  }

  String title() {
    return title;
  }

  Map<String, Object> block() {
    Map<String, Object> block = new LinkedHashMap<>();
    block.put("kind", "comparison");
    block.put("measure", measure);
    block.put("reference", reference);
    block.put("text", text);
    block.put("rows", rows.stream().map(Row::data).toList());
    block.put("verdict", verdict);
    return block;
  }

  /** Returns title, rows and verdict in lines. */
  @Override
  public String toString() {
    StringBuilder lines = new StringBuilder(title + " (" + measure + ")\n");
    for (Row row : rows) {
      lines.append(
          String.format(
              Locale.ROOT, "  %s: %.4f [%.4f, %.4f]", row.name, row.estimate, row.low, row.high));
      lines.append(row.note.isEmpty() ? "\n" : " " + row.note + "\n");
    }
    return lines.append(verdict).toString();
  }
}
