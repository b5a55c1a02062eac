// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Head;
import dev.espalier.Input;
import dev.espalier.LayerOptions;
import dev.espalier.ModelFileException;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import dev.espalier.ShapeException;
import dev.espalier.TokenPooling;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredTextInputsTest {
  private static final List<Input> INPUTS =
      List.of(Input.integers("ids", Shape.vector(12)), Input.integers("length", Shape.vector(1)));
  private static final String SMALL =
      TokenizerFiles.of(
              "{\"type\":\"WordPiece\",\"unk_token\":\"?\",\"continuing_subword_prefix\":\"##\","
                  + "\"max_input_chars_per_word\":100,\"vocab\":{\"?\":0,\"tree\":1,\"rain\":2}}")
          .preTokenizer("{\"type\":\"Whitespace\"}")
          .json();

  @TempDir private Path folder;

  private static byte[] bytes(String json) {
    return json.getBytes(StandardCharsets.UTF_8);
  }

  private static Network network() {
    return Network.builder(INPUTS.toArray(Input[]::new))
        .embedding("words", 40_000, 2, LayerOptions.defaults())
        .tokenPool("pool", TokenPooling.MEAN)
        .head("about", Head.labels("rain", "tree"))
        .build(1);
  }

  @Test
  void modelFileReadsTextsAsTrainingDid() throws IOException {
    String json = PublishedFiles.miniLm();
    Path file = folder.resolve("texts.safetensors");
    Tokenizer tokenizer = Tokenizer.ofJson(json);
    for (Tokenizer one :
        List.of(tokenizer, tokenizer.truncated(7), tokenizer.withoutSpecialTokens())) {
      TextInputs inputs = TextInputs.of(one, INPUTS);
      try (Network network = network()) {
        inputs.storeIn(network, bytes(json));
        network.save(file);
      }
      try (Network network = Network.load(file);
          Predictor predictor = Predictor.load(file)) {
        String text = "Grafting an apple tree, in the rain, or a dozen of them!";
        assertArrayEquals(inputs.rows(text), TextInputs.of(network).rows(text));
        assertArrayEquals(inputs.rows(text), TextInputs.of(predictor).rows(text));
      }
    }
  }

  @Test
  void otherNetworksAndTokenizersAreRefused() throws IOException {
    TextInputs inputs = TextInputs.of(Tokenizer.ofJson(SMALL), INPUTS);
    try (Network network = network();
        Network other = Network.builder(Shape.vector(3)).head("x", Head.classes(2)).build(1)) {
      assertTrue(
          assertThrows(IllegalArgumentException.class, () -> TextInputs.of(network))
              .getMessage()
              .contains("storeIn"));
      assertThrows(ShapeException.class, () -> inputs.storeIn(other, bytes(SMALL)));
      String otherFile = SMALL.replace("rain", "snow");
      assertEquals(network.metadata(), Map.of());
      inputs.storeIn(network, bytes(SMALL));
      assertTrue(
          assertThrows(
                  IllegalArgumentException.class,
                  () ->
                      TextInputs.of(Tokenizer.ofJson(PublishedFiles.miniLm()), INPUTS)
                          .storeIn(network, bytes(otherFile)))
              .getMessage()
              .contains("that of another one"));
      assertThrows(ModelFileException.class, () -> inputs.storeIn(network, bytes("{}")));
    }
  }

  @Test
  void eachRuleOfTheTextIsHeld() {
    String text =
        StoredTextInputs.write(TextInputs.of(Tokenizer.ofJson(SMALL), INPUTS), bytes(SMALL));
    Map<String, String> cases = new LinkedHashMap<>();
    cases.put("", "line 1: expected \"espalier texts 1\"");
    cases.put("espalier texts 1\nIDS", "line 2: expected 5 lines");
    cases.put(text.replace("IDS LENGTH", "IDS"), "line 2: expected what each of");
    cases.put(text.replace("IDS LENGTH", "IDS LENGTHS"), "line 2: expected some of");
    cases.put(text.replace("\n12\n", "\n-12\n"), "line 3: expected a number of tokens");
    cases.put(text.replace("\ntrue\n", "\nyes\n"), "line 4: expected true or false");
    cases.put(
        text.replaceAll("\n[^\n]*$", "\nH4sIAAAA"), "line 5: expected the file of a tokenizer");
    cases.put(text + "?", "line 5: expected the file of a tokenizer");
    cases.forEach(
        (broken, message) -> {
          String error =
              assertThrows(
                      IllegalArgumentException.class,
                      () -> StoredTextInputs.read(broken, INPUTS),
                      broken)
                  .getMessage();
          assertTrue(error.contains(message), error);
        });
  }

  /** Whatever text a model file has there, it is read, or refused in words. */
  @Test
  void damagedTextsAreRefused() {
    String text =
        StoredTextInputs.write(TextInputs.of(Tokenizer.ofJson(SMALL), INPUTS), bytes(SMALL));
    SplittableRandom random = new SplittableRandom(7);
    int refused = 0;
    for (int i = 0; i < 5_000; i++) {
      StringBuilder mutated = new StringBuilder(text);
      mutated.setCharAt(random.nextInt(text.length()), "\nA1+é\u0000".charAt(random.nextInt(6)));
      try {
        assertEquals(13, StoredTextInputs.read(mutated.toString(), INPUTS).rows("rain").length);
      } catch (IllegalArgumentException error) {
        refused++;
      }
    }
    assertTrue(refused > 2_500, refused + " refused");
  }
}
