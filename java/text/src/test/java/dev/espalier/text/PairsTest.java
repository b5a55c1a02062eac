// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What stands around texts and pairs of them, and how they are cut and padded. */
class PairsTest {
  private static final List<String> TEXTS = Sentences.of(300, 21);

  private static final String BERT =
      "{'type':'BertProcessing','sep':['[SEP]',102],'cls':['[CLS]',101]}";
  private static final String ROBERTA =
      "{'type':'RobertaProcessing','sep':['</s>',102],'cls':['<s>',101],'trim_offsets':true,"
          + "'add_prefix_space':false}";
  private static final String TEMPLATE =
      "{'type':'TemplateProcessing','single':[{'Sequence':{'id':'A','type_id':2}},{'SpecialToken':"
          + "{'id':'end','type_id':3}}],'pair':[{'SpecialToken':{'id':'end','type_id':1}},"
          + "{'Sequence':{'id':'B','type_id':1}},{'Sequence':{'id':'A','type_id':0}}],"
          + "'special_tokens':{'end':{'id':'end','ids':[102,103],'tokens':['[SEP]','[MASK]']}}}";

  private static void check(String json, Tokenizer tokenizer, Map<String, String> options)
      throws IOException {
    try (Oracle oracle = Oracle.of(json, options)) {
      for (int i = 0; i + 1 < TEXTS.size(); i++) {
        String first = TEXTS.get(i);
        String second = TEXTS.get(i + 1);
        var one = oracle.encoding(first);
        var two = oracle.encoding(first, second);
        compare(one, tokenizer.encode(first), first);
        compare(two, tokenizer.encode(first, second), first + " and " + second);
      }
    }
  }

  private static void compare(
      ai.djl.huggingface.tokenizers.Encoding expected, Encoding got, String text) {
    assertArrayEquals(Oracle.ints(expected.getIds()), got.ids(), text);
    assertArrayEquals(Oracle.ints(expected.getTypeIds()), got.typeIds(), text);
    assertArrayEquals(Oracle.ints(expected.getAttentionMask()), got.attentionMask(), text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        BERT,
        ROBERTA,
        TEMPLATE,
        "{'type':'ByteLevel','trim_offsets':true,'add_prefix_space':false}",
        "{'type':'Sequence','processors':[{'type':'ByteLevel','trim_offsets':true,"
            + "'add_prefix_space':false},"
            + TEMPLATE
            + "]}",
        "null"
      })
  void templates(String processor) throws IOException {
    String json = withProcessor(processor);
    Tokenizer tokenizer = Tokenizer.ofJson(json).untruncated().unpadded();
    check(json, tokenizer, Map.of("truncation", "false", "padding", "false"));
  }

  private static String withProcessor(String processor) throws IOException {
    String json = PublishedFiles.miniLm();
    int start = json.indexOf("\"post_processor\": {");
    int end = json.indexOf("\"decoder\": {");
    return json.substring(0, start)
        + "\"post_processor\": "
        + processor.replace('\'', '"')
        + ", "
        + json.substring(end);
  }

  @ParameterizedTest
  @CsvSource({
    "Right, LongestFirst, 128", "Right, LongestFirst, 17", "Right, LongestFirst, 4",
    "Right, LongestFirst, 3", "Left, LongestFirst, 12", "Left, LongestFirst, 9"
  })
  void cutsAndPadsAsTheFileSays(String side, String strategy, int length) throws IOException {
    String json =
        PublishedFiles.miniLm()
            .replace("\"direction\": \"Right\"", "\"direction\": \"" + side + "\"")
            .replace("\"max_length\": 128", "\"max_length\": " + length)
            .replace("\"LongestFirst\"", "\"" + strategy + "\"")
            .replace("\"Fixed\": 128", "\"Fixed\": " + length)
            .replace("\"pad_type_id\": 0", "\"pad_type_id\": 1");
    Tokenizer tokenizer = Tokenizer.ofJson(json);
    assertEquals(length, tokenizer.maxLength().getAsInt());
    check(json, tokenizer.unpadded(), Map.of());
    check(json, tokenizer, Map.of("padding", "max_length", "maxLength", "" + length));
  }

  /** Where the text to be cut is too short for it, both refuse. */
  @ParameterizedTest
  @CsvSource({"OnlyFirst, only_first", "OnlySecond, only_second"})
  void cutsOneOfTwo(String strategy, String option) throws IOException {
    String json =
        PublishedFiles.miniLm()
            .replace("\"max_length\": 128", "\"max_length\": 40")
            .replace("\"LongestFirst\"", "\"" + strategy + "\"");
    Tokenizer tokenizer = Tokenizer.ofJson(json).unpadded();
    int refused = 0;
    Map<String, String> options = Map.of("truncation", option, "maxLength", "40");
    try (Oracle oracle = Oracle.of(json, options)) {
      for (int i = 0; i + 1 < TEXTS.size(); i++) {
        String first = TEXTS.get(i);
        String second = TEXTS.get(i + 1);
        ai.djl.huggingface.tokenizers.Encoding expected;
        try {
          expected = oracle.encoding(first, second);
        } catch (RuntimeException tooShort) {
          assertThrows(IllegalArgumentException.class, () -> use(tokenizer.encode(first, second)));
          refused++;
          continue;
        }
        compare(expected, tokenizer.encode(first, second), first + " and " + second);
      }
    }
    assertTrue(refused > 20 && refused < 250, refused + " refused");
  }

  private static void use(Encoding encoding) {
    assertTrue(encoding.size() > 0);
  }
}
