// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tribuo.util.tokens.impl.wordpiece.Wordpiece;
import org.tribuo.util.tokens.impl.wordpiece.WordpieceBasicTokenizer;
import org.tribuo.util.tokens.impl.wordpiece.WordpieceTokenizer;

/** Tribuo's WordPiece agrees, in every script, but for what it says and does of its own. */
class TribuoTest {
  private static final int SENTENCES = 10_000;

  /** What both take otherwise; there {@link OracleTest} holds us to Hugging Face's tokenizers. */
  private record Difference(Predicate<String> isIn, String example) {
    static Difference of(String regex, String example) {
      return new Difference(Pattern.compile(regex).asPredicate(), example);
    }
  }

  private static final List<Difference> DIFFERENCES =
      List.of(
          // Control, format and private characters: we leave them out, Tribuo cuts the word there.
          Difference.of("[\\p{Cc}\\p{Cf}\\p{Co}\\uFFFD&&[^\\t\\n\\r]]", "gra\u00ADft"),
          // Special tokens in a text: Tribuo has words that are never cut, but none joined to
          // others.
          Difference.of("\\[(CLS|SEP|MASK|UNK|PAD)]", "[MASK]"),
          // A capital sigma: Java writes it otherwise at the end of a word, Unicode's simple
          // mapping of each letter, which Hugging Face has, does not.
          Difference.of("\u03A3", "\u039F\u0394\u039F\u03A3"),
          // Signs that are others with a stroke: we take that off before we cut, Tribuo after.
          Difference.of("[\u2260\u226E\u226F]", "a\u2260b"),
          // Nothing is left of a word of accents alone: Tribuo leaves out what follows it, up to a
          // space.
          new Difference(TribuoTest::hasAccentsAlone, "-\u0301-tree"));

  private Tokenizer tokenizer;
  private WordpieceTokenizer tribuo;

  @BeforeEach
  void readVocabulary() throws IOException {
    tokenizer =
        Tokenizer.ofJson(PublishedFiles.miniLm()).untruncated().unpadded().withoutSpecialTokens();
    Set<String> vocabulary = new HashSet<>();
    for (int id = 0; id < tokenizer.vocabularySize(); id++) {
      vocabulary.add(tokenizer.token(id).orElseThrow());
    }
    tribuo =
        new WordpieceTokenizer(
            new Wordpiece(vocabulary, "[UNK]", 100),
            new WordpieceBasicTokenizer(),
            true,
            true,
            Set.of());
  }

  private static boolean hasAccentsAlone(String text) {
    return new WordpieceBasicTokenizer()
        .split(text).stream().anyMatch(word -> word.matches("\\p{Mn}+"));
  }

  private List<String> tokens(String text) {
    return Arrays.stream(tokenizer.encode(text).ids())
        .mapToObj(id -> tokenizer.token(id).orElseThrow())
        .toList();
  }

  @Test
  void sameTokensOfEnglish() {
    for (String text : Sentences.plain(SENTENCES, 5)) {
      assertEquals(tribuo.split(text), tokens(text), text);
    }
  }

  @Test
  void sameTokensInManyScripts() {
    Stream<String> same =
        Sentences.of(4 * SENTENCES, 6).stream()
            .filter(text -> DIFFERENCES.stream().noneMatch(each -> each.isIn.test(text)));
    List<String> compared = same.limit(SENTENCES).toList();
    assertEquals(SENTENCES, compared.size());
    for (String text : compared) {
      assertEquals(tribuo.split(text), tokens(text), text);
    }
  }

  @Test
  void whatDiffersDoes() {
    for (Difference difference : DIFFERENCES) {
      String example = difference.example;
      assertEquals(true, difference.isIn.test(example), example);
      assertNotEquals(tribuo.split(example), tokens(example), example);
    }
  }
}
