// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Published tokenizers give the ids of Hugging Face's. */
class OracleTest {
  private static final int SENTENCES = 10_000;

  private static String file(String name) throws IOException {
    return switch (name) {
      case "MiniLM" -> PublishedFiles.miniLm();
      case "SentencePiece" -> PublishedFiles.sentencePiece();
      case "GPT-2" -> PublishedFiles.gpt2();
      default -> PublishedFiles.gpt4();
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"MiniLM", "GPT-2", "GPT-4", "SentencePiece"})
  void sentencesInManyScripts(String name) throws IOException {
    String json = file(name);
    Tokenizer tokenizer = Tokenizer.ofJson(json).untruncated().unpadded();
    try (Oracle oracle = Oracle.of(json)) {
      for (String text : Sentences.of(SENTENCES, 1)) {
        int[] ids = oracle.ids(text);
        assertArrayEquals(ids, tokenizer.encode(text).ids(), text);
        assertEquals(oracle.decode(ids, true), tokenizer.decode(ids), text);
        assertEquals(oracle.decode(ids, false), tokenizer.decodeWithSpecialTokens(ids), text);
      }
    }
  }

  /** The tables of characters are those of the oracle, on each Java. */
  @ParameterizedTest
  @ValueSource(strings = {"MiniLM", "GPT-2", "SentencePiece"})
  void everyCharacterBetweenTwoLetters(String name) throws IOException {
    String json = file(name);
    Tokenizer tokenizer = Tokenizer.ofJson(json).untruncated().unpadded();
    List<String> differing = new ArrayList<>();
    try (Oracle oracle = Oracle.of(json)) {
      for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint++) {
        boolean isSurrogate =
            codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
        // Of what is unassigned or private up there, a part.
        boolean isLeftOut = codePoint > 0x30000 && codePoint % 257 != 0 && codePoint >> 8 != 0xE01;
        String text = "a" + Character.toString(codePoint) + "b";
        if (!isSurrogate
            && !isLeftOut
            && !Arrays.equals(oracle.ids(text), tokenizer.encode(text).ids())) {
          differing.add(Integer.toHexString(codePoint));
        }
      }
    }
    assertEquals(List.of(), differing);
  }

  @Test
  void whereTokensStandInTheText() throws IOException {
    String json = PublishedFiles.miniLm();
    Tokenizer tokenizer = Tokenizer.ofJson(json).untruncated().unpadded();
    try (Oracle oracle = Oracle.of(json)) {
      for (String text : Sentences.of(2000, 3)) {
        Encoding encoding = tokenizer.encode(text);
        var spans = oracle.encoding(text).getCharTokenSpans();
        for (int i = 0; i < spans.length; i++) {
          if (spans[i] != null && encoding.id(i) > 103) { // no special token
            int start = text.offsetByCodePoints(0, spans[i].getStart());
            int end = text.offsetByCodePoints(0, spans[i].getEnd());
            assertEquals(
                start + "-" + end,
                encoding.start(i) + "-" + encoding.end(i),
                "token " + i + ": " + text);
          }
        }
      }
    }
  }
}
