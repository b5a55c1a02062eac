// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Features that outlive a fit; those of one fit are {@link FeatureCacheTest}'s. */
class SharedFeatureCacheTest {
  private static final int SIZE = 75;
  private static final Dots DOTS = new Dots(SIZE, 1);

  private final Dataset data = DOTS.both();

  private static Network network() {
    return Dots.rich(5).freezeThrough("active");
  }

  private static Trainer trainer(Network network) {
    return Trainer.of(network).epochs(2).batchSize(16).seed(3);
  }

  @Test
  void foldsRunEachExampleOnceWithTheSameBits() {
    try (FeatureCache cache = FeatureCache.create()) {
      for (int round = 0; round < 2; round++) {
        List<Split> folds = Datasets.folds(data, 5, 7);
        for (int fold = 0; fold < 5; fold++) {
          Split split = folds.get(fold);
          try (Network cached = network();
              Network alone = network()) {
            History history =
                trainer(cached).featureCache(cache).validation(split.second()).fit(split.first());
            final History expected = trainer(alone).validation(split.second()).fit(split.first());
            Dots.assertSameBits(alone, cached);
            assertEquals(expected.last().validation(), history.last().validation());
            assertEquals(alone.evaluate(split.second()), cache.evaluate(cached, split.second()));
            assertTrue(history.isCached(), history.cacheNote());
            assertEquals(round == 0 && fold == 0 ? SIZE : 0, history.prefixExamples());
            assertEquals(SIZE, cache.computedExamples());
          }
        }
      }
      assertTrue(cache.toString().contains("75 examples"), cache.toString());
      assertEquals(SIZE * 16 * Float.BYTES, cache.bytes());
    }
  }

  @Test
  void evaluationsComputeWhatNoFitHasSeen() {
    List<Split> folds = Datasets.foldsStratified(Datasets.forTask(DOTS.classes(), "quarter"), 3, 1);
    try (FeatureCache cache = FeatureCache.create();
        Network network = network()) {
      History history = trainer(network).featureCache(cache).fit(folds.get(0).first());
      assertEquals(50, history.prefixExamples());
      assertTrue(history.cacheNote().contains("50 of them computed now"), history.cacheNote());
      cache.evaluate(network, folds.get(0).second());
      assertEquals(SIZE, cache.computedExamples());
      history = trainer(network).featureCache(cache).fit(folds.get(1).first());
      assertEquals(0, history.prefixExamples());
      assertTrue(history.cacheNote().contains(" 0 of them computed now"), history.cacheNote());
    }
  }

  @Test
  void evaluatesCalibratesAndTunesWithTheSameBits() {
    for (String layer : List.of("norm1", "relu1", "features", "active")) {
      try (FeatureCache cache = FeatureCache.create();
          Network cached = Dots.rich(5).freezeThrough(layer);
          Network alone = Dots.rich(5).freezeThrough(layer)) {
        trainer(cached).featureCache(cache).fit(data);
        trainer(alone).fit(data);
        assertEquals(alone.evaluate(data), cache.evaluate(cached, data));
        final CalibrationReport expected = alone.calibrate(data);
        assertEquals(expected.toString(), cache.calibrate(cached, data).toString());
        Dots.assertSameBits(alone, cached);
        alone.tuneThresholds(data);
        cache.tuneThresholds(cached, data);
        assertEquals(alone.tasks(), cached.tasks());
        assertEquals(alone.evaluate(data), cache.evaluate(cached, data));
        assertEquals(SIZE, cache.computedExamples());
      }
    }
  }

  /** A predictor folds a batch norm into the layer before, training and validation do not. */
  @Test
  void evaluatesAnewWhereBitsWouldDiffer() {
    try (FeatureCache cache = FeatureCache.create();
        Network network = Dots.rich(5).freeze("conv1")) {
      trainer(network).fit(data);
      assertEquals(network.evaluate(data), cache.evaluate(network, data));
      assertEquals(0, cache.computedExamples());
      assertEquals(SIZE, trainer(network).featureCache(cache).fit(data).prefixExamples());
      assertEquals(0, trainer(network).featureCache(cache).fit(data).prefixExamples());
    }
  }

  @Test
  void headsOnOneBackboneShareFeatures() {
    try (FeatureCache cache = FeatureCache.create();
        Network backbone = network();
        Network copy = backbone.copy();
        Network grafted =
            backbone.transfer().dropHead("quarter").head("more", Head.values("v")).build(9)) {
      assertEquals(SIZE, trainer(backbone).featureCache(cache).fit(data).prefixExamples());
      assertEquals(0, trainer(copy).featureCache(cache).fit(data).prefixExamples());
      Dataset sides =
          Datasets.withTargets(Datasets.of(DOTS.pictures, Dots.PICTURE), "side", DOTS.sides);
      Dataset ofData = Datasets.withTargets(Datasets.withoutTargets(data), "side", DOTS.sides);
      assertEquals(0, trainer(grafted).featureCache(cache).fit(ofData).prefixExamples());
      assertEquals(
          0,
          trainer(grafted).featureCache(cache).fit(sides).prefixExamples(),
          "another data set of the same pictures");
      assertEquals(SIZE, cache.computedExamples());
      assertEquals(SIZE * 16 * Float.BYTES, cache.bytes());
    }
  }

  @Test
  void otherFrozenLayersHaveFeaturesOfTheirOwn() {
    try (FeatureCache cache = FeatureCache.create();
        Network network = network();
        Network alone = network()) {
      trainer(network).featureCache(cache).fit(data);
      trainer(alone).fit(data);
      for (Network each : List.of(network, alone)) {
        float[] values = each.parameter("conv1.weight");
        values[3] = Math.nextUp(values[3]);
        each.setParameter("conv1.weight", values);
      }
      assertEquals(alone.evaluate(data), cache.evaluate(network, data));
      assertEquals(2 * SIZE, cache.computedExamples());
      assertEquals(0, trainer(network).featureCache(cache).fit(data).prefixExamples());
      trainer(alone).fit(data);
      Dots.assertSameBits(alone, network);
      network.unfreeze("features");
      alone.unfreeze("features");
      assertEquals(SIZE, trainer(network).featureCache(cache).fit(data).prefixExamples());
      trainer(alone).fit(data);
      Dots.assertSameBits(alone, network);
      network.freeze("features"); // as training left it
      alone.freeze("features");
      assertEquals(alone.evaluate(data), cache.evaluate(network, data));
      assertEquals(4 * SIZE, cache.computedExamples());
      assertEquals(SIZE * (3 * 16 + 4 * 16) * Float.BYTES, cache.bytes());
    }
  }

  @Test
  void viewsShareFeaturesWithoutBeingRead() {
    Dataset shuffled = Datasets.shuffle(data, 4);
    List<Dataset> views =
        List.of(
            Datasets.range(shuffled, 10, 30),
            Datasets.subset(data, 3, 3, 70, 3),
            Datasets.fewShot(data, 12, 1),
            Datasets.withTargets(Datasets.withoutTargets(shuffled), "side", DOTS.sides),
            Datasets.withNames(data, "side", List.of("low", "right")));
    try (FeatureCache cache = FeatureCache.create();
        Network network = network()) {
      cache.evaluate(network, shuffled);
      for (Dataset view : views) {
        assertEquals(network.evaluate(view), cache.evaluate(network, view));
        assertEquals(SIZE, cache.computedExamples());
      }
      AtomicInteger reads = new AtomicInteger();
      Dataset counted =
          Datasets.map(
              data,
              input -> {
                reads.incrementAndGet();
                return input;
              });
      cache.evaluate(network, counted);
      cache.evaluate(network, Datasets.range(counted, 0, 9));
      assertEquals(SIZE, reads.get());
      assertEquals(SIZE, cache.computedExamples());
    }
  }

  @Test
  void equalInputsShareFeatures() {
    Dataset more = new Dots(SIZE, 2).both();
    Dataset joined = Datasets.concat(Datasets.range(data, 5, SIZE), more);
    float[] pictures = DOTS.pictures.clone();
    pictures[64 * 70 + 5] = Math.nextUp(pictures[64 * 70 + 5]);
    Dataset changed = Datasets.withTargets(Datasets.of(pictures, Dots.PICTURE), "side", DOTS.sides);
    try (FeatureCache cache = FeatureCache.create();
        Network cached = network();
        Network alone = network()) {
      cache.evaluate(cached, data);
      assertEquals(alone.evaluate(joined), cache.evaluate(cached, joined));
      assertEquals(2 * SIZE, cache.computedExamples(), "what is new of it");
      assertEquals(2 * SIZE * 16 * Float.BYTES, cache.bytes());
      assertEquals(alone.evaluate(changed), cache.evaluate(cached, changed));
      assertEquals(2 * SIZE + 1, cache.computedExamples(), "one bit of one picture");
      trainer(cached).featureCache(cache).fit(changed);
      trainer(alone).fit(changed);
      Dots.assertSameBits(alone, cached);
      cache.evaluate(cached, Datasets.concat(changed, changed));
      assertEquals(2 * SIZE + 1, cache.computedExamples());
    }
  }

  @Test
  void takesADataSetForNewOfWhoseFirstExamplesItKnowsNone() {
    Dataset others = new Dots(300, 2).both();
    Dataset joined = Datasets.concat(others, data);
    AtomicInteger reads = new AtomicInteger();
    Dataset counted =
        Datasets.map(
            joined,
            input -> {
              reads.incrementAndGet();
              return input;
            });
    try (FeatureCache cache = FeatureCache.create();
        Network network = network()) {
      cache.evaluate(network, data);
      assertEquals(network.evaluate(joined), cache.evaluate(network, counted));
      assertEquals(256 + 300 + SIZE, reads.get());
      assertEquals(SIZE + 300 + SIZE, cache.computedExamples());
    }
  }

  @Test
  void takesNoRoomForExamplesThatNobodyAsksFor() {
    try (FeatureCache cache = FeatureCache.create();
        Network network = network()) {
      cache.evaluate(network, Datasets.subset(data, 3, 3, 70, 3));
      assertEquals(2, cache.computedExamples());
      assertEquals(2 * 16 * Float.BYTES, cache.bytes());
    }
  }

  @Test
  void keepsNothingOfDataThatChanges() {
    Dataset changing = Datasets.augment(data, 1, (input, random) -> input);
    try (FeatureCache cache = FeatureCache.create();
        Network network = network()) {
      History history = trainer(network).featureCache(cache).fit(changing);
      assertFalse(history.isCached());
      assertEquals(1, history.warnings().size(), history.toString());
      assertEquals(network.evaluate(changing), cache.evaluate(network, changing));
      cache.calibrate(network, changing);
      cache.tuneThresholds(network, changing);
      assertEquals(0, cache.computedExamples());
    }
  }

  @Test
  void keepsNoMoreThanItMay() {
    FeatureCacheOptions options =
        FeatureCacheOptions.defaults().budget(SIZE * 16 * Float.BYTES + 100);
    try (FeatureCache cache = FeatureCache.create(options);
        Network network = network();
        Network alone = network()) {
      Dataset other = new Dots(SIZE, 2).both();
      History history = trainer(network).featureCache(cache).validation(other).fit(data);
      trainer(alone).validation(other).fit(data);
      Dots.assertSameBits(alone, network);
      assertTrue(history.isCached());
      assertTrue(
          history
              .cacheNote()
              .contains("; those of the validation data not: 4800 more bytes are above the limit"),
          history.cacheNote());
      history = trainer(network).featureCache(cache).fit(other);
      assertFalse(history.isCached());
      assertTrue(history.cacheNote().startsWith("not kept: 4800 more bytes"), history.cacheNote());
      assertEquals(network.evaluate(other), cache.evaluate(network, other));
      assertEquals(SIZE, cache.computedExamples());
    }
  }

  @Test
  void goesToAFileWhereTheLibrarysBudgetIsSpent(@TempDir Path folder) {
    Dataset many = new Dots(4000, 1).both();
    FeatureCacheOptions inFolder = FeatureCacheOptions.defaults().folder(folder);
    long budget = Espalier.nativeBytesBudget();
    try (FeatureCache inFile = FeatureCache.create(inFolder);
        FeatureCache inMemory = FeatureCache.create(inFolder.withoutFolder());
        Network network = Dots.rich(5).freeze("conv1");
        Network alone = Dots.rich(5).freeze("conv1");
        Network recomputed = Dots.rich(5).freeze("conv1")) {
      Espalier.setNativeBytesBudget(Espalier.nativeBytes() + (3 << 20));
      final History history = trainer(network).epochs(1).steps(3).featureCache(inFile).fit(many);
      final History anew = trainer(recomputed).epochs(1).steps(3).featureCache(inMemory).fit(many);
      Espalier.setNativeBytesBudget(budget);
      trainer(alone).epochs(1).steps(3).fit(many);
      assertTrue(history.cacheNote().startsWith("kept in a file in the given cache: 4000 "));
      assertTrue(anew.cacheNote().startsWith("not kept: "), anew.cacheNote());
      Dots.assertSameBits(alone, network);
      Dots.assertSameBits(alone, recomputed);
      assertEquals(0, trainer(network).featureCache(inFile).fit(many).prefixExamples());
    } finally {
      Espalier.setNativeBytesBudget(budget);
    }
  }

  @Test
  void namesAnInputThatIsNotFinite() {
    float[] pictures = DOTS.pictures.clone();
    pictures[64 * 70 + 5] = Float.NaN;
    Dataset broken = Datasets.withTargets(Datasets.of(pictures, Dots.PICTURE), "side", DOTS.sides);
    try (FeatureCache cache = FeatureCache.create();
        Network network = network()) {
      NonFiniteException error =
          assertThrows(NonFiniteException.class, () -> cache.evaluate(network, broken));
      assertTrue(error.getMessage().contains("example 70"), error.getMessage());
      Dataset part = Datasets.range(broken, 60, SIZE);
      error = assertThrows(NonFiniteException.class, () -> cache.evaluate(network, part));
      assertTrue(error.getMessage().contains("example 10"), error.getMessage());
      Dataset good = Datasets.range(broken, 0, 60);
      assertEquals(network.evaluate(good), cache.evaluate(network, good));
    }
  }

  @Test
  void closedIsClosedForAll() {
    FeatureCache cache = FeatureCache.create();
    try (Network network = network()) {
      cache.evaluate(network, data);
      cache.close();
      cache.close();
      assertTrue(cache.isClosed());
      assertEquals(0, cache.bytes());
      assertTrue(cache.toString().contains("closed"));
      assertThrows(ClosedException.class, () -> cache.evaluate(network, data));
      assertThrows(ClosedException.class, () -> cache.calibrate(network, data));
      assertThrows(ClosedException.class, () -> cache.tuneThresholds(network, data));
      Trainer trainer = trainer(network).featureCache(cache);
      assertThrows(ClosedException.class, () -> trainer.fit(data));
      assertEquals(History.StopReason.FAILED, trainer.lastHistory().orElseThrow().stopReason());
      trainer.featureCache(true).fit(data); // without it all is well
    }
  }

  @Test
  void closingWhileItIsUsedEndsTheFit() {
    FeatureCache cache = FeatureCache.create();
    try (Network network = network()) {
      Trainer trainer = trainer(network).featureCache(cache).listener(epoch -> cache.close());
      ClosedException error = assertThrows(ClosedException.class, () -> trainer.fit(data));
      assertTrue(error.getMessage().contains("while it was used"), error.getMessage());
      assertEquals(1, trainer.lastHistory().orElseThrow().epochs().size());
    }
    // While features are computed: by the data set, which is read for that.
    FeatureCache other = FeatureCache.create();
    Dataset closing =
        Datasets.map(
            data,
            input -> {
              other.close();
              return input;
            });
    try (Network network = network()) {
      assertThrows(ClosedException.class, () -> other.evaluate(network, closing));
      assertEquals(0, other.bytes());
    }
  }

  @Test
  void oneThreadAtATimeUsesIt() throws InterruptedException {
    AtomicReference<Throwable> refusal = new AtomicReference<>();
    try (FeatureCache cache = FeatureCache.create();
        Network network = network();
        Network second = network()) {
      trainer(network)
          .featureCache(cache)
          .listener(
              epoch -> {
                Thread thread =
                    new Thread(
                        () -> {
                          try {
                            cache.evaluate(second, data);
                          } catch (Throwable error) {
                            refusal.set(error);
                          }
                        });
                thread.start();
                try {
                  thread.join();
                } catch (InterruptedException error) {
                  throw new AssertionError(error);
                }
                // A listener of the fit may use it, for the network that is trained, too.
                assertEquals(network.evaluate(data), cache.evaluate(network, data));
                assertEquals(second.evaluate(data), cache.evaluate(second, data));
              })
          .fit(data);
      assertEquals(BusyException.class, refusal.get().getClass());
      assertEquals(SIZE, cache.computedExamples());
      cache.evaluate(second, data);
    }
  }
}
