// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each part alone, and some together, does to texts what it does in Hugging Face's tokenizers. */
class PartsTest {
  private static final List<String> TEXTS = Sentences.of(800, 7);

  /** Compares what pieces there are, as text, with a bar behind each. */
  private static void check(TokenizerFiles files) throws IOException {
    String json = files.json();
    Tokenizer tokenizer = Tokenizer.ofJson(json);
    try (Oracle oracle = Oracle.of(json)) {
      for (String text : TEXTS) {
        assertEquals(shown(oracle.ids(text)), shown(tokenizer.encode(text).ids()), text);
      }
      assertEquals(shown(oracle.ids("")), shown(tokenizer.encode("").ids()));
    }
  }

  /** How published tokenizers cut texts: GPT-4o's, BLOOM's, DeepSeek's, CLIP's. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
            + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}"
            + "\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
        " ?[^(\\s|[.,!?…。，、।۔،])]+",
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}"
            + "\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
        "[一-龥぀-ゟ゠-ヿ]+",
        "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]"
            + "|[^\\s\\p{L}\\p{N}]+",
        "\\w+(?:-\\w+)?|\\W",
        "[\\w']+",
        "[^\\p{Latin}\\d]"
      })
  void expressions(String expression) throws IOException {
    String split =
        "{\"type\":\"Split\",\"pattern\":{\"Regex\":"
            + PublishedFiles.quoted(expression)
            + "},\"behavior\":\"Isolated\",\"invert\":false}";
    check(TokenizerFiles.of(TokenizerFiles.bytes()).preTokenizer(split));
  }

  private static String shown(int[] ids) {
    StringBuilder text = new StringBuilder();
    int at = 0;
    while (at < ids.length) {
      int stop = at;
      while (stop < ids.length && ids[stop] < 256) {
        stop++;
      }
      byte[] bytes = new byte[stop - at];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) ids[at + i];
      }
      text.append(new String(bytes, StandardCharsets.UTF_8));
      if (stop < ids.length) {
        text.append("{" + ids[stop++] + "}");
      }
      at = stop;
    }
    return text.toString();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true,"
            + "'strip_accents':null,'lowercase':true}",
        "{'type':'BertNormalizer','clean_text':false,'handle_chinese_chars':false,"
            + "'strip_accents':true,'lowercase':false}",
        "{'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true,"
            + "'strip_accents':false,'lowercase':true}",
        "{'type':'BertNormalizer','clean_text':false,'handle_chinese_chars':true,"
            + "'strip_accents':null,'lowercase':false}",
        "{'type':'Lowercase'}",
        "{'type':'NFC'}",
        "{'type':'NFD'}",
        "{'type':'NFKC'}",
        "{'type':'NFKD'}",
        "{'type':'StripAccents'}",
        "{'type':'Sequence','normalizers':[{'type':'NFD'},{'type':'Lowercase'},"
            + "{'type':'StripAccents'}]}",
        "{'type':'Nmt'}",
        "{'type':'Strip','strip_left':true,'strip_right':true}",
        "{'type':'Strip','strip_left':false,'strip_right':true}",
        "{'type':'Prepend','prepend':'▁'}",
        "{'type':'Replace','pattern':{'String':' '},'content':'▁'}",
        "{'type':'Replace','pattern':{'Regex':' {2,}'},'content':' '}",
        "{'type':'Replace','pattern':{'Regex':'[aeiou]+'},'content':''}",
        "{'type':'Sequence','normalizers':[{'type':'Prepend','prepend':'▁'},"
            + "{'type':'Replace','pattern':{'String':' '},'content':'▁'}]}",
        "{'type':'Sequence','normalizers':[]}"
      })
  void normalizers(String json) throws IOException {
    TokenizerFiles files = TokenizerFiles.of(TokenizerFiles.bytes());
    check(files.normalizer(json.replace('\'', '"')));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'type':'BertPreTokenizer'}",
        "{'type':'Whitespace'}",
        "{'type':'WhitespaceSplit'}",
        "{'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true}",
        "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true,'use_regex':true}",
        "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':false,'use_regex':false}",
        "{'type':'Metaspace','replacement':'▁','prepend_scheme':'always','split':true}",
        "{'type':'Metaspace','replacement':'▁','prepend_scheme':'first','split':false}",
        "{'type':'Metaspace','replacement':'▁','prepend_scheme':'first'}",
        "{'type':'Metaspace','replacement':'▁','prepend_scheme':'never','split':true}",
        "{'type':'Metaspace','replacement':'_','add_prefix_space':true}",
        "{'type':'Metaspace','replacement':'_','add_prefix_space':false,"
            + "'prepend_scheme':'never'}",
        "{'type':'Punctuation','behavior':'Isolated'}",
        "{'type':'Punctuation','behavior':'Removed'}",
        "{'type':'Punctuation','behavior':'Contiguous'}",
        "{'type':'Punctuation','behavior':'MergedWithPrevious'}",
        "{'type':'Punctuation','behavior':'MergedWithNext'}",
        "{'type':'Punctuation'}",
        "{'type':'Digits','individual_digits':true}",
        "{'type':'Digits','individual_digits':false}",
        "{'type':'CharDelimiterSplit','delimiter':'e'}",
        "{'type':'Split','pattern':{'String':'e'},'behavior':'Isolated','invert':false}",
        "{'type':'Split','pattern':{'String':'an'},'behavior':'MergedWithPrevious',"
            + "'invert':false}",
        "{'type':'Split','pattern':{'Regex':'\\\\s+'},'behavior':'Removed','invert':false}",
        "{'type':'Split','pattern':{'Regex':'\\\\w+|[^\\\\w\\\\s]+'},'behavior':'Removed',"
            + "'invert':true}",
        "{'type':'Split','pattern':{'Regex':'[aeiou]'},'behavior':'MergedWithNext',"
            + "'invert':true}",
        "{'type':'Split','pattern':{'Regex':'[aeiou]'},'behavior':'MergedWithPrevious',"
            + "'invert':true}",
        "{'type':'Split','pattern':{'Regex':'[aeiou]'},'behavior':'Contiguous','invert':true}",
        "{'type':'Split','pattern':{'Regex':'\\\\p{Han}|\\\\p{P}'},'behavior':'Contiguous',"
            + "'invert':false}",
        "{'type':'Split','pattern':{'Regex':'(?=[A-Z])'},'behavior':'Isolated',"
            + "'invert':false}",
        "{'type':'Split','pattern':{'Regex':'.'},'behavior':'Isolated','invert':false}",
        "{'type':'Split','pattern':{'Regex':'^.|\\\\d+$'},'behavior':'Isolated',"
            + "'invert':false}",
        "{'type':'Sequence','pretokenizers':[{'type':'WhitespaceSplit'},{'type':'Punctuation',"
            + "'behavior':'Isolated'},{'type':'Digits','individual_digits':true}]}",
        "{'type':'Sequence','pretokenizers':[{'type':'WhitespaceSplit'},{'type':'Metaspace',"
            + "'replacement':'▁','prepend_scheme':'always'}]}",
        "{'type':'Sequence','pretokenizers':[{'type':'Digits','individual_digits':true},"
            + "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true}]}"
      })
  void preTokenizers(String json) throws IOException {
    TokenizerFiles files = TokenizerFiles.of(TokenizerFiles.bytes());
    check(files.preTokenizer(json.replace('\'', '"')));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null|null",
        "{'type':'Lowercase'}|null",
        "null|{'type':'Metaspace','replacement':'▁','prepend_scheme':'first'}",
        "null|{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true}",
        "{'type':'Strip','strip_left':true,'strip_right':true}|"
            + "{'type':'Metaspace','replacement':'▁','prepend_scheme':'first'}",
        "{'type':'Prepend','prepend':'▁'}|{'type':'WhitespaceSplit'}",
        "{'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true,"
            + "'strip_accents':null,'lowercase':true}|{'type':'BertPreTokenizer'}"
      })
  void addedTokens(String parts) throws IOException {
    String[] json = parts.replace('\'', '"').split("\\|");
    List<String> tokens =
        List.of(
            TokenizerFiles.token(257, "[MASK]", "lstrip", "special"),
            TokenizerFiles.token(258, "[CLS]", "special"),
            TokenizerFiles.token(259, "[SEP]", "rstrip"),
            TokenizerFiles.token(260, "The", "normalized"),
            TokenizerFiles.token(261, "tree", "single_word"),
            TokenizerFiles.token(262, "trees", "single_word", "normalized"),
            TokenizerFiles.token(263, "an", "lstrip", "rstrip", "normalized"),
            TokenizerFiles.token(264, "a", "single_word", "lstrip", "normalized"),
            TokenizerFiles.token(265, "  "),
            TokenizerFiles.token(266, "é", "normalized"),
            TokenizerFiles.token(267, "😀", "rstrip"),
            TokenizerFiles.token(268, "…"));
    check(
        TokenizerFiles.of(TokenizerFiles.bytes())
            .added(String.join(",", tokens))
            .normalizer(json[0])
            .preTokenizer(json[1]));
  }
}
