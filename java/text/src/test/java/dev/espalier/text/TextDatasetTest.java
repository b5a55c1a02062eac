// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.AdamW;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Input;
import dev.espalier.LayerOptions;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import dev.espalier.TokenPooling;
import dev.espalier.Trainer;
import dev.espalier.TransformerOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Texts from strings to answers: a network learns which words are in them. */
class TextDatasetTest {
  private static final int LONGEST = 24;
  private static final List<String> LABELS = List.of("tree", "rain");
  private static final String[] WORDS = {
    "tree", "rain", "an", "apple", "in", "spring", "the", "garden", "espalier", "grows", "often"
  };

  private static Network reader(Tokenizer tokenizer) {
    return Network.builder(
            Input.integers("ids", Shape.vector(LONGEST)), Input.integers("length", Shape.vector(1)))
        .from("ids")
        .embedding("words", tokenizer.vocabularySize(), 16, LayerOptions.defaults())
        .transformerEncoder("block", TransformerOptions.of(16, 2, 32).lengths("length"))
        .tokenPool("text", TokenPooling.MEAN, "block.norm2", "length")
        .head("about", Head.labels("rain", "tree"))
        .build(3);
  }

  /** Makes texts, and answers to both questions of which a third is not known. */
  private static float[][] examples(int count, List<String> texts) {
    SplittableRandom random = new SplittableRandom(count);
    float[][] answers = new float[count][LABELS.size()];
    for (int i = 0; i < count; i++) {
      StringBuilder text = new StringBuilder();
      for (int words = 1 + random.nextInt(12); words > 0; words--) {
        text.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
      }
      texts.add(text.toString());
      for (int label = 0; label < LABELS.size(); label++) {
        boolean isBlank = (i + label) % 3 == 0;
        answers[i][label] = isBlank ? Float.NaN : text.indexOf(LABELS.get(label)) >= 0 ? 1 : 0;
      }
    }
    return answers;
  }

  @Test
  void learnsFromTextsWithBlanksAndAnswersTexts() throws IOException {
    Tokenizer tokenizer = Tokenizer.ofJson(PublishedFiles.miniLm());
    List<String> texts = new ArrayList<>();
    float[][] answers = examples(600, texts);
    try (Network network = reader(tokenizer)) {
      TextInputs inputs = TextInputs.of(tokenizer, network.inputs());
      Dataset data = Datasets.withTargets(TextDataset.of(inputs, texts), "about", LABELS, answers);
      Trainer.of(network)
          .optimizer(AdamW.withLearningRate(5e-3))
          .batchSize(16)
          .epochs(8)
          .groupByLength("length")
          .fit(data);
      List<String> unseen = new ArrayList<>();
      float[][] expected = examples(300, unseen);
      Dataset test =
          Datasets.withTargets(TextDataset.of(inputs, unseen), "about", LABELS, expected);
      assertTrue(network.evaluate(test).task("about").metric("macro_auc").value() > 0.95);
      try (Predictor predictor = network.predictor()) {
        assertEquals(
            List.of("tree"),
            predictor.predictNamed(inputs.rows("the apple tree grows")).labels("about"));
        float[][] all = predictor.predict(test);
        assertArrayEquals(all[0], predictor.predict(inputs.rows(unseen.get(0))));
      }
    }
  }
}
