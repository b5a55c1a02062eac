// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.LoadOptions;
import dev.espalier.ModelFileException;
import dev.espalier.Network;
import dev.espalier.Prediction;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.Shape;
import dev.espalier.ShapeException;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TableInputsTest {
  private static final String PATIENTS =
      "id,age,sex,admitted,ill\n"
          + "1,60,f,2026-01-01,1\n"
          + "2,,m,2026-01-03,0\n"
          + "3,40,f,2026-01-05,\n"
          + "4,50,x,2026-01-07,1\n"
          + "5,50,,2026-01-09,0\n"
          + "6,50,m,2026-01-11,0\n";

  @TempDir Path folder;

  private Table patients() throws IOException {
    return read(PATIENTS);
  }

  private Table read(String content) throws IOException {
    return Table.csv(
        Files.writeString(folder.resolve("patients.csv"), content),
        TableOptions.defaults().category("sex").labels("", "ill"));
  }

  @Test
  void scalesFillsAndSaysWhatIsBlankOrUnknown() throws IOException {
    Table table = patients();
    TableInputs inputs = TableInputs.fit(table);
    assertEquals(
        List.of(
            "age",
            "age is blank",
            "sex = f",
            "sex = m",
            "sex = another",
            "sex is blank",
            "admitted"),
        inputs.inputNames());
    assertEquals(Shape.vector(7), inputs.shape());
    float deviation = (float) Math.sqrt(200 / 5.0);
    float[] first = Datasets.input(inputs.dataset(table), 0);
    assertArrayEquals(new float[] {10 / deviation, 0, 1, 0, 0, 0, -1.46385f}, first, 1e-5f);
    assertArrayEquals(
        new float[] {0, 1, 0, 1, 0, 0}, head(Datasets.input(inputs.dataset(table), 1)));
    assertArrayEquals(
        new float[] {0, 0, 0, 0, 1, 0}, head(Datasets.input(inputs.dataset(table), 3)));
    assertArrayEquals(
        new float[] {0, 0, 0, 0, 0, 1}, head(Datasets.input(inputs.dataset(table), 4)));
    TableInputs plain = TableInputs.fitUnscaled(table);
    assertEquals(60, Datasets.input(plain.dataset(table), 0)[0]);
    assertEquals(50, Datasets.input(plain.dataset(table), 1)[0]);
    assertNotEquals(plain, inputs);
    assertEquals(inputs, TableInputs.fit(patients()));
    assertEquals(inputs.hashCode(), TableInputs.fit(patients()).hashCode());
  }

  private static float[] head(float[] input) {
    return java.util.Arrays.copyOf(input, 6);
  }

  @Test
  void tellsWhatItsRowsHave() throws IOException {
    TableInputs inputs = TableInputs.fit(patients());
    assertEquals(List.of("age", "sex", "admitted"), inputs.columnNames());
    assertEquals(ColumnRole.DATE, inputs.role("admitted"));
    assertEquals(List.of(), inputs.categories("age"));
    assertEquals(List.of("f", "m"), inputs.categories("sex"));
    String message =
        assertThrows(IllegalArgumentException.class, () -> inputs.role("ill")).getMessage();
    assertTrue(message.contains("got \"ill\""), message);
  }

  /** Of columns that no row could be read by, all are named at once. */
  @Test
  void columnsAreRefusedAllAtOnce() throws IOException {
    TableInputs inputs = TableInputs.fit(patients());
    inputs.requireColumns(List.of("id", "age", "sex", "admitted"));
    inputs.requireColumns(List.of("admitted")); // the others may be blank
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> inputs.requireColumns(List.of("years", "sex", "town")))
            .getMessage();
    assertEquals(
        "expected the columns [age, sex, admitted], got [years, sex, town]; missing: [admitted];"
            + " unknown: [years, town]",
        message);
  }

  @Test
  void isFittedToTheRowsThatItGets() throws IOException {
    Table table = patients();
    TableInputs inputs = TableInputs.fit(table.rows(2, 3, 4));
    // No blank age among them, so none has an input; and each category once.
    assertEquals(
        List.of("age", "sex = f", "sex = x", "sex is blank", "admitted"), inputs.inputNames());
    float[] second = Datasets.input(inputs.dataset(table), 1);
    assertArrayEquals(new float[] {0, 0, 0, 0}, java.util.Arrays.copyOf(second, 4));
  }

  @Test
  void columnsThatSayNothingStayZero() throws IOException {
    Table table = read("age,sex,admitted,ill\n7,,2026-01-01,1\n7,,2026-01-02,0\n");
    TableInputs inputs = TableInputs.fit(table);
    assertEquals(List.of("age", "admitted"), inputs.inputNames());
    Map<String, Object> row = new HashMap<>();
    row.put("age", 99);
    row.put("sex", "f");
    row.put("admitted", null);
    assertArrayEquals(new float[] {0, 0}, inputs.row(row));
    Table one = read("age,sex,ill\n7,f,1\n");
    assertArrayEquals(new float[] {0, 1}, Datasets.input(TableInputs.fit(one).dataset(one), 0));
    Table blank = read("age,sex,ill\n,,1\n");
    assertThrows(IllegalArgumentException.class, () -> TableInputs.fit(blank));
    // The least deviation that there is: nothing becomes infinite.
    Table close = read("age,sex,ill\n1e-320,f,1\n2e-320,f,1\n");
    assertArrayEquals(new float[] {0, 1}, Datasets.input(TableInputs.fit(close).dataset(close), 1));
    Table far = read("age,sex,ill\n-3e38,f,1\n3e38,f,1\n");
    assertArrayEquals(
        new float[] {1, 1}, Datasets.input(TableInputs.fit(far).dataset(far), 1), 1e-6f);
  }

  @Test
  void rowsBecomeWhatTheTableHas() throws IOException {
    Table table = patients();
    TableInputs inputs = TableInputs.fit(table);
    float[] expected = Datasets.input(inputs.dataset(table), 0);
    LocalDate day = LocalDate.of(2026, 1, 1);
    for (Object date :
        List.of(
            "2026-01-01",
            day,
            day.atStartOfDay(),
            java.sql.Date.valueOf(day),
            java.sql.Timestamp.valueOf(day.atStartOfDay()))) {
      for (Object age : List.of(60, 60L, 60f, new BigDecimal("60.0"), " 6e1 ")) {
        Map<String, Object> row = Map.of("age", age, "sex", "f", "admitted", date, "id", "new");
        assertArrayEquals(expected, inputs.row(row));
      }
    }
    assertArrayEquals(
        Datasets.input(inputs.dataset(table), 1),
        inputs.row(Map.of("sex", "m", "admitted", LocalDateTime.of(2026, 1, 3, 0, 0))));
    float[] unknown = inputs.row(Map.of("sex", "never seen", "admitted", day));
    assertEquals(1, unknown[4]);
  }

  private static String refusal(TableInputs inputs, Map<String, ?> row) {
    return assertThrows(IllegalArgumentException.class, () -> inputs.row(row)).getMessage();
  }

  @Test
  void refusesRowsThatDoNotFit() throws IOException {
    TableInputs inputs = TableInputs.fit(patients());
    assertEquals(
        "row: expected values of [age, sex, admitted], got one of \"agee\"",
        refusal(inputs, Map.of("agee", 1, "admitted", "2026-01-01")));
    assertEquals(
        "row: expected values of [age, sex, admitted], got none of \"admitted\"; null says that it"
            + " is not known",
        refusal(inputs, Map.of("age", 1)));
    assertTrue(refusal(inputs, Map.of()).contains("got none of"));
    assertEquals(
        "row: column \"age\": expected a finite number or nothing, got \"old\"",
        refusal(inputs, Map.of("age", "old", "admitted", "2026-01-01")));
    for (Object wrong :
        List.of(Double.NaN, Float.POSITIVE_INFINITY, 1e39, true, 'c', List.of(), "NaN", "1f")) {
      String message = refusal(inputs, Map.of("age", wrong, "admitted", "2026-01-01"));
      assertTrue(message.startsWith("row: column \"age\": expected a finite number"), message);
    }
    for (Object wrong : List.of(5, "5", "31.1.2026", new int[0], "2026-02-30")) {
      String message = refusal(inputs, Map.of("age", 5, "admitted", wrong));
      assertTrue(message.contains("column \"admitted\": expected a date as"), message);
    }
    assertTrue(
        refusal(inputs, Map.of("sex", List.of("f"), "admitted", "2026-01-01"))
            .contains("column \"sex\": expected a text, number or boolean or nothing, got"));
    assertTrue(refusal(inputs, Collections.singletonMap(null, 1)).endsWith("got one of null"));
    String longValue = "x".repeat(100_000);
    assertTrue(refusal(inputs, Map.of("age", longValue, "admitted", "2026-01-01")).length() < 300);
    assertThrows(NullPointerException.class, () -> inputs.row(null));
  }

  @Test
  void tablesOfOtherColumnsAreRefused() throws IOException {
    TableInputs inputs = TableInputs.fit(patients());
    Table missing = read("age,sex,ill\n1,f,1\n");
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> inputs.dataset(missing))
            .getMessage()
            .startsWith("expected a column \"admitted\", got [age, sex, ill]"));
    Table other = read(PATIENTS.replace("50,m", "5,m").replaceAll("(?m)^(\\d),\\d*,", "$1,old,"));
    String message =
        assertThrows(IllegalArgumentException.class, () -> inputs.dataset(other)).getMessage();
    assertTrue(
        message.startsWith("column \"age\": expected the role number, got category"), message);
  }

  @Test
  void livesInTheModelFile() throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    StringBuilder content = new StringBuilder("id,age,sex,admitted,ill\n");
    for (int i = 0; i < 300; i++) {
      int age = random.nextInt(90);
      content.append(
          i
              + ","
              + (i % 11 == 0 ? "" : "" + age)
              + ","
              + "fm".charAt(i % 2)
              + ",2026-01-01,"
              + (age > 45 ? 1 : 0)
              + "\n");
    }
    Table table = read(content.toString());
    TableInputs inputs = TableInputs.fit(table);
    Path file = folder.resolve("model.safetensors");
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("age", 80);
    row.put("sex", "f");
    row.put("admitted", "2026-01-01");
    try (Network network =
        Network.builder(inputs.shape()).dense("a", 8).relu().head("x", table.head("")).build(1)) {
      assertTrue(
          assertThrows(IllegalArgumentException.class, () -> TableInputs.of(network))
              .getMessage()
              .contains("storeIn"));
      dev.espalier.Trainer.of(network).epochs(30).fit(inputs.dataset(table));
      inputs.storeIn(network);
      network.save(file);
      network.removeMetadata(TableInputs.METADATA_KEY);
    }
    assertThrows(IllegalArgumentException.class, () -> RowPredictor.load(saved(Map.of())));
    LoadOptions few = LoadOptions.defaults().maxLayers(2);
    assertThrows(
        ModelFileException.class, () -> RowPredictor.load(file, PredictorOptions.defaults(), few));
    try (RowPredictor predictor = RowPredictor.load(file);
        Network network = Network.load(file)) {
      assertEquals(inputs, predictor.inputs());
      assertEquals(inputs, TableInputs.of(network));
      Prediction old = predictor.predictRow(row);
      assertEquals(List.of("ill"), old.labels("x"));
      row.put("age", "12");
      assertEquals(List.of(), predictor.predictRow(row).labels("x"));
      assertArrayEquals(
          predictor.predictor().predict(inputs.row(row)), predictor.predictRow(row).values("x"));
      try (Network grafted = network.transfer().dropHead("x").head("y", Head.classes(3)).build(2);
          Predictor other = grafted.predictor()) {
        assertEquals(inputs, TableInputs.of(grafted));
        assertEquals(inputs, TableInputs.of(other));
      }
    }
    try (Network small = Network.builder(Shape.vector(2)).head("x", Head.classes(2)).build(1)) {
      assertThrows(ShapeException.class, () -> inputs.storeIn(small));
      small.setMetadata(TableInputs.METADATA_KEY, TableInputsText.write(inputs));
      assertThrows(ShapeException.class, () -> TableInputs.of(small));
    }
  }

  private Path saved(Map<String, String> metadata) {
    Path file = folder.resolve("other.safetensors");
    try (Network network = Network.builder(Shape.vector(7)).head("x", Head.classes(2)).build(1)) {
      metadata.forEach(network::setMetadata);
      network.save(file);
    }
    return file;
  }

  /** Whatever text a model file has there, it is read, or refused in words. */
  @Test
  void damagedTextsAreRefused() throws IOException {
    TableInputs inputs =
        TableInputs.fit(
            Table.csv(
                folder.resolve("patients.csv").toFile().exists()
                    ? folder.resolve("patients.csv")
                    : Files.writeString(folder.resolve("patients.csv"), PATIENTS),
                TableOptions.defaults().category("sex").labels("", "ill").blanks("?", "N,\"A")));
    String text = TableInputsText.write(inputs);
    assertEquals(inputs, TableInputsText.read(text));
    SplittableRandom random = new SplittableRandom(7);
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      StringBuilder mutated = new StringBuilder(text);
      for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
        int at = random.nextInt(mutated.length());
        switch (random.nextInt(4)) {
          case 0 -> mutated.deleteCharAt(at);
          case 1 -> mutated.insert(at, "\",\n01-9.eENaN\u0000x".charAt(random.nextInt(15)));
          case 2 -> mutated.setCharAt(at, "\",\n01-9.eENaN\uffffx".charAt(random.nextInt(15)));
          default -> mutated.setLength(at + 1);
        }
      }
      try {
        TableInputs read = TableInputsText.read(mutated.toString());
        for (float value : read.row(blankRow(read))) {
          assertTrue(Float.isFinite(value));
        }
        assertEquals(read, TableInputsText.read(TableInputsText.write(read)));
      } catch (IllegalArgumentException error) {
        assertTrue(
            error.getMessage().startsWith("metadata \"dev.espalier.data.TableInputs\""),
            error.getMessage());
        refused++;
      }
    }
    assertTrue(refused > 10_000, refused + " refused");
  }

  private static Map<String, Object> blankRow(TableInputs inputs) {
    Map<String, Object> row = new HashMap<>();
    inputs.columns().forEach(column -> row.put(column.name(), null));
    return row;
  }

  @Test
  void eachRuleOfTheTextIsHeld() {
    String start = "espalier table,1\nblank\n";
    Map<String, String> cases = new LinkedHashMap<>();
    cases.put("", "expected more records, got the end");
    cases.put("espalier table,2\n", "line 1: expected \"espalier table\" of version 1");
    cases.put("espalier table,1\n", "expected more records");
    cases.put("espalier table,1\nblanks\n", "line 2: expected a record \"blank\"");
    cases.put(start, "line 2: expected a column that is an input");
    cases.put(start + "unused,a\n", "line 3: expected a column that is an input");
    cases.put(start + "text,a\n", "line 3: expected a record \"number\"");
    cases.put(start + "number,a,0,1,1\n", "line 3: expected 6 fields");
    cases.put(start + "number,a,2,1,1,0\n", "expected 0 or 1 in field 3");
    cases.put(start + "number,a,0,NaN,1,0\n", "expected a finite number in field 4");
    cases.put(start + "number,a,0,1,-1,0\n", "expected a factor of at least 0 in field 5");
    cases.put(start + "number,a,0,1,1e999,0\n", "expected a finite number in field 5");
    cases.put(start + "number,a,0,1,1,1e99\n", "expected a float in field 6");
    cases.put(start + "date,a,0,1,1,0,bad\n", "expected a form of dates in field 7");
    cases.put(start + "category,a,0\n", "expected 4 to 1004 fields");
    cases.put(start + "category,a,0,0,f,f\n", "expected categories that differ");
    cases.put(start + "number,a,0,0,1,0\nunused,a\n", "line 4: expected another name");
    cases.put(start + "number,\"a,0,0,1,0\n", "line 3");
    cases.forEach(
        (text, part) -> {
          String message =
              assertThrows(IllegalArgumentException.class, () -> TableInputsText.read(text))
                  .getMessage();
          assertTrue(message.contains(part), message);
        });
  }

  @Test
  void refusesAModelWhoseInputsAreDamaged() {
    Path file = saved(Map.of(TableInputs.METADATA_KEY, "nonsense"));
    assertThrows(IllegalArgumentException.class, () -> RowPredictor.load(file));
  }
}
