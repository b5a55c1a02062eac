// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Labels, values and classes find the head's by name, in whatever order they come. */
class NamedTargetsTest {
  private static final int SIZE = 60;
  private static final List<String> LABELS = List.of("pneumonia", "effusion", "edema");
  private static final List<String> CLASSES = List.of("left", "right", "front", "back");
  private static final List<String> VALUES = List.of("age", "weight");

  private final float[] inputs = new float[SIZE * 8];
  private final float[][] labels = new float[SIZE][3];
  private final int[] classes = new int[SIZE];
  private final float[][] values = new float[SIZE][2];

  NamedTargetsTest() {
    Random random = new Random(1);
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = random.nextFloat();
    }
    for (int i = 0; i < SIZE; i++) {
      for (int j = 0; j < 3; j++) {
        labels[i][j] = random.nextInt(5) == 0 ? Float.NaN : random.nextInt(2 + j) == 0 ? 1 : 0;
      }
      classes[i] = random.nextInt(5) - 1;
      values[i][0] = random.nextFloat();
      values[i][1] = random.nextInt(4) == 0 ? Float.NaN : 3 * random.nextFloat();
    }
  }

  /** All three tasks in the heads' order, by position. */
  private Dataset inOrder() {
    Dataset data = Datasets.of(inputs, Shape.vector(8));
    data = Datasets.withTargets(data, "finding", labels);
    data = Datasets.withClasses(data, "view", classes);
    return Datasets.withTargets(data, "patient", values);
  }

  /** The same in other orders, by name. */
  private Dataset inOtherOrders() {
    int[] place = {2, 0, 1}; // of each label of the head; three, so that it is no swap
    float[][] otherLabels = new float[SIZE][3];
    int[] otherClasses = new int[SIZE];
    float[][] otherValues = new float[SIZE][];
    int[] number = {1, 3, 0, 2};
    for (int i = 0; i < SIZE; i++) {
      for (int j = 0; j < 3; j++) {
        otherLabels[i][place[j]] = labels[i][j];
      }
      otherClasses[i] = classes[i] < 0 ? -1 : number[classes[i]];
      otherValues[i] = new float[] {values[i][1], values[i][0]};
    }
    Dataset data = Datasets.of(inputs, Shape.vector(8));
    data =
        Datasets.withTargets(
            data, "finding", List.of("effusion", "edema", "pneumonia"), otherLabels);
    List<String> views = List.of("front", "left", "back", "right");
    data = Datasets.withClasses(data, "view", views, otherClasses);
    return Datasets.withTargets(data, "patient", List.of("weight", "age"), otherValues);
  }

  private static Network network(boolean isFrozen) {
    Network network =
        Network.builder(Shape.vector(8))
            .dense("first", 6)
            .relu()
            .head("finding", Head.labels(LABELS.toArray(String[]::new)))
            .head("view", Head.classes(CLASSES.toArray(String[]::new)))
            .head("patient", Head.values(VALUES.toArray(String[]::new)))
            .build(3);
    if (isFrozen) {
      network.freezeThrough("first");
    }
    return network;
  }

  /** Everything that targets go into, as text and bits. */
  private static List<String> outcome(
      Function<NamedTargetsTest, Dataset> kind, boolean isFrozen, boolean keepsFeatures) {
    NamedTargetsTest test = new NamedTargetsTest();
    Dataset data = kind.apply(test);
    List<String> outcome = new ArrayList<>();
    try (Network network = network(isFrozen)) {
      Trainer trainer =
          Trainer.of(network).batchSize(7).epochs(4).validation(Datasets.range(data, 40, 60));
      trainer.featureCache(keepsFeatures);
      History history = trainer.fit(Datasets.range(data, 0, 40));
      history.epochs().forEach(epoch -> outcome.add(epoch.loss() + " " + epoch.validation()));
      outcome.add(network.evaluate(data).loss() + " " + network.evaluate(data));
      outcome.add(network.calibrate(data).toString());
      network.tuneThresholds(data);
      outcome.add(network.tasks().toString());
      outcome.add(network.evaluate(data).toString());
      try (Predictor predictor = network.predictor()) {
        for (int i = 0; i < SIZE; i++) {
          outcome.add(Arrays.toString(predictor.predict(Datasets.input(data, i))));
        }
      }
    }
    return outcome;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anyOrderTrainsTheSameBits(boolean keepsFeatures) {
    for (boolean isFrozen : new boolean[] {true, false}) {
      List<String> expected = outcome(NamedTargetsTest::inOrder, isFrozen, keepsFeatures);
      assertEquals(expected, outcome(NamedTargetsTest::inOtherOrders, isFrozen, keepsFeatures));
      // The parts have different orders.
      assertEquals(
          expected,
          outcome(
              test ->
                  Datasets.concat(
                      Datasets.range(named(test.inOrder()), 0, 25),
                      Datasets.range(test.inOtherOrders(), 25, SIZE)),
              isFrozen,
              keepsFeatures));
      assertEquals(
          expected,
          outcome(
              test ->
                  Datasets.concat(
                      Datasets.range(test.inOtherOrders(), 0, 25),
                      Datasets.range(named(test.inOrder()), 25, SIZE)),
              isFrozen,
              keepsFeatures));
    }
  }

  private static Dataset named(Dataset data) {
    Dataset named = Datasets.withNames(data, "finding", LABELS);
    named = Datasets.withNames(named, "view", CLASSES);
    return Datasets.withNames(named, "patient", VALUES);
  }

  @Test
  void withoutNamesPositionsCount() {
    Dataset swapped = Datasets.withTargets(inOrder(), "patient", reversed());
    try (Network network = network(false)) {
      assertNotEquals(network.evaluate(inOrder()).toString(), network.evaluate(swapped).toString());
    }
  }

  private float[][] reversed() {
    return IntStream.range(0, SIZE)
        .mapToObj(i -> new float[] {values[i][1], values[i][0]})
        .toArray(float[][]::new);
  }

  @Test
  void otherNamesAreRefusedAndBothAreListed() {
    List<String> names = List.of("effusion", "pneumonia", "oedema");
    Dataset data = Datasets.withTargets(inOrder(), "finding", names, labels);
    refused(
        "task \"finding\": names of labels: expected [pneumonia, effusion, edema], got [effusion,"
            + " pneumonia, oedema]; missing [edema]; unknown [oedema]",
        data);
    Dataset fewer = Datasets.withTargets(inOrder(), "patient", List.of("age"), new float[SIZE][1]);
    refused(
        "task \"patient\": names of values: expected [age, weight], got [age]; missing [weight]",
        fewer);
    Dataset more =
        Datasets.withNames(inOrder(), "view", List.of("left", "right", "front", "back", "lateral"));
    refused(
        "task \"view\": names of classes: expected [left, right, front, back], got [left, right,"
            + " front, back, lateral]; unknown [lateral]",
        more);
  }

  private static void refused(String message, Dataset data) {
    try (Network network = network(false)) {
      assertEquals(
          message,
          assertThrows(IllegalArgumentException.class, () -> network.evaluate(data)).getMessage());
      assertEquals(
          message,
          assertThrows(IllegalArgumentException.class, () -> Trainer.of(network).fit(data))
              .getMessage());
    }
  }

  @Test
  void aThousandNamesAreListedBriefly() {
    List<String> names = IntStream.range(0, 1000).mapToObj(i -> "label" + i).toList();
    Target target = Target.numbers("", names);
    assertTrue(target.toString().endsWith("label19 and 980 more]"), target::toString);
    assertEquals(1000, target.names().size());
  }

  @Test
  void partsJoinOnlyIfAllOrNoneHaveTheseNames() {
    Dataset plain = Datasets.withTargets(Datasets.of(inputs, Shape.vector(8)), "", values);
    Dataset named = Datasets.withNames(plain, "", VALUES);
    Dataset other = Datasets.withNames(plain, "", List.of("age", "height"));
    String message =
        assertThrows(ShapeException.class, () -> Datasets.concat(named, plain)).getMessage();
    assertEquals(
        "parts: expected 2 numbers [age, weight] as in a part before, got 2 numbers in part 1",
        message);
    assertThrows(ShapeException.class, () -> Datasets.concat(named, other));
  }

  @Test
  void targetsKeepTheirNames() {
    Dataset data = inOtherOrders();
    Dataset derived = Datasets.cache(Datasets.shuffle(Datasets.reshape(data, Shape.of(2, 4)), 1));
    assertEquals(data.targets(), derived.targets());
    Dataset one =
        Datasets.withNames(Datasets.ofClasses(inputs, Shape.vector(8), classes), "", CLASSES);
    assertEquals(List.of(Target.classes("", CLASSES)), one.targets());
    assertEquals(List.of(Target.classes("view", CLASSES)), Datasets.forTask(one, "view").targets());
    assertArrayEquals(new float[] {classes[5]}, Datasets.target(one, "", 5));
  }

  @Test
  void namesAreChecked() {
    Dataset data = Datasets.of(inputs, Shape.vector(8));
    assertThrows(
        ShapeException.class, () -> Datasets.withTargets(data, "", List.of("age"), values));
    assertThrows(ShapeException.class, () -> Datasets.withNames(inOrder(), "patient", LABELS));
    assertThrows(
        IllegalArgumentException.class,
        () -> Datasets.withTargets(data, "", List.of("age", "age"), values));
    assertThrows(IllegalArgumentException.class, () -> Target.numbers("", List.of()));
    assertThrows(IllegalArgumentException.class, () -> Target.classes("", List.of("a", "")));
    assertThrows(IllegalArgumentException.class, () -> Datasets.withNames(data, "no", VALUES));
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> Datasets.withClasses(data, "", List.of("left", "right"), classes))
            .getMessage();
    assertTrue(
        message.startsWith("classes: expected -1 to 1 for classes [left, right], got "), message);
  }
}
