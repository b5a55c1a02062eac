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
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CsvDatasetTest {
  @TempDir Path folder;

  private Dataset read(String content, CsvOptions options) throws IOException {
    return CsvDataset.read(Files.writeString(folder.resolve("data.csv"), content), options);
  }

  private static CsvOptions plain() {
    return CsvOptions.inputs("x", "y").targets("", "sweet", "red");
  }

  @Test
  void readsColumnsByName() throws IOException {
    Dataset data = read("red,y,x,sweet\n1,2,3,\n,-5e-1,+.5,0\n", plain());
    assertEquals(2, data.size());
    assertEquals(Shape.vector(2), data.inputShape());
    assertArrayEquals(new float[] {3, 2}, Datasets.input(data, 0));
    assertArrayEquals(new float[] {0.5f, -0.5f}, Datasets.input(data, 1));
    assertArrayEquals(new float[] {Float.NaN, 1}, Datasets.target(data, "", 0));
    assertArrayEquals(new float[] {0, Float.NaN}, Datasets.target(data, "", 1));
    assertTrue(data.isStable());
  }

  @Test
  void refusesTwoColumnsOfOneName() {
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> read("x,y,sweet,x,red\n1,2,0,3,1\n", plain()))
            .getMessage();
    assertTrue(
        message.endsWith(
            "header: expected a name of its own for each column, got \"x\" for columns 1 and 4"),
        message);
  }

  @Test
  void readsClassesByName() throws IOException {
    CsvOptions options =
        CsvOptions.inputs("x").classes("fruit", "kind", "apple", "sour cherry").separator(';');
    Dataset data = read("x;kind\r\n1;\"sour cherry\"\r\n2;\r\n3; apple \r\n", options);
    assertArrayEquals(new float[] {1}, Datasets.target(data, "fruit", 0));
    assertArrayEquals(new float[] {-1}, Datasets.target(data, "fruit", 1));
    assertArrayEquals(new float[] {0}, Datasets.target(data, "fruit", 2));
  }

  @Test
  void readsSeveralTasksAndAShape() throws IOException {
    CsvOptions options =
        CsvOptions.inputs("a", "b", "c", "d")
            .shape(Shape.image(1, 2, 2))
            .targets("price", "p")
            .classes("size", "s", "S", "L");
    Dataset data = read("a,b,c,d,p,s\n1,2,3,4,9.5,L\n", options);
    assertEquals(Shape.image(1, 2, 2), data.inputShape());
    assertArrayEquals(new float[] {9.5f}, Datasets.target(data, "price", 0));
    assertArrayEquals(new float[] {1}, Datasets.target(data, "size", 0));
  }

  @Test
  void readsQuotesAsTheStandardSays() throws IOException {
    CsvOptions options = CsvOptions.inputs("x, \"y\"\nz").targets("", "sweet", "red");
    Dataset data = read("\"x, \"\"y\"\"\nz\",sweet,red\n\"1\",\"\",\"0\"", options);
    assertArrayEquals(new float[] {1}, Datasets.input(data, 0));
    assertArrayEquals(new float[] {Float.NaN, 0}, Datasets.target(data, "", 0));
  }

  @Test
  void skipsAByteOrderMark() throws IOException {
    assertEquals(1, read("\ufeffx,y,sweet,red\n1,2,3,4", plain()).size());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x,y,sweet,red\n1,2,0,1\n1,2,0\n", // too few fields
        "x,y,sweet,red\n1,2,0,1\n1,2,0,1,5\n", // too many
        "x,y,sweet,red\n1,2,0,1\n\n", // blank line
        "x,y,sweet,red\n1,2,0,1\n1,,0,1\n", // blank input
        "x,y,sweet,red\n1,2,0,1\n1,two,0,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,NaN,0,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,2,NaN,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,1e99,0,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,0x10,0,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,2f,0,1\n",
        "x,y,sweet,red\n1,2,0,1\n1,2,0,\"1\n", // no closing quote
        "x,y,sweet,red\n1,2,0,1\n1,2,0,\"1\"1\n",
        "x,y,sweet,red\n1,2,0,1\n1,2,0,1\"\"\n",
        "x,y,sweet,red\n1,2,0,1\rx" // the end of a line, too
      })
  void namesTheLine(String content) {
    IllegalArgumentException error =
        assertThrows(IllegalArgumentException.class, () -> read(content, plain()));
    assertTrue(error.getMessage().contains("line 3"), error.getMessage());
  }

  @Test
  void namesTheColumn() {
    IllegalArgumentException error =
        assertThrows(
            IllegalArgumentException.class, () -> read("x,y,sweet,red\n1,2,maybe,1\n", plain()));
    assertTrue(error.getMessage().contains("\"sweet\""), error.getMessage());
    assertTrue(error.getMessage().contains("maybe"), error.getMessage());
  }

  @Test
  void countsLinesWithinQuotes() {
    IllegalArgumentException error =
        assertThrows(
            IllegalArgumentException.class,
            () -> read("x,y,sweet,red,note\n1,2,0,1,\"a\nb\"\n1,2,0,no,\n", plain()));
    assertTrue(error.getMessage().contains("line 4"), error.getMessage());
  }

  @Test
  void refusesUnknownClassesAndColumns() {
    CsvOptions classes = CsvOptions.inputs("x").classes("", "kind", "apple");
    assertThrows(IllegalArgumentException.class, () -> read("x,kind\n1,pear\n", classes));
    assertThrows(IllegalArgumentException.class, () -> read("x,y\n1,2\n", plain()));
    assertThrows(
        IllegalArgumentException.class, () -> read("x,y,x,sweet,red\n1,2,3,0,0\n", plain()));
    assertThrows(IllegalArgumentException.class, () -> read("", plain()));
    assertThrows(IllegalArgumentException.class, () -> read("x,y,sweet,red\n", plain()));
  }

  @Test
  void refusesOtherEncodings() throws IOException {
    Path file = Files.write(folder.resolve("latin1"), new byte[] {'x', (byte) 0xe4, '\n', '1'});
    assertThrows(
        IllegalArgumentException.class, () -> CsvDataset.read(file, CsvOptions.inputs("x")));
  }

  @Test
  void tellsWhatIsMissing() {
    Path missing = folder.resolve("no-such-file");
    String message =
        assertThrows(UncheckedIOException.class, () -> CsvDataset.read(missing, plain()))
            .getMessage();
    assertTrue(
        message.startsWith(
            missing + ": expected a file that can be read, got an error: no such file"),
        message);
    assertThrows(UncheckedIOException.class, () -> CsvDataset.read(folder, plain()));
  }

  private String refusal(String content, CsvOptions options) {
    return assertThrows(IllegalArgumentException.class, () -> read(content, options)).getMessage();
  }

  @Test
  void columnsGiveLabelsTheirNames() throws IOException {
    Dataset data =
        read(
            "x,effusion,pneumonia,view\n1,0,1,lateral\n0,1,0,frontal\n",
            CsvOptions.inputs("x")
                .targets("finding", "effusion", "pneumonia")
                .classes("view", "view", "lateral", "frontal"));
    assertEquals(
        List.of(
            Target.numbers("finding", List.of("effusion", "pneumonia")),
            Target.classes("view", List.of("lateral", "frontal"))),
        data.targets());
    Dataset other =
        read(
            "x,pneumonia,effusion,view\n1,1,0,lateral\n0,0,1,frontal\n",
            CsvOptions.inputs("x")
                .targets("finding", "pneumonia", "effusion")
                .classes("view", "view", "frontal", "lateral"));
    try (Network network =
        Network.builder(Shape.vector(1))
            .head("finding", Head.labels("pneumonia", "effusion"))
            .head("view", Head.classes("frontal", "lateral"))
            .build(1)) {
      assertEquals(network.evaluate(other).loss(), network.evaluate(data).loss());
    }
  }

  @Test
  void findsColumnsByPatternsAndTheRest() throws IOException {
    String content = "id,lab_b,age,lab_a,find_x,find_y\nn1,1,2,3,0,1\n";
    Dataset data =
        read(content, CsvOptions.inputs("age", "lab_*").targets("", "find_*").without("lab_a"));
    assertArrayEquals(new float[] {2, 1}, Datasets.input(data, 0));
    assertEquals(List.of(Target.numbers("", List.of("find_x", "find_y"))), data.targets());
    Dataset rest = read(content, CsvOptions.rest().without("id").targets("", "find_*"));
    assertArrayEquals(new float[] {1, 2, 3}, Datasets.input(rest, 0));
    assertThrows(
        ShapeException.class,
        () -> read(content, CsvOptions.rest().without("id").shape(Shape.vector(4))));
    String message = refusal(content, CsvOptions.inputs("lab_*", "find_*").targets("", "find_x"));
    assertTrue(
        message.endsWith(
            "column \"find_x\": expected to use it once, got it among the targets of task \"\" and"
                + " the inputs"),
        message);
    assertTrue(refusal(content, CsvOptions.inputs("gene_*")).contains("a column \"gene_*\""));
    assertTrue(
        refusal("a\n1\n", CsvOptions.rest().targets("", "a")).contains("a column of inputs"));
    // A dot is a dot.
    assertTrue(refusal("axb\n1\n", CsvOptions.inputs("a.*")).contains("a column \"a.*\""));
  }

  @Test
  void listsAThousandColumnsBriefly() {
    String names = IntStream.range(0, 1000).mapToObj(i -> "c" + i).collect(Collectors.joining(","));
    String message = refusal(names + "\n", CsvOptions.inputs("weight"));
    assertTrue(message.endsWith(", c18, c19 and 980 more]"), message);
    assertTrue(message.contains("expected a column \"weight\", got [c0, c1"), message);
  }

  @Test
  void blanksAreWhatOneSays() throws IOException {
    String content = "x,sweet,kind\n1,?,NA\n2,NA,apple\n3, ,\n";
    CsvOptions options = CsvOptions.inputs("x").targets("a", "sweet").classes("b", "kind", "apple");
    assertTrue(refusal(content, options).endsWith("a finite number or nothing, got \"?\""));
    Dataset data = read(content, options.blanks("?", "NA"));
    for (int i = 0; i < 3; i++) {
      assertArrayEquals(new float[] {Float.NaN}, Datasets.target(data, "a", i));
      assertArrayEquals(new float[] {i == 1 ? 0 : -1}, Datasets.target(data, "b", i));
    }
    String message = refusal("x,sweet,kind\n1,no,\n", options.blanks("?", "NA"));
    assertTrue(
        message.endsWith(
            "line 2: column \"sweet\": expected a finite number or nothing or one of [?, NA], got"
                + " \"no\""),
        message);
    assertTrue(refusal("x,sweet,kind\n?,1,\n", options.blanks("?")).contains("column \"x\""));
  }

  @Test
  void optionsAreChecked() {
    assertThrows(IllegalArgumentException.class, () -> CsvOptions.inputs(new String[0]));
    assertThrows(IllegalArgumentException.class, () -> CsvOptions.inputs("a", "a"));
    assertThrows(NullPointerException.class, () -> CsvOptions.inputs("a", null));
    assertThrows(IllegalArgumentException.class, () -> CsvOptions.rest().separator('"'));
    assertThrows(
        IllegalArgumentException.class,
        () -> CsvOptions.rest().targets("", "a").classes("", "b", "c"));
  }
}
