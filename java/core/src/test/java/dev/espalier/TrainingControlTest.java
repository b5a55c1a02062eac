// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.espalier.History.StopReason;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class TrainingControlTest {
  private final Dots dots = new Dots(100, 1);

  @AfterEach
  void leavesNoThreadBehind() throws InterruptedException {
    assertFalse(Thread.interrupted());
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().startsWith("espalier-")) {
        thread.join(60_000);
        assertFalse(thread.isAlive(), thread::toString);
      }
    }
  }

  /** Calls {@code action} after each step. */
  private static TrainingListener afterStep(Consumer<StepResult> action) {
    return new TrainingListener() {
      @Override
      public void onStep(StepResult step) {
        action.accept(step);
      }

      @Override
      public void onEpoch(EpochResult epoch) {}
    };
  }

  @Test
  void earlyStoppingPutsTheBestWeightsBack() {
    Dataset few = Datasets.range(dots.labels(), 0, 12);
    Dataset validation = new Dots(60, 2).labels();
    try (Network network = Dots.labeller(1)) {
      History history =
          Trainer.of(network)
              .optimizer(AdamW.withLearningRate(0.03))
              .epochs(400)
              .validation(validation)
              .earlyStopping(10)
              .fit(few);
      assertEquals(StopReason.EARLY_STOPPING, history.stopReason());
      int best = history.bestEpoch().orElseThrow();
      assertEquals(best + 10, history.last().epoch());
      double bestLoss = history.epochs().get(best).validationLoss().orElseThrow();
      history
          .epochs()
          .forEach(epoch -> assertTrue(epoch.validationLoss().orElseThrow() >= bestLoss));
      assertTrue(history.last().validationLoss().orElseThrow() > bestLoss);
      assertEquals(bestLoss, network.evaluate(validation).loss(), 1e-5);
    }
  }

  @Test
  void earlyStoppingWatchesAMetric() {
    Dataset validation = new Dots(60, 2).labels();
    try (Network network = Dots.labeller(1)) {
      History history =
          Trainer.of(network)
              .optimizer(AdamW.withLearningRate(0.01))
              .epochs(40)
              .validation(validation)
              .earlyStopping(5, "side", "macro_auc")
              .fit(dots.labels());
      EpochResult best = history.epochs().get(history.bestEpoch().orElseThrow());
      assertTrue(best.isBest());
      double value = best.validation().orElseThrow().metric("macro_auc").value();
      for (EpochResult epoch : history.epochs()) {
        assertTrue(epoch.validation().orElseThrow().metric("macro_auc").value() <= value);
      }
      assertEquals(value, network.evaluate(validation).metric("macro_auc").value(), 1e-6);
      for (String[] wrong : new String[][] {{"side", "beauty"}, {"quarter", "accuracy"}}) {
        Trainer unknown =
            Trainer.of(network).validation(validation).earlyStopping(2, wrong[0], wrong[1]);
        String message =
            assertThrows(IllegalArgumentException.class, () -> unknown.fit(dots.labels()))
                .getMessage();
        assertTrue(message.contains("macro_auc") || message.contains("[side]"), message);
        assertEquals(0, unknown.lastHistory().orElseThrow().steps());
      }
      float[][] unknown = new float[60][];
      Arrays.fill(unknown, new float[] {Float.NaN, Float.NaN});
      Dataset unlabelled = Datasets.withTargets(new Dots(60, 2).labels(), "", unknown);
      Trainer watching = Trainer.of(network).epochs(1).validation(unlabelled).earlyStopping(2);
      assertEquals(
          "validation: expected a labelled entry for earlyStopping to watch the loss of, got none",
          assertThrows(IllegalArgumentException.class, () -> watching.fit(dots.labels()))
              .getMessage());
      unknown[59] = new float[] {Float.NaN, 1};
      watching.fit(dots.labels());
      Trainer blind = Trainer.of(network).earlyStopping(2);
      assertThrows(IllegalStateException.class, () -> blind.fit(dots.labels()));
    }
  }

  @Test
  void errorsOfValidationDataSayThatTheyAre() {
    float[][] sides = new float[60][2];
    sides[7][1] = 3;
    Dots broken = new Dots(60, 2);
    broken.pictures[41 * 64] = Float.NaN;
    Shape vector = Shape.vector(16);
    Map<String, Dataset> validations =
        Map.of(
            "validation, task \"side\", example 7: expected 0 to 1, or NaN for \"right\", got 3.0",
            Datasets.withTargets(Datasets.range(dots.labels(), 0, 60), "", sides),
            "validation: expected targets of one of the tasks [side], got none",
            Datasets.withoutTargets(dots.labels()),
            "validation: expected at least one example, got none",
            Datasets.range(dots.labels(), 0, 0),
            "validation: expected inputs [1, 8, 8], got [16]",
            Datasets.of(new float[16], vector, new float[1][2]),
            "validation, task \"side\": expected 2 numbers for [low, right], got 3",
            Datasets.withTargets(dots.labels(), "", new float[100][3]));
    try (Network network = Dots.labeller(1)) {
      validations.forEach(
          (expected, validation) -> {
            Trainer trainer = Trainer.of(network).validation(validation);
            assertEquals(
                expected,
                assertThrows(IllegalArgumentException.class, () -> trainer.fit(dots.labels()))
                    .getMessage());
            assertEquals(0, trainer.lastHistory().orElseThrow().steps());
          });
      Trainer trainer = Trainer.of(network).validation(broken.labels());
      String expected =
          "validation, example 41: expected finite inputs, got NaN or an infinity, or readInput"
              + " wrote nothing";
      for (int pass = 0; pass < 2; pass++) {
        assertEquals(
            expected,
            assertThrows(NonFiniteException.class, () -> trainer.fit(dots.labels())).getMessage());
        network.freezeThrough("active"); // in the second pass it is the cache that reads
      }
    }
  }

  @Test
  void stepsEndTrainingWithinAnEpoch() {
    try (Network network = Dots.labeller(1)) {
      History history =
          Trainer.of(network).batchSize(30).steps(6).validation(dots.labels()).fit(dots.labels());
      assertEquals(StopReason.STEPS, history.stopReason());
      assertEquals(6, history.steps());
      assertEquals(2, history.epochs().size());
      assertEquals(2, history.last().steps());
      assertTrue(history.last().validation().isPresent());
    }
  }

  @Test
  void cancelsFromAListenerAndFromAnotherThread() {
    try (Network network = Dots.labeller(1)) {
      Trainer trainer = Trainer.of(network).epochs(1_000_000);
      trainer.cancel();
      trainer.listener(
          afterStep(
              step -> {
                if (step.step() == 6) {
                  trainer.cancel();
                }
              }));
      History history = trainer.fit(dots.labels());
      assertEquals(StopReason.CANCELLED, history.stopReason());
      assertEquals(7, history.steps());
      assertEquals(history, trainer.lastHistory().orElseThrow());
    }
    try (Network network = Dots.labeller(1)) {
      Trainer trainer = Trainer.of(network).epochs(1_000_000);
      CountDownLatch trains = new CountDownLatch(1);
      trainer.listener(afterStep(step -> trains.countDown()));
      Thread other =
          new Thread(
              () -> {
                Latches.awaitQuietly(trains);
                trainer.cancel();
              });
      other.start();
      assertEquals(StopReason.CANCELLED, trainer.fit(dots.labels()).stopReason());
    }
  }

  @Test
  void endsAfterTheTimeLimit() {
    try (Network network = Dots.labeller(1)) {
      History history =
          Trainer.of(network)
              .epochs(1_000_000)
              .timeLimit(Duration.ofMillis(200))
              .fit(dots.labels());
      assertEquals(StopReason.TIME_LIMIT, history.stopReason());
      assertTrue(history.seconds() >= 0.2, history::toString);
      History unlimited =
          Trainer.of(network)
              .epochs(1)
              .timeLimit(Duration.ofSeconds(Long.MAX_VALUE))
              .fit(dots.labels());
      assertEquals(StopReason.EPOCHS, unlimited.stopReason());
    }
  }

  @Test
  void interruptionEndsTrainingAndKeepsTheFlag() {
    try (Network network = Dots.labeller(1)) {
      Trainer trainer =
          Trainer.of(network)
              .epochs(1_000_000)
              .listener(
                  afterStep(
                      step -> {
                        if (step.step() == 9) {
                          Thread.currentThread().interrupt();
                        }
                      }));
      History history = trainer.fit(dots.labels());
      assertTrue(Thread.interrupted());
      assertEquals(StopReason.INTERRUPTED, history.stopReason());
      assertEquals(10, history.steps());

      Thread.currentThread().interrupt();
      History none = Trainer.of(network).fit(dots.labels());
      assertTrue(Thread.interrupted());
      assertEquals(0, none.steps());
    }
  }

  @Test
  void interruptionReachesAReaderThatWaits() throws InterruptedException {
    CountDownLatch waits = new CountDownLatch(1);
    Dataset slow =
        Datasets.augment(
            dots.labels(),
            1,
            (input, random) -> {
              waits.countDown();
              try {
                Thread.sleep(600_000);
              } catch (InterruptedException interruption) {
                throw new IllegalStateException("woken", interruption);
              }
              return input;
            });
    AtomicReference<Object> outcome = new AtomicReference<>();
    Thread fitting =
        new Thread(
            () -> {
              try (Network network = Dots.labeller(1)) {
                outcome.set(Trainer.of(network).fit(slow).stopReason());
              } catch (RuntimeException error) {
                outcome.set(error);
              }
            });
    fitting.start();
    waits.await();
    fitting.interrupt();
    fitting.join();
    assertEquals(StopReason.INTERRUPTED, outcome.get());
  }

  @Test
  void passesOnWhatTheDataSetThrows() {
    RuntimeException mine = new IllegalArgumentException("mine");
    Error error = new StackOverflowError("mine too");
    try (Network network = Dots.labeller(1)) {
      for (boolean isPrefetching : new boolean[] {true, false}) {
        Trainer trainer = Trainer.of(network).prefetch(isPrefetching);
        assertSame(
            mine,
            assertThrows(IllegalArgumentException.class, () -> trainer.fit(failing(mine, null))));
        assertEquals(StopReason.FAILED, trainer.lastHistory().orElseThrow().stopReason());
        assertEquals(2, trainer.lastHistory().orElseThrow().steps());
        assertSame(
            error, assertThrows(StackOverflowError.class, () -> trainer.fit(failing(null, error))));
      }
      Trainer.of(network).epochs(1).fit(dots.labels());
    }
  }

  private Dataset failing(RuntimeException exception, Error error) {
    int[] reads = {0};
    return Datasets.augment(
        dots.labels(),
        1,
        (input, random) -> {
          if (++reads[0] > 70) {
            if (exception != null) {
              throw exception;
            }
            throw error;
          }
          return input;
        });
  }

  @Test
  void nonFiniteLossNamesStepAndTaskAndKeepsTheLastGoodWeights() {
    try (Network network = Dots.labeller(1)) {
      Trainer trainer = Trainer.of(network).optimizer(Sgd.withLearningRate(1e30)).epochs(50);
      NonFiniteException error =
          assertThrows(NonFiniteException.class, () -> trainer.fit(dots.labels()));
      assertTrue(error.getMessage().contains("step"), error.getMessage());
      assertTrue(error.getMessage().contains("side"), error.getMessage());
      Dots.parameters(network)
          .forEach(
              (path, values) -> {
                for (float value : values) {
                  assertTrue(Float.isFinite(value), path);
                }
              });
      assertTrue(trainer.lastHistory().orElseThrow().steps() > 0);
      network.copy().close();
    }
  }

  @Test
  void nonFiniteInputsNameTheExample() {
    for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      dots.pictures[41 * 64 + 63] = wrong;
      try (Network network = Dots.labeller(1)) {
        NonFiniteException error =
            assertThrows(NonFiniteException.class, () -> Trainer.of(network).fit(dots.labels()));
        assertTrue(error.getMessage().contains("41"), error.getMessage());
        network.freezeThrough("active");
        assertThrows(NonFiniteException.class, () -> Trainer.of(network).fit(dots.labels()));
      }
    }
  }

  @Test
  void listenersMayUseTheNetwork(@TempDir Path folder) {
    Path file = folder.resolve("during.safetensors");
    List<String> calls = new ArrayList<>();
    try (Network network = Dots.labeller(1)) {
      TrainingListener listener =
          new TrainingListener() {
            @Override
            public void onStart(long epochs, long steps) {
              calls.add("start " + epochs + " " + steps);
            }

            @Override
            public void onStep(StepResult step) {
              calls.add("step " + step.step());
            }

            @Override
            public void onEpoch(EpochResult epoch) {
              calls.add("epoch " + epoch.epoch());
              network.save(file);
              network.evaluate(dots.labels());
              network.copy().close();
              network.summary();
              network.parameter("conv1.weight");
              try (Predictor predictor = network.predictor()) {
                predictor.predict(Datasets.input(dots.labels(), 0));
              }
              assertThrows(
                  IllegalStateException.class, () -> Trainer.of(network).fit(dots.labels()));
            }

            @Override
            public void onEnd(History history) {
              calls.add("end " + history.steps());
            }
          };
      Trainer.of(network).epochs(2).batchSize(50).listener(listener).fit(dots.labels());
      assertEquals(
          List.of(
              "start 2 4", "step 0", "step 1", "epoch 0", "step 2", "step 3", "epoch 1", "end 4"),
          calls);
      calls.clear();
      Trainer.of(network).steps(3).batchSize(50).listener(listener).fit(dots.labels());
      assertEquals("start 2 3", calls.get(0));
      Trainer.of(network).epochs(2).batchSize(50).listener(listener).fit(dots.labels());
      try (Network saved = Network.load(file)) {
        Dots.assertSameBits(network, saved);
      }
    }
  }

  @Test
  void freezingWhileTrainingRunsEndsIt() {
    List<Consumer<Network>> changes =
        List.of(
            network -> network.freeze("conv1"),
            network -> network.unfreeze("*"),
            network -> network.learningRateScale("conv1", 2),
            network -> network.setParameter("features.bias", new float[16]));
    for (Consumer<Network> change : changes) {
      try (Network network = Dots.labeller(1).freeze("features")) {
        Trainer trainer = Trainer.of(network).listener(afterStep(step -> change.accept(network)));
        assertThrows(IllegalStateException.class, () -> trainer.fit(dots.labels()));
        assertEquals(1, trainer.lastHistory().orElseThrow().steps());
        Trainer.of(network).epochs(1).fit(dots.labels());
      }
    }
  }

  @Test
  void otherThreadsAreRefusedWhileTrainingRuns() throws InterruptedException {
    try (Network network = Dots.labeller(1);
        Predictor before = network.predictor()) {
      float[] expected = before.predict(Datasets.input(dots.labels(), 0));
      CountDownLatch trains = new CountDownLatch(1);
      CountDownLatch tried = new CountDownLatch(1);
      List<Throwable> outcomes = new ArrayList<>();
      Thread fitting =
          new Thread(
              () ->
                  Trainer.of(network)
                      .epochs(1)
                      .listener(
                          afterStep(
                              step -> {
                                trains.countDown();
                                try {
                                  tried.await();
                                } catch (InterruptedException interruption) {
                                  Thread.currentThread().interrupt();
                                }
                              }))
                      .fit(dots.labels()));
      fitting.start();
      trains.await();
      List<Runnable> attempts =
          List.of(
              () -> network.evaluate(dots.labels()),
              network::copy,
              network::summary,
              network::predictor,
              () -> network.parameter("conv1.weight"),
              () -> network.freeze("conv1"),
              () -> network.transfer().dropHead("side").explain(),
              () -> Trainer.of(network).fit(dots.labels()));
      for (Runnable attempt : attempts) {
        try {
          attempt.run();
          outcomes.add(new AssertionError("no exception"));
        } catch (RuntimeException error) {
          outcomes.add(error);
        }
      }
      float[] during = before.predict(Datasets.input(dots.labels(), 0));
      tried.countDown();
      fitting.join();
      outcomes.forEach(outcome -> assertSame(BusyException.class, outcome.getClass()));
      assertEquals(expected[0], during[0]);
      network.summary();
    }
  }

  @Test
  void closingTheNetworkEndsTraining() {
    Network network = Dots.labeller(1);
    Trainer trainer = Trainer.of(network).listener(afterStep(step -> network.close()));
    assertThrows(IllegalStateException.class, () -> trainer.fit(dots.labels()));
    assertThrows(IllegalStateException.class, () -> trainer.fit(dots.labels()));
  }

  @Test
  void aListenersExceptionComesOut() {
    try (Network network = Dots.labeller(1)) {
      Trainer trainer =
          Trainer.of(network)
              .listener(
                  epoch -> {
                    throw new UnsupportedOperationException("mine");
                  });
      assertThrows(UnsupportedOperationException.class, () -> trainer.fit(dots.labels()));
      assertEquals(1, trainer.lastHistory().orElseThrow().epochs().size());
      network.summary();
      Trainer first =
          Trainer.of(network)
              .listener(
                  afterStep(
                      step -> {
                        throw new UnsupportedOperationException("mine");
                      }));
      assertThrows(UnsupportedOperationException.class, () -> first.fit(dots.labels()));
      assertEquals(1, first.lastHistory().orElseThrow().steps());
    }
  }

  @Test
  void trainsOnAVirtualThread() throws Exception {
    Method start;
    try {
      start = Thread.class.getMethod("startVirtualThread", Runnable.class);
    } catch (NoSuchMethodException olderJava) {
      assumeTrue(false, "SKIPPED: this Java has no virtual threads");
      return;
    }
    List<Object> outcomes = new ArrayList<>();
    Runnable fitting =
        () -> {
          try (Network network = Dots.labeller(1)) {
            Trainer trainer =
                Trainer.of(network)
                    .epochs(3)
                    .validation(dots.labels())
                    .listener(
                        epoch -> {
                          Thread.yield();
                          network.evaluate(dots.labels());
                        });
            outcomes.add(trainer.fit(dots.labels()).stopReason());
            trainer.prefetch(false).epochs(1);
            Dataset mine =
                Datasets.map(
                    dots.labels(),
                    input -> {
                      throw new UnsupportedOperationException();
                    });
            assertThrows(UnsupportedOperationException.class, () -> trainer.fit(mine));
            Thread.currentThread().interrupt();
            outcomes.add(trainer.fit(dots.labels()).stopReason());
            outcomes.add(Thread.interrupted());
          } catch (Throwable error) {
            outcomes.add(error);
          }
        };
    ((Thread) start.invoke(null, fitting)).join();
    assertEquals(List.of(StopReason.EPOCHS, StopReason.INTERRUPTED, true), outcomes);
  }

  @Test
  void aTrainerRunsOnceAtATimeAndStartsAfresh() {
    try (Network network = Dots.labeller(1);
        Network twin = Dots.labeller(1)) {
      AtomicReference<Trainer> itself = new AtomicReference<>();
      Trainer trainer =
          Trainer.of(network)
              .epochs(1)
              .listener(
                  epoch ->
                      assertThrows(
                          IllegalStateException.class, () -> itself.get().fit(dots.labels())));
      itself.set(trainer);
      trainer.fit(dots.labels());
      trainer.fit(dots.labels());
      Trainer.of(twin).epochs(1).fit(dots.labels());
      Trainer.of(twin).epochs(1).fit(dots.labels());
      Dots.assertSameBits(network, twin);
    }
  }
}
