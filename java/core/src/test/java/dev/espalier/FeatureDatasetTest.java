// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Data sets whose inputs are what a layer makes of another's. */
class FeatureDatasetTest {
  private static final int SIZE = 75;
  private static final Dots DOTS = new Dots(SIZE, 1);

  private final Dataset data = DOTS.both();

  private static Predictor predictor(Network network, String... layers) {
    return network.predictor(PredictorOptions.defaults().layers(layers));
  }

  private static float[][] inputs(Dataset data) {
    return IntStream.range(0, data.size())
        .mapToObj(i -> Datasets.input(data, i))
        .toArray(float[][]::new);
  }

  private static void assertSameBits(float[][] expected, float[][] actual) {
    assertEquals(expected.length, actual.length);
    for (int i = 0; i < expected.length; i++) {
      assertArrayEquals(Dots.bits(expected[i]), Dots.bits(actual[i]), "example " + i);
    }
  }

  @Test
  void haveTheBitsOfAPredictorAndTheTargetsOfTheData() {
    for (String layer : List.of("conv1", "norm1", "relu1", "active", "heads.quarter.dense")) {
      try (FeatureCache cache = FeatureCache.create();
          Network network = Dots.rich(5);
          Predictor predictor = predictor(network, layer)) {
        float[][] expected = predictor.predict(data);
        Dataset lazy = predictor.features(data);
        Dataset kept = cache.features(network, layer, data);
        for (Dataset features : List.of(lazy, kept)) {
          assertSameBits(expected, inputs(features));
          assertEquals(data.targets(), features.targets());
          assertArrayEquals(Datasets.target(data, "side", 9), Datasets.target(features, "side", 9));
          assertTrue(features.isStable());
          assertEquals(List.of(), features.inputs());
        }
        assertEquals(kept.inputShape(), lazy.inputShape());
        assertEquals(expected[0].length, kept.inputShape().size());
        assertEquals(SIZE, cache.computedExamples());
        assertTrue(kept.toString().contains("features \"" + layer + "\" of "), kept.toString());
      }
    }
  }

  @Test
  void severalOutputsAreAVector() {
    try (Network network = Dots.rich(5);
        Predictor predictor = predictor(network, "features", "active")) {
      assertEquals(Shape.vector(32), predictor.features(data).inputShape());
    }
  }

  @Test
  void anyNetworkTrainsOnThem() {
    try (FeatureCache cache = FeatureCache.create();
        Network trunk = Dots.rich(5)) {
      Dataset features = cache.features(trunk, "active", data);
      for (int units : List.of(3, 20)) {
        try (Network network =
                Network.builder(features.inputShape())
                    .dense(units)
                    .relu()
                    .head("side", Head.labels("low", "right"))
                    .build(1);
            Network copy = network.copy()) {
          Dataset sides =
              Datasets.withTargets(Datasets.withoutTargets(features), "side", DOTS.sides);
          Trainer.of(network).epochs(3).fit(sides);
          Trainer.of(copy).epochs(3).fit(Datasets.cache(sides));
          Dots.assertSameBits(copy, network);
        }
      }
      assertEquals(SIZE, cache.computedExamples());
    }
  }

  @Test
  void equalTrunksComputeOnce() {
    try (FeatureCache cache = FeatureCache.create();
        Network trunk = Dots.rich(5);
        Network copy = trunk.copy();
        Network grafted =
            trunk.transfer().dropHead("quarter").head("more", Head.values("v")).build(9)) {
      float[][] expected = inputs(cache.features(trunk, "active", data));
      Dataset again = new Dots(SIZE, 1).labels();
      copy.freeze("*");
      for (Network network : List.of(copy, grafted)) {
        for (Dataset same : List.of(data, Datasets.withoutTargets(data), again)) {
          assertSameBits(expected, inputs(cache.features(network, "active", same)));
        }
      }
      assertEquals(SIZE, cache.computedExamples());
      assertEquals(SIZE * 16 * Float.BYTES, cache.bytes());
      Dataset views = Datasets.subset(Datasets.shuffle(data, 3), 7, 7, 2);
      assertSameBits(
          inputs(
              Datasets.subset(Datasets.shuffle(cache.features(trunk, "active", data), 3), 7, 7, 2)),
          inputs(cache.features(trunk, "active", views)));
      assertEquals(SIZE, cache.computedExamples());
    }
  }

  @Test
  void oneChangedWeightMakesOtherFeatures() {
    try (FeatureCache cache = FeatureCache.create();
        Network trunk = Dots.rich(5)) {
      Dataset before = cache.features(trunk, "active", data);
      final float[][] expected = inputs(before);
      float[] weights = trunk.parameter("conv1.weight");
      weights[3] += 1;
      trunk.setParameter("conv1.weight", weights);
      Dataset after = cache.features(trunk, "active", data);
      assertEquals(2 * SIZE, cache.computedExamples());
      try (Predictor predictor = predictor(trunk, "active")) {
        assertSameBits(predictor.predict(data), inputs(after));
      }
      assertSameBits(expected, inputs(before));
      assertFalse(Arrays.deepEquals(expected, inputs(after)));
      // A layer behind does not count.
      float[] bias = trunk.parameter("heads.side.dense.bias");
      bias[0] += 1;
      trunk.setParameter("heads.side.dense.bias", bias);
      cache.features(trunk, "active", data);
      assertEquals(2 * SIZE, cache.computedExamples());
      cache.features(trunk, "features", data);
      assertEquals(3 * SIZE, cache.computedExamples());
    }
  }

  /** What is random per epoch is so in its features, and a closed network does not matter. */
  @Test
  void ofDataThatChangesAreComputedAnew() {
    Dataset changing =
        Datasets.augment(
            data,
            1,
            (input, random) -> {
              input[0] = random.nextFloat();
              return input;
            });
    FeatureCache cache = FeatureCache.create();
    try (Network trunk = Dots.rich(5);
        Predictor predictor = predictor(trunk, "active")) {
      Network copy = trunk.copy();
      Dataset features = cache.features(copy, "active", changing);
      copy.close();
      assertFalse(features.isStable());
      assertEquals(0, cache.computedExamples());
      for (int epoch = 0; epoch < 3; epoch++) {
        assertSameBits(predictor.predict(changing.atEpoch(epoch)), inputs(features.atEpoch(epoch)));
      }
      assertFalse(Arrays.deepEquals(inputs(features.atEpoch(0)), inputs(features.atEpoch(1))));
      cache.close();
      assertThrows(ClosedException.class, () -> Datasets.input(features, 0));
    }
  }

  @Test
  void withoutRoomAreComputedAnew() {
    FeatureCacheOptions options = FeatureCacheOptions.defaults().budget(SIZE * 16 * Float.BYTES);
    try (FeatureCache cache = FeatureCache.create(options);
        Network trunk = Dots.rich(5)) {
      Dataset first = cache.features(trunk, "active", data);
      Dataset other = new Dots(SIZE, 2).both();
      Dataset second = cache.features(trunk, "active", other);
      assertEquals(SIZE, cache.computedExamples());
      try (Predictor predictor = predictor(trunk, "active")) {
        assertSameBits(predictor.predict(data), inputs(first));
        assertSameBits(predictor.predict(other), inputs(second));
      }
    }
  }

  @Test
  void goToAFileWhereTheLibrarysBudgetIsSpent(@TempDir Path folder) {
    Dataset many = new Dots(4000, 1).both();
    long budget = Espalier.nativeBytesBudget();
    try (FeatureCache cache = FeatureCache.create(FeatureCacheOptions.defaults().folder(folder));
        Network trunk = Dots.rich(5);
        Predictor predictor = predictor(trunk, "conv1")) {
      Espalier.setNativeBytesBudget(Espalier.nativeBytes() + (3 << 20));
      Dataset features = cache.features(trunk, "conv1", many);
      Espalier.setNativeBytesBudget(budget);
      assertEquals(4000L * 256 * Float.BYTES, cache.bytes());
      assertEquals(4000, cache.computedExamples());
      for (int example : List.of(0, 1999, 3999)) {
        assertArrayEquals(
            predictor.predict(Datasets.input(many, example)), Datasets.input(features, example));
      }
    } finally {
      Espalier.setNativeBytesBudget(budget);
    }
  }

  @Test
  void areReadByManyThreadsWhileOthersAreComputed() throws Exception {
    try (FeatureCache cache = FeatureCache.create();
        Network trunk = Dots.rich(5)) {
      Dataset features = cache.features(trunk, "active", Datasets.range(data, 0, 40));
      float[][] expected = inputs(features);
      ExecutorService threads = Executors.newFixedThreadPool(3);
      Callable<Boolean> reading =
          () -> {
            for (int round = 0; round < 50; round++) {
              assertSameBits(expected, inputs(features));
            }
            return true;
          };
      List<Future<Boolean>> readers =
          IntStream.range(0, 3).mapToObj(i -> threads.submit(reading)).toList();
      for (int i = 41; i <= SIZE; i++) {
        cache.features(trunk, "active", Datasets.range(data, 0, i));
        cache.features(trunk, "active", new Dots(i, 1).labels());
      }
      for (Future<Boolean> reader : readers) {
        assertTrue(reader.get());
      }
      threads.shutdown();
      assertEquals(SIZE, cache.computedExamples());
    }
  }

  @Test
  void badArgumentsAreRefused() {
    float[] pictures = DOTS.pictures.clone();
    pictures[64 * 70 + 5] = Float.NaN;
    Dataset broken = Datasets.of(pictures, Dots.PICTURE);
    FeatureCache cache = FeatureCache.create();
    try (Network trunk = Dots.rich(5)) {
      var error =
          assertThrows(IllegalArgumentException.class, () -> cache.features(trunk, "activ", data));
      assertTrue(error.getMessage().contains("active"), error.getMessage());
      var broke =
          assertThrows(NonFiniteException.class, () -> cache.features(trunk, "active", broken));
      assertTrue(broke.getMessage().contains("example 70"), broke.getMessage());
      Dataset wide = Datasets.of(new float[65], Shape.vector(65));
      assertThrows(ShapeException.class, () -> cache.features(trunk, "active", wide));
      try (Predictor predictor = predictor(trunk, "active")) {
        assertThrows(ShapeException.class, () -> predictor.features(wide));
      }
      Dataset features = cache.features(trunk, "active", data);
      float[] destination = new float[20];
      assertThrows(IndexOutOfBoundsException.class, () -> features.readInput(0, destination, 5));
      assertThrows(IndexOutOfBoundsException.class, () -> features.readInput(SIZE, destination, 0));
      features.readInput(0, destination, 4);
      assertEquals(0, destination[3]);
      cache.close();
      assertThrows(ClosedException.class, () -> features.readInput(0, destination, 4));
      assertThrows(ClosedException.class, () -> cache.features(trunk, "active", data));
    }
  }
}
