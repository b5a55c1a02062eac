// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.ModelFileException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files of strangers: each is read, or refused with what was expected and what was got. */
class HostileFilesTest {
  private static final String WORDS =
      "{'type':'WordLevel','vocab':{'a':0,'b':1,'<unk>':2},'unk_token':'<unk>'}";

  private static String refusal(String json) {
    return assertThrows(ModelFileException.class, () -> read(json)).getMessage();
  }

  private static void read(String json) {
    assertNotNull(Tokenizer.ofJson(json.replace('\'', '"')));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "[]|expected a JSON object, got a list of 0",
        "{'model':{}|JSON: expected '}' at 11, got the end of the text",
        "{} x|JSON: expected the end at 3, got 'x'",
        "{'a':1,'a':2}|JSON: expected each key once, \"a\" is there twice at 7, got '\"'",
        "{'a':01}|JSON: expected no leading zero at 7, got '}'",
        "{'a':1e}|JSON: expected a digit at 7, got '}'",
        "{'a':+1}|JSON: expected a value at 5, got '+'",
        "{'a':NaN}|JSON: expected a value at 5, got 'N'",
        "{'a':'\\x'}|JSON: expected a known escape at 7, got 'x'",
        "{'a':'\\uD800'}|JSON: expected no lone surrogate in a string at 6, got '\\'",
        "{'a':99999999999999999999}|JSON: expected a number of 64 bits at 25, got '}'",
        "{}|model: expected an object, got nothing",
        "{'model':{'type':7}}|model.type: expected a string, got 7",
        "{'model':{'type':'WordLevel','vocab':[]}}"
            + "|model.vocab: expected an object of tokens and ids, got a list of 0",
        "{'model':{'type':'WordLevel','vocab':{'a':-1}}}"
            + "|model.vocab: expected ids from 0 to 1003 for 1 tokens, got -1",
        "{'model':{'type':'WordLevel','vocab':{'a':2000000}}}"
            + "|model.vocab: expected ids from 0 to 1003 for 1 tokens, got 2000000",
        "{'model':{'type':'WordLevel','vocab':{'a':0,'b':0}}}"
            + "|model.vocab: expected an id for each token, got 0 for \"a\" and \"b\"",
        "{'model':{'type':'WordLevel','vocab':{'a':0},'unk_token':'?'}}"
            + "|model.unk_token: expected a token of the vocabulary, got \"?\"",
        "{'model':{'type':'Unigram','unk_id':0,'vocab':[]}}"
            + "|model.vocab: expected 1 to 16777216 tokens, got a list of 0",
        "{'model':{'type':'Unigram','unk_id':0,'vocab':[['a',1e999]]}}"
            + "|model.vocab[0]: expected a token and a finite score, got a list of 2",
        "{'model':{'type':'Unigram','unk_id':5,'vocab':[['a',0]]}}"
            + "|model.unk_id: expected a whole number from 0 to 0, got 5",
        "{'model':{'type':'BPE','vocab':{'a':0,'b':1},'merges':['a b']}}"
            + "|model.merges[0]: expected a token of the vocabulary, got \"ab\"",
        "{'model':{'type':'BPE','vocab':{'a':0,'b':1},'merges':['ab']}}"
            + "|model.merges[0]: expected two tokens, got \"ab\"",
        "{'model':{'type':'BPE','vocab':{'a':0},'merges':7}}"
            + "|model.merges: expected a list, got 7",
        "{'model':{'type':'WordPiece','vocab':{'[UNK]':0},'max_input_chars_per_word':-1}}"
            + "|model.max_input_chars_per_word: expected a whole number from 0 to 32767, got -1",
      })
  void refusesWithExpectedAndGot(String json, String message) {
    assertEquals(message, refusal(json));
  }

  @Test
  void saysAllThatIsNotSupportedAtOnce() {
    String json =
        "{'normalizer':{'type':'Sequence','normalizers':[{'type':'New'},{'type':'Replace',"
            + "'pattern':{'Regex':'(a+)+'},'content':''}]},'pre_tokenizer':{'type':'Cut'},"
            + "'decoder':{'type':'CTC'},'post_processor':{'type':'Put'},"
            + "'model':{'type':'Neural'}}";
    assertEquals(
        "not supported: normalizer.normalizers[0]: the type \"New\";"
            + " normalizer.normalizers[1].pattern: the expression \"(a+)+\": a group that is"
            + " repeated; pre_tokenizer: the type \"Cut\"; post_processor: the type \"Put\";"
            + " decoder: the type \"CTC\"; model: the type \"Neural\"",
        refusal(json));
  }

  /** What is put into texts again and again, and what is looked for at each place, is short. */
  @Test
  void longPartsAreRefused() {
    String token = "a".repeat(1025);
    assertTrue(
        refusal("{'model':{'type':'WordLevel','vocab':{'" + token + "':0},'unk_token':'a'}}")
            .startsWith("model.vocab: expected tokens of up to 1024 characters, got \"aaa"));
    assertTrue(
        refusal("{'normalizer':{'type':'Prepend','prepend':'" + token + "'}}")
            .startsWith("normalizer.prepend: expected up to 256 characters, got \"aaa"));
    assertTrue(
        refusal(
                "{'model':"
                    + WORDS
                    + ",'added_tokens':[{'id':3,'content':'"
                    + token
                    + "','special':true}]}")
            .startsWith("added_tokens[0].content: expected tokens of up to 1024 characters"));
    assertEquals(
        "normalizer.precompiled_charsmap: expected texts of up to 256 bytes, got \"more\"",
        refusal(charsMap(new byte[] {1, 2, 3, 4}, new byte[257])));
    assertEquals(
        "normalizer.precompiled_charsmap: expected the length of its table, then as many bytes,"
            + " got -1",
        refusal("{'normalizer':{'type':'Precompiled','precompiled_charsmap':'AA=='}}"));
  }

  private static String charsMap(byte[] units, byte[] texts) {
    Arrays.fill(texts, (byte) 'a');
    ByteBuffer table =
        ByteBuffer.allocate(4 + units.length + texts.length).order(ByteOrder.LITTLE_ENDIAN);
    table.putInt(units.length).put(units).put(texts);
    return "{'normalizer':{'type':'Precompiled','precompiled_charsmap':'"
        + Base64.getEncoder().encodeToString(table.array())
        + "'},'model':"
        + WORDS
        + "}";
  }

  /** Whatever a table of characters holds, it leads nowhere else. */
  @Test
  void tablesOfAnyBytesAreReadOrLeftAlone() {
    SplittableRandom random = new SplittableRandom(2);
    List<String> texts = Sentences.of(20, 4);
    for (int i = 0; i < 500; i++) {
      byte[] units = new byte[4 * (1 + random.nextInt(600))];
      random.nextBytes(units);
      for (int k = 0; k < units.length; k++) {
        // Small numbers lead on more often than large ones do.
        units[k] = (k & 3) > 1 && random.nextInt(8) > 0 ? 0 : units[k];
      }
      String json = charsMap(units, new byte[random.nextInt(200)]);
      Tokenizer tokenizer = Tokenizer.ofJson(json.replace('\'', '"'));
      for (String text : texts) {
        assertNotNull(tokenizer.encode(text));
      }
    }
  }

  @Test
  void deepFilesTakeNoStack() {
    String deep = "[".repeat(1_000_000);
    assertTrue(refusal("{'a':" + deep).contains("nesting of at most 64"));
    String sequence = "{'type':'Sequence','normalizers':[".repeat(100_000);
    assertTrue(refusal("{'normalizer':" + sequence).contains("nesting of at most 64"));
  }

  /** An expression that would look at a text again and again is stopped. */
  @Test
  void slowExpressionsAreStopped() throws IOException {
    String json =
        TokenizerFiles.of(TokenizerFiles.bytes())
            .preTokenizer(
                "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a*a*a*a*a*b\"},"
                    + "\"behavior\":\"Isolated\",\"invert\":false}")
            .json();
    Tokenizer tokenizer = Tokenizer.ofJson(json);
    assertTrue(tokenizer.encode("aaab").length() > 0);
    String text = "a".repeat(100_000);
    assertTimeout(
        Duration.ofSeconds(100),
        () ->
            assertThrows(
                IllegalArgumentException.class, () -> assertNotNull(tokenizer.encode(text))));
  }

  /**
   * Any bytes changed or left out: read, or refused by the one exception, and used without harm.
   */
  @Test
  void damagedFilesAreReadOrRefused() throws IOException {
    String whole =
        TokenizerFiles.of(WORDS.replace('\'', '"'))
            .added(TokenizerFiles.token(3, "[X]", "special", "lstrip"))
            .normalizer(
                "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Replace\","
                    + "\"pattern\":{\"Regex\":\"a{2,}|[^b]\"},\"content\":\"a\"}]}")
            .preTokenizer(
                "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Metaspace\",\"replacement\":"
                    + "\"▁\",\"prepend_scheme\":\"first\"},{\"type\":\"Digits\"}]}")
            .postProcessor(
                "{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\","
                    + "\"type_id\":0}}],\"pair\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
                    + "{\"Sequence\":{\"id\":\"B\",\"type_id\":1}}],\"special_tokens\":{}}")
            .decoder("{\"type\":\"Strip\",\"content\":\"a\",\"start\":1,\"stop\":1}")
            .settings(
                "\"truncation\":{\"direction\":\"Left\",\"max_length\":5,\"strategy\":"
                    + "\"LongestFirst\",\"stride\":0},\"padding\":{\"strategy\":{\"Fixed\":8},"
                    + "\"direction\":\"Right\",\"pad_to_multiple_of\":null,\"pad_id\":0,"
                    + "\"pad_type_id\":0,\"pad_token\":\"a\"}")
            .json();
    SplittableRandom random = new SplittableRandom(1);
    byte[] bytes = whole.getBytes(StandardCharsets.UTF_8);
    String signs = "{}[],:\"0123456789aeE-+.\\tnul";
    int read = 0;
    for (int i = 0; i < 30_000; i++) {
      byte[] damaged = bytes.clone();
      for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
        int at = random.nextInt(damaged.length);
        damaged[at] =
            (byte)
                (random.nextInt(4) == 0
                    ? random.nextInt(256)
                    : signs.charAt(random.nextInt(signs.length())));
      }
      Tokenizer tokenizer;
      try {
        tokenizer = Tokenizer.load(damaged);
      } catch (ModelFileException refused) {
        continue;
      }
      read++;
      try {
        Encoding encoding = tokenizer.encode("a b [X] 12 aab", "b");
        assertNotNull(tokenizer.decode(encoding.ids()));
      } catch (IllegalArgumentException refused) {
        assertTrue(refused.getMessage().contains("expected"), refused.getMessage());
      }
    }
    assertTrue(read > 1000, read + " were read");
  }
}
