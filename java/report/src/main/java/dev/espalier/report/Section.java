// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.CheckReturnValue;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A part of a {@link Report} made of whatever one has to say. Texts stand in the page as they are,
 * whatever signs are in them. Immutable; each setting returns a changed copy.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Section {
  private final String title;
  private final List<Map<String, Object>> blocks;

  private Section(String title, List<Map<String, Object>> blocks) {
    this.title = Objects.requireNonNull(title, "title");
    this.blocks = blocks;
  }

  /**
   * Starts a section.
   *
   * @param title its title; may be empty
   * @return without content
   */
  public static Section titled(String title) {
    return new Section(title, List.of());
  }

  /**
   * Adds a paragraph.
   *
   * @param text some sentences; what is between two backquotes is set as code
   * @return changed section
   */
  public Section text(String text) {
    return with("text", "text", Objects.requireNonNull(text, "text"));
  }

  /** Adds a paragraph with names of users in it, which backquotes mean nothing in. */
  Section plain(String text) {
    return with("plain", "text", text);
  }

  /**
   * Adds a title within the section.
   *
   * @param title some words
   * @return changed section
   */
  public Section heading(String title) {
    return with("heading", "text", Objects.requireNonNull(title, "title"));
  }

  /**
   * Adds a large figure with words below it, beside those before it.
   *
   * @param figure a number with its unit
   * @param words what it is
   * @return changed section
   */
  public Section figure(String figure, String words) {
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("figure", Objects.requireNonNull(figure, "figure"));
    entry.put("words", Objects.requireNonNull(words, "words"));
    return beside("figures", entry);
  }

  /**
   * Adds a table.
   *
   * @param header names of the columns
   * @param rows cells: texts, or numbers, of which those that are not finite are a dash
   * @return changed section
   * @throws IllegalArgumentException if a row has not as many cells as the header, or a cell is
   *     neither text nor number
   */
  public Section table(List<String> header, List<? extends List<?>> rows) {
    Objects.requireNonNull(header, "header");
    List<List<Object>> copies = new ArrayList<>();
    for (List<?> row : Objects.requireNonNull(rows, "rows")) {
      if (Objects.requireNonNull(row, "rows").size() != header.size()) {
        throw new IllegalArgumentException(
            "table: expected " + header.size() + " cells in a row, got " + row.size());
      }
      for (Object cell : row) {
        if (!(cell instanceof String || cell instanceof Number)) {
          throw new IllegalArgumentException("table: expected texts and numbers, got " + cell);
        }
      }
      copies.add(List.copyOf(row));
    }
    Map<String, Object> block = block("table");
    block.put("header", List.copyOf(header));
    block.put("rows", copies);
    return with(block);
  }

  /**
   * Adds charts, side by side where there is room.
   *
   * @param charts at least one
   * @return changed section
   */
  public Section charts(Chart... charts) {
    List<Map<String, Object>> all = new ArrayList<>();
    for (Chart chart : Objects.requireNonNull(charts, "charts")) {
      all.add(Objects.requireNonNull(chart, "charts").block());
    }
    return with("charts", "charts", all);
  }

  /**
   * Adds what a study compared: its title as a heading, rows and verdict.
   *
   * @param comparison rows with intervals
   * @return changed section
   */
  public Section comparison(Comparison comparison) {
    Objects.requireNonNull(comparison, "comparison");
    Section headed = comparison.title().equals(title) ? this : heading(comparison.title());
    return headed.with(comparison.block());
  }

  /**
   * Adds a sentence that stands out.
   *
   * @param sentence what follows from what was measured
   * @param isExpected whether it is what was expected; a verdict that is not looks different
   * @return changed section
   */
  public Section verdict(String sentence, boolean isExpected) {
    Map<String, Object> block = block("verdict");
    block.put("text", Objects.requireNonNull(sentence, "sentence"));
    block.put("expected", isExpected);
    return with(block);
  }

  /**
   * Adds a picture with a name and answers, beside those before it.
   *
   * @param picture what it shows, made smaller if it is larger than the page shows it; not kept
   * @param name what stands below it
   * @param answers what was said of it, by label: true if that is right
   * @return changed section
   */
  public Section picture(BufferedImage picture, String name, Map<String, Boolean> answers) {
    List<Map<String, Object>> said = new ArrayList<>();
    Objects.requireNonNull(answers, "answers")
        .forEach((answer, isRight) -> said.add(Map.of("text", answer, "right", isRight)));
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("picture", PictureData.url(Objects.requireNonNull(picture, "picture")));
    entry.put("name", Objects.requireNonNull(name, "name"));
    entry.put("answers", said);
    return beside("pictures", entry);
  }

  /** Adds to the block before, if it is of that kind, else a new one. */
  private Section beside(String kind, Map<String, Object> entry) {
    List<Map<String, Object>> before = new ArrayList<>(blocks);
    List<Object> entries = new ArrayList<>();
    if (!before.isEmpty() && before.get(before.size() - 1).get("kind").equals(kind)) {
      entries.addAll((List<?>) before.remove(before.size() - 1).get("entries"));
    }
    entries.add(entry);
    return new Section(title, before).with(kind, "entries", entries);
  }

  Section with(Map<String, Object> block) {
    List<Map<String, Object>> all = new ArrayList<>(blocks);
    all.add(block);
    return new Section(title, List.copyOf(all));
  }

  private Section with(String kind, String key, Object value) {
    Map<String, Object> block = block(kind);
    block.put(key, value);
    return with(block);
  }

  static Map<String, Object> block(String kind) {
    Map<String, Object> block = new LinkedHashMap<>();
    block.put("kind", kind);
    return block;
  }

  Map<String, Object> data() {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("title", title);
    data.put("blocks", blocks);
    return data;
  }

  /** Returns the title and what the section is made of. */
  @Override
  public String toString() {
    return title + ": " + blocks.stream().map(block -> (String) block.get("kind")).toList();
  }
}
