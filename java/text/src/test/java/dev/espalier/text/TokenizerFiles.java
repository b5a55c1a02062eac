// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Map.Entry;

/** Writes small {@code tokenizer.json} files, of any parts. */
record TokenizerFiles(
    String added,
    String normalizer,
    String preTokenizer,
    String postProcessor,
    String decoder,
    String model,
    String settings) {

  /** A file with nothing but a model. */
  static TokenizerFiles of(String model) {
    return new TokenizerFiles("", "null", "null", "null", "null", model, "");
  }

  TokenizerFiles added(String tokens) {
    return new TokenizerFiles(
        tokens, normalizer, preTokenizer, postProcessor, decoder, model, settings);
  }

  TokenizerFiles normalizer(String json) {
    return new TokenizerFiles(added, json, preTokenizer, postProcessor, decoder, model, settings);
  }

  TokenizerFiles preTokenizer(String json) {
    return new TokenizerFiles(added, normalizer, json, postProcessor, decoder, model, settings);
  }

  TokenizerFiles postProcessor(String json) {
    return new TokenizerFiles(added, normalizer, preTokenizer, json, decoder, model, settings);
  }

  TokenizerFiles decoder(String json) {
    return new TokenizerFiles(
        added, normalizer, preTokenizer, postProcessor, json, model, settings);
  }

  TokenizerFiles settings(String json) {
    return new TokenizerFiles(
        added, normalizer, preTokenizer, postProcessor, decoder, model, json + ",");
  }

  String json() {
    return String.format(
        "{\"version\":\"1.0\",%s\"added_tokens\":[%s],\"normalizer\":%s,\"pre_tokenizer\":%s,"
            + "\"post_processor\":%s,\"decoder\":%s,\"model\":%s}",
        settings, added, normalizer, preTokenizer, postProcessor, decoder, model);
  }

  /** Returns an added token. */
  static String token(int id, String content, String... flags) {
    StringBuilder json =
        new StringBuilder("{\"id\":" + id + ",\"content\":" + PublishedFiles.quoted(content));
    for (String flag : new String[] {"single_word", "lstrip", "rstrip", "normalized", "special"}) {
      json.append(",\"").append(flag).append("\":").append(Arrays.asList(flags).contains(flag));
    }
    return json.append('}').toString();
  }

  /**
   * Returns a model whose tokens are the bytes of what pieces are after all changes, with a bar at
   * the end of each: it shows all that normalizers and pre-tokenizers do.
   */
  static String bytes() {
    StringBuilder vocabulary = new StringBuilder("\"<unk>\":256");
    for (int b = 0; b < 256; b++) {
      vocabulary.append(String.format(Locale.ROOT, ",\"<0x%02X>\":%d", b, b));
    }
    return "{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"byte_fallback\":true,"
        + "\"end_of_word_suffix\":\"|\",\"vocab\":{"
        + vocabulary
        + "},\"merges\":[]}";
  }

  /** Returns a unigram model of what is frequent in texts. */
  static String unigram(List<String> texts, boolean fallsBack) {
    Map<String, Integer> counts = new HashMap<>();
    for (String text : texts) {
      String signs = "▁" + text.replace(' ', '▁');
      for (int i = 0; i < signs.length(); i++) {
        for (int length = 1; length <= 6 && i + length <= signs.length(); length++) {
          String token = signs.substring(i, i + length);
          if (Surrogates.isWellFormed(token)) {
            counts.merge(token, 1, Integer::sum);
          }
        }
      }
    }
    List<Entry<String, Integer>> sorted = new ArrayList<>(counts.entrySet());
    sorted.sort(
        Entry.<String, Integer>comparingByValue().reversed().thenComparing(Entry.comparingByKey()));
    StringBuilder vocabulary = new StringBuilder("[\"<unk>\",0.0],[\"<s>\",0.0],[\"</s>\",0]");
    for (int b = 0; fallsBack && b < 256; b++) {
      vocabulary.append(String.format(Locale.ROOT, ",[\"<0x%02X>\",-20.5]", b));
    }
    for (Entry<String, Integer> entry : sorted.subList(0, Math.min(8000, sorted.size()))) {
      double score = Math.log(entry.getValue() / 1e6) + 0.7 * entry.getKey().length();
      vocabulary.append(",[" + PublishedFiles.quoted(entry.getKey()) + "," + score + "]");
    }
    return "{\"type\":\"Unigram\",\"unk_id\":0,\"byte_fallback\":"
        + fallsBack
        + ",\"vocab\":["
        + vocabulary
        + "]}";
  }
}
