// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeatureCacheTest {
  private static final int EXAMPLES = 75;
  private static final int VALIDATION = 40;
  private static final int EPOCHS = 4;

  private record Run(Network network, History history) {}

  private static Run run(Dataset data, UnaryOperator<Trainer> settings) {
    Network network = Dots.rich(5).freezeThrough("active");
    Trainer trainer =
        Trainer.of(network)
            .epochs(EPOCHS)
            .batchSize(16)
            .seed(3)
            .validation(new Dots(VALIDATION, 8).both());
    return new Run(network, settings.apply(trainer).fit(data));
  }

  private static void assertSame(Run expected, Run actual) {
    try (Network first = expected.network;
        Network second = actual.network) {
      Dots.assertSameBits(first, second);
      for (int epoch = 0; epoch < EPOCHS; epoch++) {
        EpochResult a = expected.history.epochs().get(epoch);
        EpochResult b = actual.history.epochs().get(epoch);
        assertEquals(a.loss(), b.loss());
        assertEquals(a.taskLosses(), b.taskLosses());
        assertEquals(a.validation(), b.validation());
      }
    }
  }

  @Test
  void runsTheFrozenLayersOncePerExampleWithTheSameBits() {
    Dataset data = new Dots(EXAMPLES, 1).both();
    Run cached = run(data, t -> t);
    Run recomputed = run(data, t -> t.featureCache(false));
    assertTrue(cached.history.isCached(), cached.history.cacheNote());
    assertEquals(EXAMPLES + VALIDATION, cached.history.prefixExamples());
    assertFalse(recomputed.history.isCached());
    assertEquals(EPOCHS * (EXAMPLES + VALIDATION), recomputed.history.prefixExamples());
    assertSame(cached, recomputed);
  }

  @Test
  void recomputesWhereMemoryIsShort() {
    Dataset data = new Dots(EXAMPLES, 1).both();
    Run cached = run(data, t -> t);
    Run limited = run(data, t -> t.featureCacheBudget(1000));
    assertFalse(limited.history.isCached());
    assertTrue(limited.history.cacheNote().contains("1000"), limited.history.cacheNote());
    assertSame(cached, limited);
  }

  @Test
  void keepsThemInAFileWhereTheLibrarysBudgetIsSpent(@TempDir Path folder) throws IOException {
    // Features of 4000 examples are larger than all that a small trainer needs.
    Dataset data = new Dots(4000, 1).both();
    UnaryOperator<Trainer> few = t -> t.epochs(1).steps(3).batchSize(4);
    try (Network expected = Dots.rich(5).freeze("conv1");
        Network inFile = Dots.rich(5).freeze("conv1");
        Network recomputed = Dots.rich(5).freeze("conv1");
        Network nowhere = Dots.rich(5).freeze("conv1")) {
      assertTrue(few.apply(Trainer.of(expected)).fit(data).cacheNote().startsWith("kept: "));
      History history =
          withinBudget(few.apply(Trainer.of(inFile)).featureCacheFolder(folder), data);
      assertTrue(history.cacheNote().startsWith("kept in a file: "), history.cacheNote());
      history = withinBudget(few.apply(Trainer.of(recomputed)).featureCacheFolder(null), data);
      assertTrue(history.cacheNote().startsWith("not kept"), history.cacheNote());
      assertEquals(3, history.steps());
      Trainer homeless = few.apply(Trainer.of(nowhere)).featureCacheFolder(folder.resolve("none"));
      history = withinBudget(homeless, data);
      assertTrue(history.cacheNote().startsWith("not kept"), history.cacheNote());
      assertTrue(history.cacheNote().contains("none"), history.cacheNote());
      Dots.assertSameBits(expected, inFile);
      Dots.assertSameBits(expected, recomputed);
      Dots.assertSameBits(expected, nowhere);
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(0, left.count());
    }
  }

  @Test
  void saysIfThereIsRoomForTheTrainingDataOnly() {
    Dataset data = new Dots(EXAMPLES, 1).both();
    UnaryOperator<Trainer> few =
        t -> t.epochs(1).batchSize(4).featureCacheFolder(null).validation(new Dots(4000, 8).both());
    try (Network network = Dots.rich(5).freeze("conv1")) {
      History history = withinBudget(few.apply(Trainer.of(network)), data);
      assertTrue(history.isCached());
      assertTrue(history.cacheNote().startsWith("kept: "), history.cacheNote());
      assertTrue(history.cacheNote().contains("; those of the validation data not: "));
      history = few.apply(Trainer.of(network)).featureCacheBudget(1 << 20).fit(data);
      assertTrue(history.isCached());
      assertTrue(history.cacheNote().contains(" above the limit of 1048576"), history.cacheNote());
    }
  }

  private static History withinBudget(Trainer trainer, Dataset data) {
    long budget = Espalier.nativeBytesBudget();
    try {
      Espalier.setNativeBytesBudget(Espalier.nativeBytes() + (3 << 20));
      return trainer.fit(data);
    } finally {
      Espalier.setNativeBytesBudget(budget);
    }
  }

  @Test
  void keepsNothingOfDataThatChanges() {
    Dataset data = new Dots(EXAMPLES, 1).both();
    Run augmented = run(Datasets.augment(data, 1, (input, random) -> input), t -> t);
    assertFalse(augmented.history.isCached());
    Run mapped = run(Datasets.map(data, input -> input), t -> t);
    assertTrue(mapped.history.isCached());
    assertSame(augmented, mapped);
  }

  @Test
  void keepsNothingWithoutFrozenLayers() {
    try (Network network = Dots.rich(5)) {
      History history = Trainer.of(network).epochs(1).fit(new Dots(EXAMPLES, 1).both());
      assertFalse(history.isCached());
      assertTrue(history.cacheNote().contains("no frozen layers"), history.cacheNote());
    }
  }
}
