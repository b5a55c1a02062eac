// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
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
    StringBuilder vocabulary = new StringBuilder("[\"<unk>\",0.0],[\"<s>\",0.0],[\"</s>\",0]");
    for (int b = 0; fallsBack && b < 256; b++) {
      vocabulary.append(String.format(Locale.ROOT, ",[\"<0x%02X>\",-20.5]", b));
    }
    for (Entry<String, Integer> entry : frequent(counts, 8000)) {
      double score = Math.log(entry.getValue() / 1e6) + 0.7 * entry.getKey().length();
      vocabulary.append(",[" + PublishedFiles.quoted(entry.getKey()) + "," + score + "]");
    }
    return "{\"type\":\"Unigram\",\"unk_id\":0,\"byte_fallback\":"
        + fallsBack
        + ",\"vocab\":["
        + vocabulary
        + "]}";
  }

  /** Returns a WordPiece model of what is frequent in texts, with another mark than usual. */
  static String wordPiece(List<String> texts, String prefix, int mostCharacters) {
    Map<String, Integer> counts = new HashMap<>();
    for (String text : texts) {
      for (String word : text.split("\\s+")) {
        for (int i = 0; i < word.length(); i++) {
          for (int length = 1; length <= 5 && i + length <= word.length(); length++) {
            String token = (i == 0 ? "" : prefix) + word.substring(i, i + length);
            if (Surrogates.isWellFormed(token)) {
              counts.merge(token, 1, Integer::sum);
            }
          }
        }
      }
    }
    StringBuilder vocabulary = new StringBuilder("\"?\":0");
    int id = 1;
    for (Entry<String, Integer> entry : frequent(counts, 4000)) {
      if (!entry.getKey().equals("?")) {
        vocabulary
            .append(',')
            .append(PublishedFiles.quoted(entry.getKey()))
            .append(':')
            .append(id++);
      }
    }
    return String.format(
        "{\"type\":\"WordPiece\",\"unk_token\":\"?\",\"continuing_subword_prefix\":%s,"
            + "\"max_input_chars_per_word\":%d,\"vocab\":{%s}}",
        PublishedFiles.quoted(prefix), mostCharacters, vocabulary);
  }

  private static List<Entry<String, Integer>> frequent(Map<String, Integer> counts, int most) {
    List<Entry<String, Integer>> sorted = new ArrayList<>(counts.entrySet());
    sorted.sort(
        Entry.<String, Integer>comparingByValue().reversed().thenComparing(Entry.comparingByKey()));
    return sorted.subList(0, Math.min(most, sorted.size()));
  }

  /** Returns a BPE model of characters, trained on words of texts. */
  static String bpe(List<String> texts, String prefix, String suffix, String options) {
    Map<String, Integer> characters = new HashMap<>();
    List<List<String>> words = new ArrayList<>();
    for (String text : texts) {
      for (String word : text.split("\\s+")) {
        List<String> symbols = new ArrayList<>();
        int[] codePoints = word.codePoints().toArray();
        for (int i = 0; i < codePoints.length; i++) {
          String symbol = Character.toString(codePoints[i]);
          symbol = (i == 0 ? "" : prefix) + symbol + (i == codePoints.length - 1 ? suffix : "");
          symbols.add(symbol);
          characters.merge(symbol, 1, Integer::sum);
        }
        words.add(symbols);
      }
    }
    Map<String, Integer> ids = new LinkedHashMap<>(Map.of("<unk>", 0));
    for (Entry<String, Integer> entry : frequent(characters, 500)) {
      ids.put(entry.getKey(), ids.size());
    }
    List<String> merges = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      Map<String, Integer> pairs = new HashMap<>();
      for (List<String> word : words) {
        for (int k = 0; k + 1 < word.size(); k++) {
          if (ids.containsKey(word.get(k)) && ids.containsKey(word.get(k + 1))) {
            pairs.merge(word.get(k) + " " + word.get(k + 1), 1, Integer::sum);
          }
        }
      }
      String best = frequent(pairs, 1).get(0).getKey();
      String[] two = best.split(" ");
      String merged = two[0] + two[1].substring(prefix.length());
      merges.add(PublishedFiles.quoted(best));
      ids.putIfAbsent(merged, ids.size());
      for (List<String> word : words) {
        for (int k = 0; k + 1 < word.size(); k++) {
          if (word.get(k).equals(two[0]) && word.get(k + 1).equals(two[1])) {
            word.set(k, merged);
            word.remove(k + 1);
          }
        }
      }
    }
    StringBuilder vocabulary = new StringBuilder();
    ids.forEach(
        (token, id) ->
            vocabulary
                .append(vocabulary.isEmpty() ? "" : ",")
                .append(PublishedFiles.quoted(token))
                .append(':')
                .append(id));
    return String.format(
        "{\"type\":\"BPE\",\"continuing_subword_prefix\":%s,\"end_of_word_suffix\":%s,%s"
            + "\"vocab\":{%s},\"merges\":[%s]}",
        PublishedFiles.quoted(prefix),
        PublishedFiles.quoted(suffix),
        options,
        vocabulary,
        String.join(",", merges));
  }
}
