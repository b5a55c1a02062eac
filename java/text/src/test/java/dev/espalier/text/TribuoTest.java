// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.tribuo.util.tokens.impl.wordpiece.Wordpiece;
import org.tribuo.util.tokens.impl.wordpiece.WordpieceBasicTokenizer;
import org.tribuo.util.tokens.impl.wordpiece.WordpieceTokenizer;

/** Tribuo's WordPiece agrees where both mean the same: English text without signs of its own. */
class TribuoTest {
  @Test
  void sameTokensOfEnglish() throws IOException {
    Tokenizer tokenizer =
        Tokenizer.ofJson(PublishedFiles.miniLm()).untruncated().unpadded().withoutSpecialTokens();
    Set<String> vocabulary = new HashSet<>();
    for (int id = 0; id < tokenizer.vocabularySize(); id++) {
      vocabulary.add(tokenizer.token(id).orElseThrow());
    }
    var other =
        new WordpieceTokenizer(
            new Wordpiece(vocabulary, "[UNK]", 100),
            new WordpieceBasicTokenizer(),
            true,
            true,
            Set.of());
    for (String text : Sentences.plain(10_000, 5)) {
      List<String> tokens =
          Arrays.stream(tokenizer.encode(text).ids())
              .mapToObj(id -> tokenizer.token(id).orElseThrow())
              .toList();
      assertEquals(other.split(text), tokens, text);
    }
  }
}
