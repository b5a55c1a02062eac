// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.peers;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.espalier.bench.Contender;
import dev.espalier.bench.PublishedModels;
import dev.espalier.bench.Work;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;

/**
 * From strings to the means of what MiniLM makes of their tokens: Hugging Face's tokenizer, as DJL
 * brings it, pads some strings to the longest; ONNX Runtime makes their vectors.
 */
final class StringsPrediction implements Contender.Prediction {
  private final OrtEnvironment environment;
  private final OrtSession session;
  private final HuggingFaceTokenizer tokenizer;
  private final String[] texts;
  private final int batch;
  private final boolean isOwner;
  private int next;
  private float[] embeddings = {};

  StringsPrediction(OrtEnvironment environment, OrtSession session, Work work, int batch)
      throws IOException {
    this.environment = environment;
    this.session = session;
    this.batch = batch;
    isOwner = true;
    texts = Files.readAllLines(work.texts()).toArray(String[]::new);
    tokenizer =
        HuggingFaceTokenizer.newInstance(
            work.tokenizer(),
            Map.of(
                "padding",
                "true",
                "truncation",
                "true",
                "maxLength",
                String.valueOf(PublishedModels.MOST_TOKENS)));
  }

  private StringsPrediction(StringsPrediction owner) {
    environment = owner.environment;
    session = owner.session;
    tokenizer = owner.tokenizer;
    texts = owner.texts;
    batch = owner.batch;
    isOwner = false;
  }

  @Override
  public void run() {
    Encoding[] encodings = tokenizer.batchEncode(Arrays.asList(texts).subList(next, next + batch));
    next = (next + batch) % (texts.length - batch + 1);
    try (OnnxTensor ids = tensor(encodings, Encoding::getIds);
        OnnxTensor mask = tensor(encodings, Encoding::getAttentionMask);
        OnnxTensor types = tensor(encodings, Encoding::getTypeIds);
        OrtSession.Result result =
            session.run(
                Map.of("input_ids", ids, "attention_mask", mask, "token_type_ids", types))) {
      embeddings = means(encodings, ((OnnxTensor) result.get(0)).getFloatBuffer());
    } catch (OrtException error) {
      throw new IllegalStateException(error);
    }
  }

  private OnnxTensor tensor(Encoding[] encodings, Function<Encoding, long[]> part)
      throws OrtException {
    int length = encodings[0].getIds().length;
    LongBuffer values = LongBuffer.allocate(encodings.length * length);
    for (Encoding encoding : encodings) {
      values.put(part.apply(encoding));
    }
    return OnnxTensor.createTensor(
        environment, values.flip(), new long[] {encodings.length, length});
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
  public float[] outputs() {
    return embeddings;
  }

  @Override
  public Contender.Prediction sharing() {
    return new StringsPrediction(this);
  }

  @Override
  public void close() {
    if (!isOwner) {
      return;
    }
    tokenizer.close();
    try {
      session.close();
    } catch (OrtException error) {
      throw new IllegalStateException(error);
    }
  }
}
