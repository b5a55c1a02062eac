// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.text.TextInputs;
import dev.espalier.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;

/** From strings to the means of what MiniLM makes of their tokens, some strings at a time. */
final class TextPrediction implements Contender.Prediction {
  private final String[] texts;
  private final int batch;
  private final TextInputs inputs;
  private final Predictor predictor;
  private final boolean isOwner;
  private int next;
  private float[] embeddings = {};

  TextPrediction(Work work, int batch, PredictorOptions options) throws IOException {
    texts = Files.readAllLines(work.texts()).toArray(String[]::new);
    this.batch = batch;
    isOwner = true;
    try (Network network = PublishedModels.sentences(work)) {
      inputs = TextInputs.of(Tokenizer.load(work.tokenizer()), network.inputs());
      predictor = network.predictor(options.layers(PublishedModels.SENTENCES));
    }
  }

  private TextPrediction(TextPrediction owner) {
    texts = owner.texts;
    batch = owner.batch;
    inputs = owner.inputs;
    predictor = owner.predictor;
    isOwner = false;
  }

  @Override
  public void run() {
    String[] part = Arrays.copyOfRange(texts, next, next + batch);
    next = (next + batch) % (texts.length - batch + 1);
    embeddings = predictor.predict(inputs.rows(part));
  }

  @Override
  public float[] outputs() {
    return embeddings;
  }

  @Override
  public Contender.Prediction sharing() {
    return new TextPrediction(this);
  }

  @Override
  public void close() {
    if (isOwner) {
      predictor.close();
    }
  }
}
