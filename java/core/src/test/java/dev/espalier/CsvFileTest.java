// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CsvFileTest {
  @TempDir Path folder;

  private Dataset read(String content, CsvOptions options) throws IOException {
    return Datasets.csv(Files.writeString(folder.resolve("data.csv"), content), options);
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
        "x,y,sweet,red\n1,2,0,1\n1,2,0,1\rx"
      })
  void namesTheLine(String content) {
    IllegalArgumentException error =
        assertThrows(IllegalArgumentException.class, () -> read(content, plain()));
    assertTrue(error.getMessage().contains("line 3"), error.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '#',
      value = {
        "#\"1\"7,2#|after a closing quote, got '7'",
        "#1\"\",2#|around a whole field, got one after 1",
        "#1\rx#|after a carriage return, got 'x'",
        "#1\r#|after a carriage return, got the end of the file"
      })
  void saysWhatItGot(String content, String got) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> read(content, CsvOptions.inputs("x")))
            .getMessage();
    assertTrue(message.endsWith(got), message);
    assertTrue(message.contains("data.csv, line 1: "), message);
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
    assertThrows(IllegalArgumentException.class, () -> Datasets.csv(file, CsvOptions.inputs("x")));
  }

  @Test
  void tellsWhatIsMissing() {
    Path missing = folder.resolve("no-such-file");
    String message =
        assertThrows(UncheckedIOException.class, () -> Datasets.csv(missing, plain())).getMessage();
    assertEquals(
        missing + ": expected a file that can be read, got an error: no such file", message);
    message =
        assertThrows(UncheckedIOException.class, () -> Datasets.csv(folder, plain())).getMessage();
    assertTrue(message.endsWith(": Is a directory"), message);
  }
}
