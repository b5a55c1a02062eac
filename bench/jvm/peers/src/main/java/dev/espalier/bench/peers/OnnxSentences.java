// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.peers;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.espalier.bench.PublishedModels;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * From strings to the means of what MiniLM makes of their tokens: Hugging Face's tokenizer, as DJL
 * brings it, pads some strings to the longest; ONNX Runtime makes their vectors. For any number of
 * threads.
 */
public final class OnnxSentences implements AutoCloseable {
  private final OrtSession session;
  private final HuggingFaceTokenizer tokenizer;

  /**
   * Takes a session and reads a tokenizer.
   *
   * @param session of MiniLM; closed with this
   * @param tokenizerJson its tokenizer
   */
  public OnnxSentences(OrtSession session, Path tokenizerJson) throws IOException {
    this.session = session;
    tokenizer =
        HuggingFaceTokenizer.newInstance(
            tokenizerJson,
            Map.of(
                "padding",
                "true",
                "truncation",
                "true",
                "maxLength",
                String.valueOf(PublishedModels.MOST_TOKENS)));
  }

  /** Returns the means, side by side. */
  public float[] means(List<String> texts) {
    Encoding[] encodings = tokenizer.batchEncode(texts);
    try (OnnxTensor ids = tensor(encodings, Encoding::getIds);
        OnnxTensor mask = tensor(encodings, Encoding::getAttentionMask);
        OnnxTensor types = tensor(encodings, Encoding::getTypeIds);
        OrtSession.Result result =
            session.run(
                Map.of("input_ids", ids, "attention_mask", mask, "token_type_ids", types))) {
      return means(encodings, ((OnnxTensor) result.get(0)).getFloatBuffer());
    } catch (OrtException error) {
      throw new IllegalStateException(error);
    }
  }

  private static OnnxTensor tensor(Encoding[] encodings, Function<Encoding, long[]> part)
      throws OrtException {
    int length = encodings[0].getIds().length;
    LongBuffer values = LongBuffer.allocate(encodings.length * length);
    for (Encoding encoding : encodings) {
      values.put(part.apply(encoding));
    }
    return OnnxTensor.createTensor(
        OrtEnvironment.getEnvironment(), values.flip(), new long[] {encodings.length, length});
  }

  private static float[] means(Encoding[] encodings, FloatBuffer vectors) {
    int length = encodings[0].getIds().length;
    int width = vectors.remaining() / encodings.length / length;
    float[] all = new float[vectors.remaining()];
    vectors.get(all);
    float[] means = new float[encodings.length * width];
    for (int i = 0; i < encodings.length; i++) {
      long valid = Arrays.stream(encodings[i].getAttentionMask()).sum();
      for (int k = 0; k < valid * width; k++) {
        means[i * width + k % width] += all[i * length * width + k];
      }
      for (int k = 0; k < width; k++) {
        means[i * width + k] /= valid;
      }
    }
    return means;
  }

  @Override
  public void close() {
    tokenizer.close();
    try {
      session.close();
    } catch (OrtException error) {
      throw new IllegalStateException(error);
    }
  }
}
