// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.ModelFileException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {
  private static Tokenizer miniLm() throws IOException {
    return Tokenizer.ofJson(PublishedFiles.miniLm());
  }

  @Test
  void readsFilesStreamsBytesAndText(@TempDir Path folder) throws IOException {
    byte[] json = PublishedFiles.miniLm().getBytes(StandardCharsets.UTF_8);
    Path file = Files.write(folder.resolve("tokenizer.json"), json);
    int[] ids = miniLm().encode("An espalier").ids();
    assertArrayEquals(ids, Tokenizer.load(file).encode("An espalier").ids());
    assertArrayEquals(ids, Tokenizer.load(json).encode("An espalier").ids());
    assertArrayEquals(
        ids, Tokenizer.load(new ByteArrayInputStream(json)).encode("An espalier").ids());
    Path missing = folder.resolve("missing.json");
    assertThrows(UncheckedIOException.class, () -> assertEquals("", show(Tokenizer.load(missing))));
    Path other = Files.write(folder.resolve("other.json"), new byte[] {'{', (byte) 0xFF});
    assertEquals(
        other + ": expected UTF-8, got other bytes",
        assertThrows(ModelFileException.class, () -> assertEquals("", show(Tokenizer.load(other))))
            .getMessage());
  }

  private static String show(Tokenizer tokenizer) {
    return tokenizer.toString();
  }

  @Test
  void cutsAndPadsAsTheFileOrTheCallerSays() throws IOException {
    Tokenizer tokenizer = miniLm();
    assertEquals(OptionalInt.of(128), tokenizer.maxLength());
    Encoding asTheFileSays = tokenizer.encode("Graft an apple");
    assertEquals(128, asTheFileSays.size());
    Encoding plain = tokenizer.unpadded().encode("Graft an apple");
    assertEquals(asTheFileSays.length(), plain.size());
    assertEquals(101, plain.id(0));
    assertEquals(102, plain.id(plain.size() - 1));
    assertEquals(3, tokenizer.unpadded().truncated(3).encode("Graft an apple").size());
    assertEquals(9, tokenizer.padded(9, "[PAD]").encode("Graft an apple").size());
    assertEquals(
        plain.size() - 2,
        tokenizer.unpadded().withoutSpecialTokens().encode("Graft an apple").size());
    assertEquals(1002, tokenizer.unpadded().untruncated().encode("a ".repeat(1000)).size());
    assertEquals(128, tokenizer.unpadded().encode("a ".repeat(1000)).size());
    assertEquals(
        "most: expected at least 2, got 1",
        assertThrows(
                IllegalArgumentException.class,
                () -> assertEquals("", show(tokenizer.truncated(1))))
            .getMessage());
    assertEquals(
        "token: expected one of the vocabulary, got \"[PAT]\"",
        assertThrows(
                IllegalArgumentException.class,
                () -> assertEquals("", show(tokenizer.padded(4, "[PAT]"))))
            .getMessage());
  }

  @Test
  void encodesSeveralTexts() throws IOException {
    Tokenizer tokenizer =
        Tokenizer.ofJson(
            PublishedFiles.miniLm().replace("{\n      \"Fixed\": 128\n    }", "\"BatchLongest\""));
    List<Encoding> all = tokenizer.encodeAll(List.of("one", "one two three", ""));
    assertEquals(List.of(5, 5, 5), all.stream().map(Encoding::size).toList());
    assertEquals(List.of(3, 5, 2), all.stream().map(Encoding::length).toList());
    assertArrayEquals(new int[] {1, 1, 0, 0, 0}, all.get(2).attentionMask());
    assertEquals(List.of(), tokenizer.encodeAll(List.of()));
    Tokenizer inEights =
        Tokenizer.ofJson(
            PublishedFiles.miniLm()
                .replace("{\n      \"Fixed\": 128\n    }", "\"BatchLongest\"")
                .replace("\"pad_to_multiple_of\": null", "\"pad_to_multiple_of\": 8"));
    assertEquals(8, inEights.encodeAll(List.of("one", "one two three")).get(0).size());
    assertEquals(16, inEights.encode("one two three four five six seven").size());
  }

  @Test
  void knowsItsTokens() throws IOException {
    Tokenizer tokenizer = miniLm();
    assertEquals(30522, tokenizer.vocabularySize());
    assertEquals(OptionalInt.of(101), tokenizer.id("[CLS]"));
    assertEquals(OptionalInt.empty(), tokenizer.id("no such token"));
    assertEquals("[CLS]", tokenizer.token(101).orElseThrow());
    assertTrue(tokenizer.token(-1).isEmpty());
    assertTrue(tokenizer.token(30522).isEmpty());
    int[] ids = tokenizer.unpadded().encode("Don't graft, ask!").ids();
    assertEquals("don ' t graft, ask!", tokenizer.decode(ids));
    assertEquals("[CLS] don ' t graft, ask! [SEP]", tokenizer.decodeWithSpecialTokens(ids));
    assertEquals("", tokenizer.decode(-5, 1 << 30));
    assertEquals("Tokenizer[30522 ids, up to 128 tokens, padded]", tokenizer.toString());
  }

  @Test
  void loneSurrogatesAreReplaced() throws IOException {
    Tokenizer tokenizer = Tokenizer.ofJson(PublishedFiles.gpt2());
    int[] expected = tokenizer.encode("a\uFFFDb").ids();
    assertArrayEquals(expected, tokenizer.encode("a\uD83Db").ids());
    assertArrayEquals(expected, tokenizer.encode("a\uDE00b").ids());
  }

  /** Nothing takes time by the square of the length. */
  @Test
  void longTextsTakeTimeInProportion() throws IOException {
    List<Tokenizer> tokenizers =
        List.of(
            miniLm().untruncated().unpadded(),
            Tokenizer.ofJson(PublishedFiles.gpt2()),
            Tokenizer.ofJson(PublishedFiles.gpt4()),
            Tokenizer.ofJson(PublishedFiles.sentencePiece()),
            Tokenizer.ofJson(
                TokenizerFiles.of(TokenizerFiles.unigram(Sentences.of(200, 1), true)).json()));
    List<String> texts =
        List.of(
            "a".repeat(400_000),
            " ".repeat(400_000),
            "ab ".repeat(100_000),
            "!".repeat(400_000),
            "\n \t".repeat(100_000),
            "e\u0301".repeat(100_000),
            "\u0301".repeat(200_000),
            "漢字".repeat(100_000),
            "\u0301\u0323".repeat(100_000),
            "🇩🇪".repeat(50_000),
            "👨\u200D".repeat(50_000),
            "[MASK".repeat(80_000),
            "😀".repeat(100_000));
    assertTimeout(
        Duration.ofSeconds(200),
        () -> {
          for (Tokenizer tokenizer : tokenizers) {
            for (String text : texts) {
              assertTrue(tokenizer.encode(text).length() >= 1);
            }
          }
        });
  }

  @Test
  void manyThreadsMayUseOne() throws Exception {
    Tokenizer tokenizer = miniLm();
    List<String> texts = Sentences.of(500, 9);
    List<int[]> expected = texts.stream().map(text -> miniLmIds(tokenizer, text)).toList();
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<Boolean>> results = new ArrayList<>();
      for (int t = 0; t < 8; t++) {
        int shift = t * 61;
        Callable<Boolean> work =
            () -> {
              for (int i = 0; i < 4 * texts.size(); i++) {
                int at = (i + shift) % texts.size();
                assertArrayEquals(expected.get(at), tokenizer.encode(texts.get(at)).ids());
              }
              return true;
            };
        results.add(threads.submit(work));
      }
      for (Future<Boolean> result : results) {
        assertTrue(result.get());
      }
    } finally {
      threads.shutdown();
    }
  }

  private static int[] miniLmIds(Tokenizer tokenizer, String text) {
    return tokenizer.encode(text).ids();
  }

  /** What is handed out are copies. */
  @Test
  void encodingsStayAsTheyAre() throws IOException {
    Encoding encoding = miniLm().unpadded().encode("tree");
    encoding.ids()[0] = 7;
    encoding.typeIds()[0] = 7;
    assertEquals(101, encoding.ids()[0]);
    assertEquals(0, encoding.typeIds()[0]);
    assertEquals("Encoding[101, 3392, 102]", encoding.toString());
    assertEquals(0, encoding.start(1));
    assertEquals(4, encoding.end(1));
    assertThrows(IndexOutOfBoundsException.class, () -> encoding.id(3));
    assertThrows(IndexOutOfBoundsException.class, () -> encoding.start(-1));
  }
}
