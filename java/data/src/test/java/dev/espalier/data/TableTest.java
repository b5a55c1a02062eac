// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Shape;
import dev.espalier.ShapeException;
import dev.espalier.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TableTest {
  @TempDir Path folder;

  private Table read(String content, TableOptions options) throws IOException {
    return Table.csv(Files.writeString(folder.resolve("data.csv"), content), options);
  }

  private static TableOptions plain() {
    return TableOptions.defaults().number("x", "y").labels("", "sweet", "red");
  }

  /** Inputs as they are, so that tests see what was read. */
  private static float[] input(Table table, int row) {
    return Datasets.input(TableInputs.fitUnscaled(table).dataset(table), row);
  }

  private static float[] target(Table table, String task, int row) {
    return Datasets.target(TableInputs.fitUnscaled(table).dataset(table), task, row);
  }

  private static String roles(Table table) {
    return table.columns().stream()
        .map(column -> column.name() + " " + TableColumn.word(column.role()))
        .collect(Collectors.joining(", "));
  }

  private String refusal(String content, TableOptions options) {
    return assertThrows(IllegalArgumentException.class, () -> read(content, options)).getMessage();
  }

  @Test
  void readsColumnsByName() throws IOException {
    Table table = read("red,y,x,sweet\n1,2,3,\n,-5e-1,+.5,0\n", plain());
    assertEquals(2, table.size());
    assertArrayEquals(new float[] {2, 3}, input(table, 0));
    assertArrayEquals(new float[] {-0.5f, 0.5f}, input(table, 1));
    assertArrayEquals(new float[] {Float.NaN, 1}, target(table, "", 0));
    assertArrayEquals(new float[] {0, Float.NaN}, target(table, "", 1));
    assertEquals(List.of(Target.numbers("", List.of("sweet", "red"))), table.targets());
    assertTrue(TableInputs.fit(table).dataset(table).isStable());
  }

  @Test
  void guessesRolesAndSaysWhy() throws IOException {
    StringBuilder content =
        new StringBuilder(",patient_id,age,sex,admitted,note,name,empty,smoker,ill,At\n");
    for (int i = 0; i < 60; i++) {
      content.append(
          String.format(
              "%d,p%d,%s,%s,2026-01-%02d,\"some long text %d\",n%d,,%s,%d,2026-01-02 03:04:05\n",
              i,
              i / 2,
              i == 3 ? "" : "" + i,
              i % 2 == 0 ? "f" : "m",
              1 + i % 28,
              i,
              i,
              i % 3 == 0 ? "yes" : "No",
              i % 2));
    }
    Table table = read(content.toString(), TableOptions.defaults().labels("", "ill"));
    assertEquals(
        " ignore, patient_id id, age number, sex category, admitted date, note text, name ignore,"
            + " empty ignore, smoker category, ill label, At date",
        roles(table));
    String text = table.toString();
    assertTrue(text.startsWith("Table of 60 rows" + System.lineSeparator()), text);
    assertTrue(text.contains("  age         number    guessed: all numbers, 1 blank"), text);
    assertTrue(text.contains("sex         category  guessed: 2 different texts"), text);
    assertTrue(text.contains("guessed: more than 50 different texts in 60 rows"), text);
    assertTrue(text.contains("ill         label     as asked for, of task \"\""), text);
    // The roles, not the content, decide for another file of the same columns.
    Table other =
        read(
            content.toString().replaceAll("(?m)^(\\d+,p\\d+,)\\d*,[fm]", "$17,3"), table.options());
    assertEquals(roles(table), roles(other));
    assertEquals(table.targets(), other.targets());
    assertEquals("p1", table.texts("patient_id").get(2));
    assertThrows(IllegalArgumentException.class, () -> table.texts("age"));
    assertThrows(IllegalArgumentException.class, () -> table.texts("nobody"));
  }

  @Test
  void namesGoBeforePatternsAndLongPatternsBeforeShortOnes() throws IOException {
    String content = "id,lab_b,age,lab_a,find_x,find_y\nn1,1,2,3,0,1\n";
    Table table =
        read(
            content,
            TableOptions.defaults()
                .ignore("*")
                .labels("", "find_*")
                .number("lab_*", "age")
                .ignore("lab_a"));
    assertEquals(
        "id ignore, lab_b number, age number, lab_a ignore, find_x label, find_y label",
        roles(table));
    assertArrayEquals(new float[] {1, 2}, input(table, 0));
    assertTrue(
        refusal(content, TableOptions.defaults().number("lab_*").category("*ab_a"))
            .endsWith("column \"lab_a\": expected one role, got number and category"));
    assertTrue(
        refusal(
                content,
                TableOptions.defaults().labels("a", "find_*").labels("b", "find_x", "find_y"))
            .contains("task \"a\""));
    assertTrue(
        refusal(content, TableOptions.defaults().labels("a", "find_x").values("b", "find_x"))
            .endsWith(
                "column \"find_x\": expected one role, got label of task \"a\" and label of task"
                    + " \"b\""));
    assertTrue(refusal(content, TableOptions.defaults().number("gene_*")).contains("\"gene_*\""));
    // A dot is a dot.
    assertTrue(
        refusal("axb\n1\n", TableOptions.defaults().number("a.*")).contains("a column \"a.*\""));
  }

  @Test
  void readsClassesByName() throws IOException {
    String content = "x;kind;grade\r\n1;\"sour cherry\";10\r\n2;;9\r\n3; apple ;\r\n";
    Table table =
        read(
            content,
            TableOptions.defaults()
                .number("x")
                .classes("fruit", "kind", "apple", "sour cherry")
                .classes("grade", "grade")
                .separator(';'));
    assertArrayEquals(new float[] {1}, target(table, "fruit", 0));
    assertArrayEquals(new float[] {-1}, target(table, "fruit", 1));
    assertArrayEquals(new float[] {0}, target(table, "fruit", 2));
    // Whole numbers by their size.
    assertEquals(Target.classes("grade", List.of("9", "10")), table.targets().get(1));
    assertArrayEquals(new float[] {1}, target(table, "grade", 0));
    assertArrayEquals(new float[] {0}, target(table, "grade", 1));
    assertTrue(
        refusal("x,kind\n1,pear\n", TableOptions.defaults().classes("", "kind", "apple"))
            .endsWith("column \"kind\": expected one of [apple] or nothing, got \"pear\""));
    assertTrue(
        refusal("x,kind\n1,\n", TableOptions.defaults().classes("", "kind"))
            .endsWith("column \"kind\": expected classes, got blanks alone"));
  }

  @Test
  void readsLabelsInManyForms() throws IOException {
    String content =
        "x,a\n1,yes\n2,NO\n3,True\n4,false\n5,1\n6,0.0\n7,0.25\n8,\n9,Present\n10,absent";
    Table table =
        read(content, TableOptions.defaults().labels("", "a").answers("present", "ABSENT"));
    float[] expected = {1, 0, 1, 0, 1, 0, 0.25f, Float.NaN, 1, 0};
    for (int i = 0; i < expected.length; i++) {
      assertArrayEquals(new float[] {expected[i]}, target(table, "", i));
    }
    String message = refusal("x,a\n1,maybe\n", TableOptions.defaults().labels("", "a"));
    assertTrue(
        message.endsWith(
            "data.csv, line 2: column \"a\": expected 0 to 1, true, yes or false, no or nothing,"
                + " got \"maybe\""),
        message);
    assertTrue(refusal("x,a\n1,2\n", TableOptions.defaults().labels("", "a")).contains("\"2\""));
    assertTrue(refusal("x,a\n1,NaN\n", TableOptions.defaults().labels("", "a")).contains("NaN"));
    assertThrows(
        IllegalArgumentException.class, () -> TableOptions.defaults().answers("no", "yes"));
  }

  @Test
  void readsDates() throws IOException {
    String content =
        "d\n1970-01-02\n1970-01-02T12:00\n1970-01-02 06:00:00.000\n1970-01-02T12:00:00+12:00\n"
            + "1969-12-31T00:00:00Z\n\n";
    Table table = read(content.stripTrailing() + "\n", TableOptions.defaults().date("d"));
    float[] expected = {1, 1.5f, 1.25f, 1, -1};
    for (int i = 0; i < expected.length; i++) {
      assertArrayEquals(new float[] {expected[i]}, input(table, i), 1e-6f);
    }
    Table german =
        read("d\n02.01.1970\n03.01.1970\n", TableOptions.defaults().dateFormat("dd.MM.yyyy"));
    assertEquals("d date", roles(german));
    assertArrayEquals(new float[] {1}, input(german, 0));
    for (String wrong :
        List.of(
            "1970-02-31",
            "1970-1-2",
            "1970-01-02T25:00",
            "1970-01-02T1:00",
            "2026-01-02T00:00:00+99:99",
            "today")) {
      String message = refusal("d\n" + wrong + "\n", TableOptions.defaults().date("d"));
      assertTrue(message.contains("line 2: column \"d\": expected a date as 2026-03-31"), message);
    }
    assertTrue(
        refusal("d\n31.02.1970\n", TableOptions.defaults().date("d").dateFormat("dd.MM.yyyy"))
            .contains("expected a date as dd.MM.yyyy or nothing, got \"31.02.1970\""));
    assertThrows(
        IllegalArgumentException.class, () -> TableOptions.defaults().dateFormat("no pattern"));
  }

  @Test
  void readsQuotesAndByteOrderMarks() throws IOException {
    Table table =
        read(
            "\ufeff\"x, \"\"y\"\"\nz\", sweet ,red\n\"1\",\"\",\"0\"",
            TableOptions.defaults().number("x, \"y\"\nz").labels("", "sweet", "red"));
    assertArrayEquals(new float[] {1}, input(table, 0));
    assertArrayEquals(new float[] {Float.NaN, 0}, target(table, "", 0));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x,y,sweet,red\n1,2,0,1\n1,2,0\n", // too few fields
        "x,y,sweet,red\n1,2,0,1\n1,2,0,1,5\n", // too many
        "x,y,sweet,red\n1,2,0,1\n\n", // blank line
        "x,y,sweet,red\n1,2,0,1\n1,two,0,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,NaN,0,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,Infinity,0,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,2,-Infinity,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,1e99,0,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,1e999,0,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,0x10,0,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,2f,0,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,?,0,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,2,0,\"1\n", // no closing quote
        "x,y,sweet,red\n1,2,0,1\n1,2,0,\"1\"1\n",
        "x,y,sweet,red\n1,2,0,1\n1,2,0,1\"\"\n",
        "x,y,sweet,red\n1,2,0,1\rx" // the end of a line, too
      })
  void namesFileAndLine(String content) {
    String message = refusal(content, plain());
    assertTrue(message.contains("data.csv") && message.contains("line 3"), message);
    // Where roles are guessed, damage is found as well.
    if (content.contains("\n1,2,0,\"1\n") || content.endsWith("1,2,0\n")) {
      assertTrue(refusal(content, TableOptions.defaults()).contains("line 3"));
    }
  }

  @Test
  void countsLinesWithinQuotes() {
    assertTrue(
        refusal("x,y,sweet,red,note\n1,2,0,1,\"a\nb\"\n1,2,0,maybe,\n", plain())
            .contains("line 4"));
  }

  @Test
  void refusesWhatIsNoTable() throws IOException {
    assertTrue(refusal("", plain()).endsWith("expected a header line, got an empty file"));
    assertTrue(refusal("x,y,sweet,red\n", plain()).endsWith("expected at least one row, got none"));
    assertTrue(refusal("x\n", TableOptions.defaults()).endsWith("at least one row, got none"));
    assertTrue(
        refusal("x,y,sweet,x,red\n1,2,0,3,1\n", plain())
            .endsWith(
                "header: expected a name of its own for each column, got \"x\" for columns 1 and"
                    + " 4"));
    assertTrue(refusal("x, x\n1,2\n", TableOptions.defaults()).contains("columns 1 and 2"));
    Path latin = Files.write(folder.resolve("latin1"), new byte[] {'x', (byte) 0xe4, '\n', '1'});
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> Table.csv(latin))
            .getMessage()
            .endsWith("latin1, line 1: expected UTF-8, got the byte 0xe4: save it as UTF-8"));
    Path missing = folder.resolve("no-such-file");
    assertTrue(
        assertThrows(UncheckedIOException.class, () -> Table.csv(missing))
            .getMessage()
            .endsWith("got an error: no such file"));
    assertThrows(UncheckedIOException.class, () -> Table.csv(folder));
  }

  @Test
  void saysWhatKeepsAColumnFromBeingNumbers() throws IOException {
    StringBuilder content = new StringBuilder("one,two,words\n");
    for (int i = 0; i < 60; i++) {
      content.append(
          String.format(
              "%s,%s,%s%n",
              i == 7 ? "NaN" : "" + i, i % 30 == 8 ? "1e999" : "" + i, i == 9 ? "0" : "w" + i));
    }
    String text = read(content.toString(), TableOptions.defaults()).toString();
    assertTrue(text.contains("in 60 rows; numbers but for \"NaN\"" + System.lineSeparator()), text);
    assertTrue(text.contains("in 60 rows; numbers but for 2, as \"1e999\""), text);
    assertTrue(text.endsWith("guessed: more than 50 different texts in 60 rows"), text);
    assertEquals(2, text.split("but for").length - 1, text);
  }

  @Test
  void namesTheLineThatIsNoUtf8() throws IOException {
    String good = "x,sweet\r\n1,1\r\ngr\u00fcn,0\n".repeat(8000) + "1,1\r";
    Path file = folder.resolve("windows");
    for (byte[] bad : new byte[][] {{(byte) 0xfc, '\n'}, {(byte) 0xe2, (byte) 0x82}}) {
      Files.write(file, good.getBytes(java.nio.charset.StandardCharsets.UTF_8));
      Files.write(file, bad, java.nio.file.StandardOpenOption.APPEND);
      String message =
          assertThrows(IllegalArgumentException.class, () -> Table.csv(file)).getMessage();
      assertTrue(message.contains("windows, line 24002: expected UTF-8, got the byte"), message);
    }
  }

  @Test
  void saysOnceWhatTheParserSays() {
    String message = refusal("x,y,sweet,red\n1,2,0,\"1\n", plain());
    assertEquals(message.indexOf("Unclosed"), message.lastIndexOf("Unclosed"), message);
  }

  @Test
  void blanksAreWhatOneSays() throws IOException {
    String content = "x,sweet,kind\n1,?,NA\n?,NA,apple\n3, ,\n";
    TableOptions options =
        TableOptions.defaults().number("x").labels("a", "sweet").classes("b", "kind", "apple");
    assertTrue(refusal(content, options).contains("nothing, got \"?\""));
    Table table = read(content, options.blanks("?", "NA"));
    for (int i = 0; i < 3; i++) {
      assertArrayEquals(new float[] {Float.NaN}, target(table, "a", i));
      assertArrayEquals(new float[] {i == 1 ? 0 : -1}, target(table, "b", i));
    }
    assertArrayEquals(new float[] {2, 1}, input(table, 1)); // the mean, and that it is one
    assertTrue(
        refusal("x,sweet,kind\n1,hm,\n", options.blanks("?", "NA"))
            .endsWith("or nothing or one of [?, NA], got \"hm\""));
  }

  @Test
  void limitsCategories() {
    String many = IntStream.range(0, 1001).mapToObj(i -> "t" + i).collect(Collectors.joining("\n"));
    String message = refusal("a\n" + many + "\n", TableOptions.defaults().category("a"));
    assertTrue(
        message.contains("line 1002: column \"a\": expected at most 1000 different"), message);
  }

  @Test
  void listsAThousandColumnsBriefly() {
    String names = IntStream.range(0, 1000).mapToObj(i -> "c" + i).collect(Collectors.joining(","));
    String message = refusal(names + "\n", TableOptions.defaults().number("weight"));
    assertTrue(message.endsWith(", c18, c19 and 980 more]"), message);
  }

  @Test
  void readsMoreColumnsThanReadersUsuallyAllow() throws IOException {
    int count = 20_000;
    String names =
        IntStream.range(0, count).mapToObj(i -> "c" + i).collect(Collectors.joining(","));
    String row = IntStream.range(0, count).mapToObj(i -> "" + i).collect(Collectors.joining(","));
    Table table = read(names + "\n" + row + "\n" + row + "\n", TableOptions.defaults());
    assertEquals(count, TableInputs.fit(table).size());
    assertEquals(roles(table), roles(read(names + "\n" + row + "\n", table.options())));
  }

  @Test
  void matchesLabelsByNameAndListsBothWhereItCannot() throws IOException {
    Table one =
        read(
            "x,effusion,pneumonia,view\n1,0,1,lateral\n0,1,0,frontal\n",
            TableOptions.defaults()
                .labels("finding", "effusion", "pneumonia")
                .classes("view", "view", "lateral", "frontal"));
    Table other =
        read(
            "x,pneumonia,effusion,view\n1,1,0,lateral\n0,0,1,frontal\n",
            TableOptions.defaults()
                .labels("finding", "pneumonia", "effusion")
                .classes("view", "view"));
    TableInputs inputs = TableInputs.fit(one);
    try (Network network =
        Network.builder(inputs.shape())
            .head("finding", Head.labels("pneumonia", "effusion"))
            .head("view", other.head("view"))
            .build(1)) {
      assertEquals(
          network.evaluate(inputs.dataset(other)).loss(),
          network.evaluate(inputs.dataset(one)).loss());
      Table third =
          read("x,effusion,edema\n1,0,1\n", TableOptions.defaults().labels("finding", "e*"));
      String message =
          assertThrows(
                  IllegalArgumentException.class, () -> network.evaluate(inputs.dataset(third)))
              .getMessage();
      assertTrue(
          message.contains("expected [pneumonia, effusion], got [effusion, edema]"), message);
    }
  }

  @Test
  void givesItsAnswersToOtherInputs() throws IOException {
    Table table =
        read(
            "note,a,b,kind\none,1,,x\ntwo,,,\nthree,0,1,y\n",
            TableOptions.defaults().text("note").labels("f", "a", "b").classes("k", "kind"));
    Dataset lengths =
        Datasets.from(table.texts("note"), Shape.vector(1), text -> new float[] {text.length()});
    Dataset data = table.rows(2, 1, 0).withTargets(lengths);
    assertEquals(table.targets(), data.targets());
    assertArrayEquals(new float[] {3}, Datasets.input(data, 0));
    assertArrayEquals(new float[] {0, 1}, Datasets.target(data, "f", 0));
    assertArrayEquals(new float[] {Float.NaN, Float.NaN}, Datasets.target(data, "f", 1));
    assertArrayEquals(new float[] {1, Float.NaN}, Datasets.target(data, "f", 2));
    assertArrayEquals(new float[] {1}, Datasets.target(data, "k", 0));
    assertArrayEquals(new float[] {-1}, Datasets.target(data, "k", 1));
    assertThrows(ShapeException.class, () -> table.rows(1).withTargets(lengths));
  }

  @Test
  void splitsAndFoldsKeepSharesAndGroups() throws IOException {
    StringBuilder content = new StringBuilder("patient,x,ill\n");
    for (int i = 0; i < 200; i++) {
      content.append(
          "p" + i / 4 + "," + i + "," + (i % 7 == 0 ? "" : i % 5 == 0 ? "1" : "0") + "\n");
    }
    Table table = read(content.toString(), TableOptions.defaults().id("patient").labels("", "ill"));
    TableSplit split = table.split(0.75, 3);
    assertEquals("150 and 50 rows", split.toString());
    int yes = table.statistics().labels().get(0).yes();
    assertEquals(0.75 * yes, split.first().statistics().labels().get(0).yes(), 1);
    for (List<TableSplit> folds : List.of(table.folds(5, 1), table.folds(5, "patient", 1))) {
      Set<Float> held = new HashSet<>();
      for (TableSplit fold : folds) {
        assertEquals(200, fold.first().size() + fold.second().size());
        assertEquals(yes / 5.0, fold.second().statistics().labels().get(0).yes(), 2.5);
        Dataset second = TableInputs.fitUnscaled(fold.second()).dataset(fold.second());
        IntStream.range(0, second.size()).forEach(i -> held.add(Datasets.input(second, i)[0]));
      }
      assertEquals(200, held.size());
    }
    for (TableSplit fold : table.folds(5, "patient", 1)) {
      Set<String> training = new HashSet<>(fold.first().texts("patient"));
      fold.second().texts("patient").forEach(p -> assertTrue(!training.contains(p), p));
    }
    assertEquals(
        Arrays.toString(input(table.folds(5, 1).get(2).second(), 3)),
        Arrays.toString(input(table.folds(5, 1).get(2).second(), 3)));
    assertThrows(IllegalArgumentException.class, () -> table.folds(51, "patient", 1));
    assertThrows(IllegalArgumentException.class, () -> table.folds(5, "x", 1));
    assertThrows(IndexOutOfBoundsException.class, () -> table.rows(200));
    assertEquals(0, table.rows().size());
    assertThrows(IllegalArgumentException.class, () -> TableInputs.fit(table.rows()));
  }

  @Test
  void optionsAreChecked() {
    TableOptions none = TableOptions.defaults();
    assertThrows(IllegalArgumentException.class, () -> none.number(new String[0]));
    assertThrows(IllegalArgumentException.class, () -> none.number("a", " a"));
    assertThrows(NullPointerException.class, () -> none.number("a", null));
    assertThrows(IllegalArgumentException.class, () -> none.separator('"'));
    assertThrows(IllegalArgumentException.class, () -> none.labels("", "a").classes("", "b", "c"));
  }
}
