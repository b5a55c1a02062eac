// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.text.Encoding;
import dev.espalier.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Tokenizers of the words of texts, for networks that start from nothing. */
final class WordTokenizer {
  private static final String UNKNOWN = "[UNK]";
  private static final int LEAST_TEXTS = 2;
  private static final int MOST_WORDS = 20_000;

  private WordTokenizer() {}

  /**
   * Returns a {@code tokenizer.json} of the words that two texts or more have, the 20,000 of most
   * texts; of texts without spaces, of their Chinese characters. Case counts for nothing.
   */
  static byte[] json(List<String> texts) {
    Tokenizer splitter = Tokenizer.load(json(Map.of(UNKNOWN, 0)));
    Map<String, Integer> counts = new HashMap<>();
    for (String text : texts) {
      Encoding tokens = splitter.encode(text);
      Set<String> words = new HashSet<>();
      for (int i = 0; i < tokens.size(); i++) {
        words.add(text.substring(tokens.start(i), tokens.end(i)).toLowerCase(Locale.ROOT));
      }
      words.forEach(word -> counts.merge(word, 1, Integer::sum));
    }
    Map<String, Integer> ids = new LinkedHashMap<>(Map.of(UNKNOWN, 0));
    counts.entrySet().stream()
        .filter(entry -> entry.getValue() >= LEAST_TEXTS)
        .sorted(
            Map.Entry.<String, Integer>comparingByValue(Comparator.reverseOrder())
                .thenComparing(Map.Entry.comparingByKey()))
        .limit(MOST_WORDS)
        .forEach(entry -> ids.put(entry.getKey(), ids.size()));
    if (ids.size() == 1) {
      throw new CommandFailure(
          "expected words that two texts to train on have, got none in "
              + texts.size()
              + " texts: is --text the column of the texts?");
    }
    return json(ids);
  }

  private static byte[] json(Map<String, Integer> ids) {
    Map<String, Object> model = new LinkedHashMap<>();
    model.put("type", "WordLevel");
    model.put("vocab", ids);
    model.put("unk_token", UNKNOWN);
    Map<String, Object> file = new LinkedHashMap<>();
    file.put("version", "1.0");
    file.put("added_tokens", List.of());
    file.put("normalizer", Map.of("type", "BertNormalizer", "strip_accents", false));
    file.put("pre_tokenizer", Map.of("type", "BertPreTokenizer"));
    file.put("post_processor", null);
    file.put("decoder", null);
    file.put("model", model);
    return Json.line(file).getBytes(StandardCharsets.UTF_8);
  }
}
