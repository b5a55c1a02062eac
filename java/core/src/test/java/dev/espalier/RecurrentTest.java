// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Of texts of several lengths, which of the letters a and b comes first? Each text has both once,
 * so that nothing but their order tells. Behind its end stands anything.
 */
class RecurrentTest {
  private static final int LENGTH = 9;
  private static final int LETTERS = 8;
  private static final int A = 1;
  private static final int B = 2;
  private static final int TRAINED = 512;
  private static final int EXAMPLES = TRAINED + 256;
  private static final LayerOptions OPTIONS = LayerOptions.defaults();

  private final int[] letters = new int[EXAMPLES * LENGTH];
  private final int[] lengths = new int[EXAMPLES];
  private final int[] first = new int[EXAMPLES]; // 0: a, 1: b

  RecurrentTest() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < EXAMPLES; i++) {
      lengths[i] = 2 + random.nextInt(LENGTH - 1);
      int[] text = random.ints(LENGTH, B + 1, LETTERS).toArray();
      int a = random.nextInt(lengths[i]);
      int b = (a + 1 + random.nextInt(lengths[i] - 1)) % lengths[i];
      text[a] = A;
      text[b] = B;
      for (int k = lengths[i]; k < LENGTH; k++) {
        text[k] = random.nextInt(LETTERS);
      }
      System.arraycopy(text, 0, letters, i * LENGTH, LENGTH);
      first[i] = a < b ? 0 : 1;
    }
  }

  private static NetworkBuilder letters() {
    return Network.builder(
            Input.integers("letters", Shape.vector(LENGTH)),
            Input.integers("length", Shape.vector(1)))
        .from("letters")
        .embedding("embedded", LETTERS, 8, OPTIONS);
  }

  private static Network network(String kind) {
    NetworkBuilder builder = letters();
    if (kind.startsWith("gru")) {
      LayerOptions options = OPTIONS.bidirectional().lastState();
      builder.gru(
          "features",
          12,
          kind.equals("gru") ? options : options.resetBefore(),
          "embedded",
          "length");
    } else {
      builder
          .lstm("states", 12, OPTIONS.bidirectional(), "embedded", "length")
          .tokenPool("features", TokenPooling.MEAN, "states", "length");
    }
    return builder.head("first", Head.classes("a", "b")).build(1);
  }

  private Dataset data(int[] texts) {
    return InputDatasets.join(
        InputDatasets.integers("letters", texts, Shape.vector(LENGTH)),
        InputDatasets.integers("length", lengths, Shape.vector(1)));
  }

  private Dataset data() {
    return Datasets.withClasses(data(letters), "first", first);
  }

  private static double accuracy(Network network, Dataset data, String task) {
    return network.evaluate(data).task(task).metric(Metric.ACCURACY).value();
  }

  @ParameterizedTest
  @ValueSource(strings = {"gru", "gru, reset before", "lstm"})
  void learnsWhatOrderTellsAndKeepsItForAnotherHead(String kind) {
    try (Network network = network(kind)) {
      Trainer.of(network)
          .optimizer(Adam.withLearningRate(0.01))
          .epochs(30)
          .batchSize(16)
          .fit(Datasets.range(data(), 0, TRAINED));
      double accuracy = accuracy(network, Datasets.range(data(), TRAINED, EXAMPLES), "first");
      System.out.printf("%s: which comes first, accuracy %.3f%n", kind, accuracy);
      assertTrue(accuracy > 0.97, kind + ": " + accuracy);

      int[] last = Arrays.stream(first).map(letter -> 1 - letter).toArray();
      Dataset others = Datasets.withClasses(data(letters), "last", last);
      try (Network grafted =
          network
              .transfer()
              .dropHead("first")
              .freezeThrough("features")
              .head("last", Head.classes("a", "b"))
              .build(2)) {
        Map<String, float[]> before = Dots.parameters(grafted);
        Trainer.of(grafted)
            .optimizer(Adam.withLearningRate(0.05))
            .epochs(40)
            .batchSize(8)
            .fit(Datasets.range(others, 0, 32));
        double fewShot = accuracy(grafted, Datasets.range(others, TRAINED, EXAMPLES), "last");
        assertTrue(fewShot > 0.95, kind + ", 32 examples: " + fewShot);
        before.forEach(
            (path, values) -> {
              if (!path.startsWith("heads.")) {
                assertArrayEquals(values, grafted.parameter(path), path);
              }
            });
      }
    }
  }

  /** Neither what stands behind the end of a text nor the other texts change a bit. */
  @ParameterizedTest
  @ValueSource(strings = {"gru", "gru, reset before", "lstm"})
  void answersOfTheTextAloneAlsoFromAFile(String kind) {
    int[] elsewhere = letters.clone();
    for (int i = 0; i < EXAMPLES; i++) {
      Arrays.fill(elsewhere, i * LENGTH + lengths[i], (i + 1) * LENGTH, 5);
    }
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    try (Network network = network(kind)) {
      network.save(file);
      try (Network loaded = Network.load(file.toByteArray());
          Predictor predictor = network.predictor();
          Predictor again = loaded.predictor()) {
        float[][] expected = predictor.predict(data(letters));
        assertArrayEquals(expected, again.predict(data(elsewhere)));
        for (int i = 0; i < 20; i++) {
          int[] text = Arrays.copyOfRange(letters, i * LENGTH, (i + 1) * LENGTH);
          InputValues values = InputValues.of("letters", text).and("length", lengths[i]);
          assertArrayEquals(expected[i], predictor.predictNamed(values).values("first"));
        }
      }
    }
  }

  @Test
  void statesBehindTheEndAreZero() {
    try (Network network =
            letters()
                .gru("states", 3, OPTIONS.noBias(), "embedded", "length")
                .head("answer", Head.values("v"))
                .build(1);
        Predictor predictor = network.predictor(PredictorOptions.defaults().layers("states"))) {
      assertEquals(LENGTH * 3, predictor.outputSize());
      InputValues values = InputValues.of("letters", new int[LENGTH]).and("length", 4);
      float[] states = predictor.predictNamed(values).layer("states");
      for (int i = 0; i < states.length; i++) {
        assertEquals(i < 4 * 3, states[i] != 0, "state " + i);
      }
    }
  }
}
