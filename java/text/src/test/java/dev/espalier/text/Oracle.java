// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;

/** Hugging Face's tokenizers, as DJL brings them. */
final class Oracle implements AutoCloseable {
  private final HuggingFaceTokenizer tokenizer;

  private Oracle(HuggingFaceTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** Reads a {@code tokenizer.json}; it neither cuts nor pads, whatever the file says. */
  static Oracle of(String json) throws IOException {
    return of(json, Map.of("truncation", "false", "padding", "false"));
  }

  static Oracle of(String json, Map<String, String> options) throws IOException {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    return new Oracle(HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(bytes), options));
  }

  int[] ids(String text) {
    return ints(encoding(text).getIds());
  }

  Encoding encoding(String text) {
    return tokenizer.encode(text, true, false);
  }

  Encoding encoding(String first, String second) {
    return tokenizer.encode(first, second, true, false);
  }

  String decode(int[] ids, boolean skipsSpecials) {
    return tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), skipsSpecials);
  }

  static int[] ints(long[] values) {
    return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
