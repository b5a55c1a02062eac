// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Models with each of their settings find the tokens that Hugging Face's find. */
class ModelsTest {
  private static final List<String> SEEN = Sentences.of(600, 11);
  private static final String WORDS = "{\"type\":\"WhitespaceSplit\"}";
  private static final String SIGNS =
      "{\"type\":\"Metaspace\",\"replacement\":\"▁\",\"prepend_scheme\":\"always\"}";

  private static void check(TokenizerFiles files, int texts) throws IOException {
    String json = files.json();
    Tokenizer tokenizer = Tokenizer.ofJson(json);
    try (Oracle oracle = Oracle.of(json)) {
      for (String text : Sentences.of(texts, 12)) {
        int[] ids = oracle.ids(text);
        assertEquals(Arrays.toString(ids), Arrays.toString(tokenizer.encode(text).ids()), text);
        assertEquals(oracle.decode(ids, true), tokenizer.decode(ids), text);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void unigram(boolean fallsBack) throws IOException {
    TokenizerFiles files = TokenizerFiles.of(TokenizerFiles.unigram(SEEN, fallsBack));
    check(files.preTokenizer(SIGNS).decoder(SIGNS), 10_000);
    check(files, 1000); // in one piece
  }

  @ParameterizedTest
  @CsvSource({"##, 100", "@, 7", "'', 20", "▁▁, 0"})
  void wordPiece(String prefix, int mostCharacters) throws IOException {
    check(
        TokenizerFiles.of(TokenizerFiles.wordPiece(SEEN, prefix, mostCharacters))
            .preTokenizer(WORDS)
            .decoder("{\"type\":\"WordPiece\",\"prefix\":\"" + prefix + "\",\"cleanup\":false}"),
        3000);
  }

  @ParameterizedTest
  @CsvSource({
    "'', '', \"unk_token\":null, Fuse",
    "'', </w>, '\"unk_token\":\"<unk>\"', BPEDecoder",
    "##, '', '\"unk_token\":\"<unk>\",\"fuse_unk\":true', WordPiece",
    "#, </w>, '\"unk_token\":\"<unk>\",\"ignore_merges\":true,\"dropout\":0', BPEDecoder",
    "'', '', '\"unk_token\":\"<unk>\",\"byte_fallback\":true,\"fuse_unk\":true', ByteFallback"
  })
  void bpe(String prefix, String suffix, String options, String decoder) throws IOException {
    check(
        TokenizerFiles.of(TokenizerFiles.bpe(SEEN, prefix, suffix, options + ","))
            .preTokenizer(WORDS)
            .decoder(
                "{\"type\":\""
                    + decoder
                    + "\",\"suffix\":\"</w>\",\"prefix\":\"##\",\"cleanup\":true}"),
        3000);
  }

  /**
   * Nothing is stripped from the end: of a token shorter than that, the oracle ends the process.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"type\":\"Strip\",\"content\":\"a\",\"start\":2,\"stop\":0}",
        "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"[aeiou]+\"},\"content\":\"$1\"}",
        "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":"
            + "\"a\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},"
            + "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]}",
        "{\"type\":\"Metaspace\",\"replacement\":\"e\",\"prepend_scheme\":\"never\"}",
        "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true}",
        "null"
      })
  void decoders(String decoder) throws IOException {
    check(TokenizerFiles.of(TokenizerFiles.unigram(SEEN, true)).decoder(decoder), 1000);
  }
}
