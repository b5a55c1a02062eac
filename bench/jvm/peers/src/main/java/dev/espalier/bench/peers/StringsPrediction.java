// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.peers;

import dev.espalier.bench.Contender;
import dev.espalier.bench.Work;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;

/** From strings to their vectors, some strings at a time. */
final class StringsPrediction implements Contender.Prediction {
  private final OnnxSentences sentences;
  private final List<String> texts;
  private final int batch;
  private final boolean isOwner;
  private int next;
  private float[] embeddings = {};

  StringsPrediction(OnnxSentences sentences, Work work, int batch) throws IOException {
    this.sentences = sentences;
    this.batch = batch;
    isOwner = true;
    texts = Files.readAllLines(work.texts());
  }

  private StringsPrediction(StringsPrediction owner) {
    sentences = owner.sentences;
    texts = owner.texts;
    batch = owner.batch;
    isOwner = false;
  }

  @Override
  public void run() {
    embeddings = sentences.means(texts.subList(next, next + batch));
    next = (next + batch) % (texts.size() - batch + 1);
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
    if (isOwner) {
      sentences.close();
    }
  }
}
