// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/** Vocabularies that are in use, from packages. */
final class PublishedFiles {
  /** How GPT-4 cuts texts. */
  static final String CL100K =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private PublishedFiles() {}

  private static String resource(String name) throws IOException {
    try (InputStream stream = PublishedFiles.class.getResourceAsStream(name)) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** Returns the tokenizer of all-MiniLM-L6-v2: WordPiece, BERT's English vocabulary. */
  static String miniLm() throws IOException {
    return resource("/all-minilm-l6-v2-tokenizer.json");
  }

  /** Returns GPT-2's tokenizer. */
  static String gpt2() throws IOException {
    return byteLevel(
        "r50k_base",
        "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,"
            + "\"use_regex\":true}",
        50256);
  }

  /** Returns GPT-4's tokenizer. */
  static String gpt4() throws IOException {
    return byteLevel(
        "cl100k_base",
        "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"
            + quoted(CL100K)
            + "},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\","
            + "\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":false}]}",
        100257);
  }

  /**
   * Returns a unigram model that SentencePiece 0.2.0 trained on 700 of the {@link Sentences}, with
   * its table of characters, nmt_nfkc; written as the tokenizers of XLM-RoBERTa and its like are.
   */
  static String sentencePiece() throws IOException {
    try (InputStream stream =
        new GZIPInputStream(
            PublishedFiles.class.getResourceAsStream("sentencepiece-tokenizer.json.gz"))) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** Writes a list of tokens by rank, as OpenAI publishes them, as a tokenizer.json. */
  private static String byteLevel(String name, String preTokenizer, int endOfText)
      throws IOException {
    Map<String, Integer> ranks = new LinkedHashMap<>();
    for (String line : resource("/com/knuddels/jtokkit/" + name + ".tiktoken").split("\n")) {
      String[] fields = line.split(" ");
      byte[] token = Base64.getDecoder().decode(fields[0]);
      ranks.put(new String(token, StandardCharsets.ISO_8859_1), Integer.valueOf(fields[1].strip()));
    }
    StringBuilder vocabulary = new StringBuilder();
    StringBuilder merges = new StringBuilder();
    Map<String, String> written = new HashMap<>();
    for (Map.Entry<String, Integer> entry : ranks.entrySet()) {
      String token = letters(entry.getKey());
      written.put(entry.getKey(), token);
      vocabulary.append(vocabulary.isEmpty() ? "" : ",");
      vocabulary.append(quoted(token)).append(':').append(entry.getValue());
      if (entry.getKey().length() > 1) {
        List<String> parts = parts(entry.getKey(), ranks, entry.getValue());
        if (parts.size() == 2) {
          merges.append(merges.isEmpty() ? "" : ",");
          merges.append(quoted(written.get(parts.get(0)) + " " + written.get(parts.get(1))));
        }
      }
    }
    return "{\"version\":\"1.0\",\"added_tokens\":[{\"id\":"
        + endOfText
        + ",\"content\":\"<|endoftext|>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
        + "\"normalized\":false,\"special\":true}],\"normalizer\":null,\"pre_tokenizer\":"
        + preTokenizer
        + ",\"post_processor\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
        + "\"trim_offsets\":false,\"use_regex\":true},\"decoder\":{\"type\":\"ByteLevel\","
        + "\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true},"
        + "\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,"
        + "\"continuing_subword_prefix\":\"\",\"end_of_word_suffix\":\"\",\"fuse_unk\":false,"
        + "\"byte_fallback\":false,\"vocab\":{"
        + vocabulary
        + "},\"merges\":["
        + merges
        + "]}}";
  }

  /** Returns the two tokens that become a token: what is left of it by the merges before. */
  private static List<String> parts(String token, Map<String, Integer> ranks, int rank) {
    List<String> parts = new ArrayList<>(List.of(token.split("")));
    while (true) {
      int best = rank;
      int place = -1;
      for (int i = 0; i + 1 < parts.size(); i++) {
        Integer found = ranks.get(parts.get(i) + parts.get(i + 1));
        if (found != null && found < best) {
          best = found;
          place = i;
        }
      }
      if (place < 0) {
        return parts;
      }
      parts.set(place, parts.get(place) + parts.remove(place + 1));
    }
  }

  private static String letters(String bytes) {
    StringBuilder letters = new StringBuilder();
    for (char b : bytes.toCharArray()) {
      boolean isSeen = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      int before = b <= ' ' ? b : b <= 0xA0 ? 33 + b - 0x7F : 67;
      letters.append(isSeen ? b : (char) (256 + before));
    }
    return letters.toString();
  }

  static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ') {
        quoted.append(String.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
