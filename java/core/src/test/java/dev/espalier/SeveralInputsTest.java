// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Networks that read more than one thing, or integers; what layers make. */
class SeveralInputsTest {
  private static final int LENGTH = 5;
  private static final int WORDS = 20;
  private static final int EXAMPLES = 128;

  private final int[] ids = new int[EXAMPLES * LENGTH];
  private final int[] lengths = new int[EXAMPLES];
  private final float[] numbers = new float[EXAMPLES * 3];
  private final float[][] answers = new float[EXAMPLES][];

  /** A text, its length and three numbers: is word 7 in it, and is the first number positive? */
  SeveralInputsTest() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < EXAMPLES; i++) {
      lengths[i] = 1 + random.nextInt(LENGTH);
      int[] text = random.ints(LENGTH, 0, WORDS).toArray();
      if (i % 2 == 0) {
        text[random.nextInt(lengths[i])] = 7;
      }
      System.arraycopy(text, 0, ids, i * LENGTH, LENGTH);
      boolean hasSeven = Arrays.stream(text, 0, lengths[i]).anyMatch(word -> word == 7);
      for (int k = 0; k < 3; k++) {
        numbers[i * 3 + k] = (float) random.nextGaussian();
      }
      answers[i] = new float[] {hasSeven ? 1 : 0, numbers[i * 3] > 0 ? 1 : 0};
    }
  }

  private static Network network() {
    return Network.builder(
            Input.integers("ids", Shape.vector(LENGTH)),
            Input.integers("length", Shape.vector(1)),
            Input.floats("numbers", Shape.vector(3)))
        .layer("words", "embedding", LayerOptions.defaults().set("count", WORDS).set("width", 16))
        .from("words", "length")
        .layer("text", "token_pool", LayerOptions.defaults())
        .concat("all", "text", "numbers")
        .dense("hidden", 32)
        .relu("features")
        .head("answers", Head.labels("seven", "positive"))
        .build(1);
  }

  private Dataset ids() {
    return InputDatasets.integers("ids", ids, Shape.vector(LENGTH));
  }

  private Dataset lengths() {
    return InputDatasets.integers("length", lengths, Shape.vector(1));
  }

  private Dataset numbers() {
    return InputDatasets.named("numbers", Datasets.of(numbers, Shape.vector(3)));
  }

  private Dataset data() {
    return Datasets.withTargets(
        InputDatasets.join(ids(), lengths(), numbers()),
        "answers",
        List.of("seven", "positive"),
        answers);
  }

  private InputValues example(int i) {
    return InputValues.of("numbers", Arrays.copyOfRange(numbers, i * 3, i * 3 + 3))
        .and("length", lengths[i])
        .and("ids", Arrays.copyOfRange(ids, i * LENGTH, (i + 1) * LENGTH));
  }

  @Test
  void learnsFromAllOfThem() {
    try (Network network = network()) {
      Trainer.of(network)
          .optimizer(Adam.withLearningRate(0.01))
          .epochs(60)
          .batchSize(16)
          .fit(data());
      assertTrue(network.evaluate(data()).task("answers").metric(Metric.MACRO_AUC).value() > 0.97);
      try (Predictor predictor = network.predictor()) {
        float[][] all = predictor.predict(data());
        int right = 0;
        for (int i = 0; i < EXAMPLES; i++) {
          Prediction prediction = predictor.predictNamed(example(i));
          assertArrayEquals(all[i], prediction.values("answers"));
          right += prediction.isTrue("answers", "seven") == answers[i][0] > 0 ? 1 : 0;
        }
        assertTrue(right > 0.9 * EXAMPLES, right + " of " + EXAMPLES);
      }
    }
  }

  @Test
  void aModelFileKeepsThem() {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    try (Network network = network()) {
      network.save(file);
      try (Network loaded = Network.load(file.toByteArray());
          Predictor expected = network.predictor();
          Predictor actual = loaded.predictor()) {
        assertEquals(network.inputs(), loaded.inputs());
        assertEquals(
            "[ids [5] of integers, length [1] of integers, numbers [3]]", loaded.inputs() + "");
        assertEquals(Shape.vector(9), loaded.inputShape());
        assertArrayEquals(expected.predict(data()), actual.predict(data()));
      }
    }
  }

  @Test
  void frozenLayersAreComputedOnceForAllInputs() {
    try (Network cached = network();
        Network plain = network()) {
      cached.freezeThrough("all");
      plain.freezeThrough("all");
      Trainer.of(cached).epochs(2).fit(data());
      Trainer.of(plain).epochs(2).fit(new Unstable(data()));
      Dots.assertSameBits(plain, cached);
    }
  }

  @Test
  void whatIsBoundIsBoundByName() {
    try (Network network = network();
        Predictor predictor = network.predictor()) {
      Dataset swapped = InputDatasets.join(lengths(), ids(), numbers());
      assertEquals(data().inputShape(), swapped.inputShape());
      String message =
          assertThrows(ShapeException.class, () -> predictor.predict(swapped)).getMessage();
      assertTrue(message.contains("in this order, got [length"), message);
      Dataset nameless = Datasets.of(new float[18], Shape.vector(9));
      message = assertThrows(ShapeException.class, () -> predictor.predict(nameless)).getMessage();
      assertTrue(message.contains("got [9] without names"), message);
      InputValues wrong = InputValues.of("ids", 1, 2, 3, 4, 5).and("length", 2);
      message =
          assertThrows(IllegalArgumentException.class, () -> predictor.predictNamed(wrong))
              .getMessage();
      assertTrue(message.contains("numbers"), message);
      InputValues shorter = wrong.and("numbers", 1f);
      assertThrows(ShapeException.class, () -> predictor.predictNamed(shorter));
      assertThrows(IllegalArgumentException.class, () -> wrong.and("ids", 3));
    }
  }

  @Test
  void integersAreCheckedWhereverTheyComeFrom() {
    try (Network network = network();
        Predictor predictor = network.predictor()) {
      InputValues beyond =
          InputValues.of("ids", 1, 2, WORDS, 4, 5).and("length", 2).and("numbers", 1f, 2f, 3f);
      String message =
          assertThrows(IllegalArgumentException.class, () -> predictor.predictNamed(beyond))
              .getMessage();
      assertTrue(message.contains("from 0 to 19, got 20 in row 0 at place 2"), message);
      InputValues broken =
          InputValues.of("ids", 1, 2, 3.5f, 4, 5).and("length", 2).and("numbers", 1f, 2f, 3f);
      assertThrows(IllegalArgumentException.class, () -> predictor.predictNamed(broken));
      assertThrows(IllegalArgumentException.class, () -> InputValues.of("ids", (1 << 24) + 1));
      ids[7] = -1;
      assertThrows(IllegalArgumentException.class, () -> Trainer.of(network).fit(data()));
      assertThrows(IllegalArgumentException.class, () -> network.evaluate(data()));
    }
  }

  @Test
  void layersAnswerBesideHeadsOrAlone() {
    try (Network network = network();
        Predictor both =
            network.predictor(
                PredictorOptions.defaults().heads("answers").layers("text", "features"));
        Predictor alone = network.predictor(PredictorOptions.defaults().layers("features"));
        Predictor heads = network.predictor()) {
      assertEquals(2 + 16 + 32, both.outputSize());
      assertEquals(32, alone.outputSize());
      assertEquals(List.of(), alone.tasks());
      Prediction prediction = both.predictNamed(example(3));
      assertArrayEquals(
          heads.predictNamed(example(3)).values("answers"), prediction.values("answers"));
      assertArrayEquals(
          alone.predictNamed(example(3)).layer("features"), prediction.layer("features"));
      assertEquals(16, prediction.layer("text").length);
      assertThrows(IllegalArgumentException.class, () -> prediction.layer("hidden"));
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> network.predictor(PredictorOptions.defaults().layers("feature")))
              .getMessage();
      assertTrue(message.contains("did you mean 'features'"), message);
    }
  }

  @Test
  void joinedDataSetsFit() {
    Dataset fewer = Datasets.range(numbers(), 0, 3);
    assertThrows(ShapeException.class, () -> InputDatasets.join(ids(), fewer));
    assertThrows(IllegalArgumentException.class, () -> InputDatasets.join(ids(), ids()));
    assertThrows(IllegalArgumentException.class, () -> InputDatasets.join());
    Dataset nameless = Datasets.of(numbers, Shape.vector(3));
    assertThrows(IllegalArgumentException.class, () -> InputDatasets.join(ids(), nameless));
    assertThrows(
        IllegalArgumentException.class,
        () -> InputDatasets.named("x", InputDatasets.join(ids(), lengths())));
    assertThrows(
        ShapeException.class,
        () -> Datasets.concat(data(), InputDatasets.join(lengths(), ids(), numbers())));
    assertEquals(data().inputs(), Datasets.cache(Datasets.concat(data(), data())).inputs());
    assertArrayEquals(Datasets.input(data(), 5), Datasets.input(Datasets.cache(data()), 5));
  }

  private static final class Unstable extends DerivedDataset {
    Unstable(Dataset base) {
      super(base);
    }

    @Override
    Dataset over(Dataset other) {
      return new Unstable(other);
    }

    @Override
    public boolean isStable() {
      return false;
    }
  }
}
