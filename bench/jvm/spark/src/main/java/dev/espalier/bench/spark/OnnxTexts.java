// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.spark;

import dev.espalier.bench.peers.OnnxSentences;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.api.java.function.MapPartitionsFunction;

/**
 * Texts to means of MiniLM's vectors by ONNX Runtime behind Hugging Face's tokenizer.
 *
 * @param model path of the ONNX model
 * @param tokenizer path of the tokenizer
 */
record OnnxTexts(String model, String tokenizer) implements MapPartitionsFunction<String, float[]> {
  private static final ConcurrentHashMap<String, OnnxSentences> SENTENCES =
      new ConcurrentHashMap<>();

  @Override
  public Iterator<float[]> call(Iterator<String> rows) {
    OnnxSentences sentences =
        SENTENCES.computeIfAbsent(
            model,
            path -> {
              try {
                return new OnnxSentences(OnnxSessions.of(path), Path.of(tokenizer));
              } catch (IOException error) {
                throw new UncheckedIOException(error);
              }
            });
    return new Batches<>(rows, batch -> Batches.rows(sentences.means(batch), batch.size()));
  }
}
