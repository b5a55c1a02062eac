// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.ImportOptions;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import java.io.IOException;
import java.io.InputStream;
import org.junit.jupiter.api.Test;

/** A published network of texts with its tokenizer, from strings to what was published of it. */
class MiniLmTest {
  private static final int PLACES = 32;
  private static final String STATES = "encoder.layer.5.output.LayerNorm";

  /** The similarities in the quick start of Sentence Transformers, sbert.net, for this network. */
  @Test
  void similaritiesArePublishedOnes() throws IOException {
    Tokenizer tokenizer = Tokenizer.ofJson(PublishedFiles.miniLm());
    try (InputStream model = MiniLmTest.class.getResourceAsStream("/all-minilm-l6-v2.onnx");
        Network network =
            Network.importOnnx(
                model,
                ImportOptions.defaults()
                    .dimension("sequence_length", PLACES)
                    .outputs("last_hidden_state"));
        Predictor predictor = network.predictor(PredictorOptions.defaults().layers(STATES))) {
      TextInputs inputs = TextInputs.of(tokenizer, network.inputs());
      float[] weather = embedding(inputs, predictor, "The weather is lovely today.");
      float[] sun = embedding(inputs, predictor, "It's so sunny outside!");
      float[] stadium = embedding(inputs, predictor, "He drove to the stadium.");
      assertEquals(0.6660, similarity(weather, sun), 1e-4);
      assertEquals(0.1046, similarity(weather, stadium), 1e-4);
      assertEquals(0.1411, similarity(sun, stadium), 1e-4);
    }
  }

  /** Returns the mean of what the network makes of a text's tokens. */
  private static float[] embedding(TextInputs inputs, Predictor predictor, String text) {
    float[] states = predictor.predict(inputs.rows(text));
    int length = inputs.tokenizer().encode(text).length();
    float[] mean = new float[states.length / PLACES];
    for (int i = 0; i < length * mean.length; i++) {
      mean[i % mean.length] += states[i] / length;
    }
    return mean;
  }

  private static double similarity(float[] a, float[] b) {
    double product = 0;
    double squares = 0;
    double others = 0;
    for (int i = 0; i < a.length; i++) {
      product += a[i] * b[i];
      squares += a[i] * a[i];
      others += b[i] * b[i];
    }
    return product / Math.sqrt(squares * others);
  }
}
