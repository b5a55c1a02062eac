// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Input;
import dev.espalier.Shape;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Rows of texts, without a network. */
class TextInputsTest {
  private static final Input IDS = Input.integers("input_ids", Shape.vector(6));
  private static final Input MASK = Input.integers("attention_mask", Shape.vector(6));
  private static final Input TYPES = Input.integers("token_type_ids", Shape.vector(6));
  private static final Input LENGTH = Input.integers("length", Shape.vector(1));

  private static Tokenizer miniLm() throws IOException {
    return Tokenizer.ofJson(PublishedFiles.miniLm());
  }

  private static String refusal(List<Input> inputs) throws IOException {
    Tokenizer tokenizer = miniLm();
    return assertThrows(
            IllegalArgumentException.class,
            () -> assertEquals("", TextInputs.of(tokenizer, inputs).toString()))
        .getMessage();
  }

  @Test
  void writesWhatEachInputIs() throws IOException {
    TextInputs inputs = TextInputs.of(miniLm(), List.of(LENGTH, IDS, MASK, TYPES));
    assertArrayEquals(
        new float[] {3, 101, 3392, 102, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
        inputs.rows("tree"));
    assertArrayEquals(
        new float[] {5, 101, 3392, 102, 3392, 102, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0},
        inputs.pairRow("tree", "tree"));
    float[] two = inputs.rows("tree tree tree tree tree tree", "");
    assertEquals(38, two.length);
    assertEquals(6, two[0]);
    assertEquals(102, two[6]);
    assertEquals(2, two[19]);
    assertEquals(
        "TextInputs{length=LENGTH, input_ids=IDS, attention_mask=MASK, token_type_ids=TYPES}",
        inputs.toString());
    assertEquals(6, inputs.tokenizer().maxLength().orElseThrow());
  }

  @Test
  void fillsUpWithTheFilesToken() throws IOException {
    Tokenizer tokenizer =
        Tokenizer.ofJson(PublishedFiles.miniLm().replace("\"pad_id\": 0", "\"pad_id\": 7"));
    assertArrayEquals(
        new float[] {101, 3392, 102, 7, 7, 7}, TextInputs.of(tokenizer, List.of(IDS)).rows("tree"));
  }

  @Test
  void takesOtherNamesIfToldWhatTheyAre() throws IOException {
    Input words = Input.integers("words", Shape.vector(4));
    assertArrayEquals(
        new float[] {101, 3392, 102, 0},
        TextInputs.of(miniLm(), List.of(words), Map.of("words", TextValue.IDS)).rows("tree"));
  }

  @Test
  void refusesWhatItCanNotFill() throws IOException {
    assertEquals(
        "inputs: expected one of usual name, or to be told what of a text it is, got picture [6]",
        refusal(List.of(IDS, Input.floats("picture", Shape.vector(6)))));
    assertEquals(
        "inputs: expected one of ids, got [length [1] of integers]", refusal(List.of(LENGTH)));
    assertEquals(
        "inputs: expected 6 values, got attention_mask [5] of integers",
        refusal(List.of(IDS, Input.integers("attention_mask", Shape.vector(5)))));
    assertEquals(
        "most: expected at least 2, got 1",
        refusal(List.of(Input.integers("ids", Shape.vector(1)))));
    assertEquals(
        "inputs: expected one of each name, got \"input_ids\" twice",
        refusal(List.of(IDS, LENGTH, IDS)));
    Tokenizer tokenizer = miniLm();
    assertEquals(
        "values: expected names of [input_ids], got \"ids\"",
        assertThrows(
                IllegalArgumentException.class,
                () -> {
                  Map<String, TextValue> values = Map.of("ids", TextValue.IDS);
                  assertEquals("", TextInputs.of(tokenizer, List.of(IDS), values).toString());
                })
            .getMessage());
  }

  @Test
  void aDataSetReadsTheSameRows() throws IOException {
    TextInputs inputs = TextInputs.of(miniLm(), List.of(IDS, LENGTH));
    Dataset data = TextDataset.of(inputs, List.of("tree", "", "an apple tree in spring"));
    assertEquals(3, data.size());
    assertEquals(Shape.vector(7), data.inputShape());
    assertEquals(List.of(IDS, LENGTH), data.inputs());
    assertTrue(data.isStable());
    assertArrayEquals(inputs.rows("tree"), Datasets.input(data, 0));
    assertArrayEquals(inputs.rows(""), Datasets.input(data, 1));
    assertEquals(6, Datasets.input(data, 2)[6]);
    assertEquals("TextDataset[3 of TextInputs{input_ids=IDS, length=LENGTH}]", data.toString());
    Dataset pairs = TextDataset.ofPairs(inputs, List.of("tree"), List.of("tree"));
    assertArrayEquals(inputs.pairRow("tree", "tree"), Datasets.input(pairs, 0));
    assertEquals(
        "second: expected 1 texts, got 0",
        assertThrows(
                IllegalArgumentException.class,
                () -> TextDataset.ofPairs(inputs, List.of("a"), List.of()))
            .getMessage());
    assertEquals(
        Shape.vector(6),
        TextDataset.of(TextInputs.of(miniLm(), List.of(IDS)), List.of()).inputShape());
  }
}
