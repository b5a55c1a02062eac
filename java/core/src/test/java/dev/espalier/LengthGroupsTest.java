// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Texts of several lengths: in which order they are trained, and that no padding counts. */
class LengthGroupsTest {
  private static final int LONGEST = 24;
  private static final int WORDS = 20;

  private static Network reader() {
    return Network.builder(
            Input.integers("ids", Shape.vector(LONGEST)), Input.integers("length", Shape.vector(1)))
        .from("ids")
        .embedding("words", WORDS, 12, LayerOptions.defaults())
        .positionEmbedding("places", LONGEST)
        .transformerEncoder("block", TransformerOptions.of(12, 2, 24).lengths("length"))
        .tokenPool("text", TokenPooling.MEAN, "block.norm2", "length")
        .head("has", Head.labels("seven"))
        .build(3);
  }

  /** Texts of 1 to 24 words; a label: whether the word 7 is in it. Behind it stands anything. */
  private static Dataset texts(int count) {
    int[] ids = new int[count * LONGEST];
    int[] lengths = new int[count];
    float[][] labels = new float[count][1];
    SplittableRandom random = new SplittableRandom(5);
    for (int i = 0; i < count; i++) {
      lengths[i] = 1 + random.nextInt(LONGEST);
      int first = i * LONGEST;
      for (int j = 0; j < LONGEST; j++) {
        ids[first + j] = random.nextInt(WORDS);
      }
      ids[first + random.nextInt(lengths[i])] = i % 2 == 0 ? 7 : 8;
      boolean has = Arrays.stream(ids, first, first + lengths[i]).anyMatch(id -> id == 7);
      labels[i][0] = has ? 1 : 0;
    }
    return Datasets.withTargets(
        InputDatasets.join(
            InputDatasets.integers("ids", ids, Shape.vector(LONGEST)),
            InputDatasets.integers("length", lengths, Shape.vector(1))),
        "has",
        labels);
  }

  private static int length(Dataset data, int index) {
    float[] row = new float[LONGEST + 1];
    data.readInput(index, row, 0);
    return (int) row[LONGEST];
  }

  @Test
  void aBatchHasTextsOfAboutOneLength() {
    Dataset data = texts(1003);
    try (Network network = reader()) {
      LengthGroups groups = LengthGroups.of(data, network.networkInputs(), "length", 10);
      int[] order = groups.order(1, 0);
      int[] sorted = order.clone();
      Arrays.sort(sorted);
      assertArrayEquals(IntStream.range(0, 1003).toArray(), sorted);
      int computed = 0;
      int valid = 0;
      for (int from = 0; from < order.length; from += 10) {
        int[] lengths =
            Arrays.stream(order, from, Math.min(order.length, from + 10))
                .map(i -> length(data, i))
                .toArray();
        computed += lengths.length * Arrays.stream(lengths).max().orElseThrow();
        valid += Arrays.stream(lengths).sum();
      }
      assertTrue(computed < 1.1 * valid, computed + " positions for " + valid);
      assertArrayEquals(order, groups.order(1, 0));
      assertFalse(Arrays.equals(order, groups.order(1, 1)));
      assertFalse(Arrays.equals(order, groups.order(2, 0)));
      // Not from long to short: the batches are mixed.
      assertTrue(
          IntStream.range(1, 100)
                  .filter(i -> length(data, order[10 * i]) > length(data, order[10 * i - 10]))
                  .count()
              > 20);
    }
  }

  @Test
  void learnsAndAnswersWhateverStandsBehindATextAndBesideIt() {
    Dataset data = texts(600);
    try (Network network = reader()) {
      Trainer.of(network)
          .optimizer(AdamW.withLearningRate(5e-3))
          .batchSize(16)
          .epochs(12)
          .groupByLength("length")
          .fit(data);
      Dataset unseen = Datasets.range(texts(900), 600, 900);
      assertTrue(network.evaluate(unseen).task("has").metric("macro_auc").value() > 0.95);
      try (Predictor predictor = network.predictor()) {
        assertTrue(
            predictor.describe().contains("ids: up to the longest of a batch, as length says"),
            predictor.describe());
        int width = LONGEST + 1;
        float[] rows = new float[64 * width];
        for (int i = 0; i < 64; i++) {
          unseen.readInput(i, rows, i * width);
        }
        float[] together = predictor.predict(rows);
        for (int i = 0; i < 64; i++) {
          float[] row = Arrays.copyOfRange(rows, i * width, (i + 1) * width);
          Arrays.fill(row, length(unseen, i), LONGEST, 3); // another padding
          assertEquals(together[i], predictor.predict(row)[0]);
        }
      }
    }
  }

  @Test
  void refusesWhatIsNoLength() {
    Dataset data = texts(20);
    try (Network network = reader()) {
      assertEquals(
          "groupByLength: expected one of the inputs [ids, length], got \"lenght\"; did you mean"
              + " 'length'?",
          assertThrows(
                  IllegalArgumentException.class,
                  () -> Trainer.of(network).groupByLength("lenght").fit(data))
              .getMessage());
      assertEquals(
          "groupByLength: expected an input of one number, got ids [24] of integers",
          assertThrows(
                  IllegalArgumentException.class,
                  () -> Trainer.of(network).groupByLength("ids").fit(data))
              .getMessage());
      assertEquals(
          "groupByLength: expected shuffle, got shuffle(false)",
          assertThrows(
                  IllegalStateException.class,
                  () -> Trainer.of(network).groupByLength("length").shuffle(false).fit(data))
              .getMessage());
    }
  }

  @Test
  void anAdaptationGroupsAsATrainerDoes() {
    Dataset training = Datasets.range(texts(300), 0, 200);
    Dataset validation = Datasets.range(texts(300), 200, 300);
    try (Network backbone = reader()) {
      Adaptation adaptation =
          Adaptation.of(backbone)
              .head("sevens", "text", Head.labels("seven"))
              .settings(List.of(AdaptationSetting.atOnce(1e-3)))
              .tuningSteps(20);
      Dataset named = renamed(training);
      float[] mixed;
      try (Adapted adapted = adaptation.fit(named, renamed(validation))) {
        mixed = adapted.network().parameter("words.weight");
      }
      try (Adapted adapted = adaptation.groupByLength("length").fit(named, renamed(validation))) {
        assertFalse(Arrays.equals(mixed, adapted.network().parameter("words.weight")));
      }
      adaptation.groupByLength("lengths");
      IllegalArgumentException error =
          assertThrows(
              IllegalArgumentException.class, () -> adaptation.fit(named, renamed(validation)));
      assertTrue(error.getMessage().contains("lengths"), error::getMessage);
    }
  }

  private static Dataset renamed(Dataset data) {
    float[][] labels = new float[data.size()][];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = Datasets.target(data, "has", i);
    }
    return Datasets.withTargets(Datasets.withoutTargets(data), "sevens", labels);
  }
}
