// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.History.StopReason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Fits that end early and go on from what they wrote down: to the bits of one that did not. */
class CheckpointsTest {
  @TempDir Path folder;

  private final Dataset data = new Dots(70, 1).labels();
  private final Dataset validation = new Dots(60, 2).labels();

  /** A new head on frozen layers. */
  private static Network network() {
    return grafted(1);
  }

  private static Network grafted(long seed) {
    try (Network backbone = Dots.rich(seed)) {
      return backbone
          .transfer()
          .dropHead("quarter")
          .dropHead("side")
          .freezeThrough("norm1")
          .head("side", Head.labels("low", "right"))
          .build(3);
    }
  }

  private static Network trainable() {
    Network network = network();
    network.unfreeze("*");
    return network;
  }

  /** All parameters, by path. */
  private static Map<String, List<Float>> parameters(Network network) {
    Map<String, List<Float>> parameters = new TreeMap<>();
    for (ParameterSummary parameter : network.parameters()) {
      float[] values = network.parameter(parameter.path());
      List<Float> list = new ArrayList<>();
      for (float value : values) {
        list.add(value);
      }
      parameters.put(parameter.path(), list);
    }
    return parameters;
  }

  private static List<String> text(History history) {
    return history.epochs().stream()
        .map(e -> e.toString().replaceAll(", [0-9.]+ s$", "") + e.validation() + e.taskLosses())
        .toList();
  }

  /** Trains whole, and in pieces of so many steps, each by a network and trainer of its own. */
  private void isTheSameInPieces(
      Supplier<Network> made, UnaryOperator<Trainer> settings, Checkpoints checkpoints, int piece) {
    isTheSameInPieces(made, data, settings, checkpoints, piece);
  }

  private static void isTheSameInPieces(
      Supplier<Network> made,
      Dataset data,
      UnaryOperator<Trainer> settings,
      Checkpoints checkpoints,
      int piece) {
    Map<String, List<Float>> expected;
    History whole;
    try (Network network = made.get()) {
      whole = settings.apply(Trainer.of(network)).fit(data);
      expected = parameters(network);
    }
    History last = null;
    for (int fit = 0; last == null || last.stopReason() == History.StopReason.CANCELLED; fit++) {
      assertTrue(fit < 200, "no end");
      try (Network network = made.get()) {
        Trainer trainer = settings.apply(Trainer.of(network)).checkpoints(checkpoints.resuming());
        last = trainer.listener(new CancelAfter(trainer, piece)).fit(data);
        if (last.stopReason() != History.StopReason.CANCELLED) {
          assertEquals(expected, parameters(network));
        }
      }
    }
    assertEquals(text(whole), text(last));
    assertEquals(whole.steps(), last.steps());
    assertEquals(whole.stopReason(), last.stopReason());
    assertEquals(whole.bestEpoch(), last.bestEpoch());
    assertEquals(whole.warnings(), last.warnings());
  }

  private static final class CancelAfter implements TrainingListener {
    private final Trainer trainer;
    private int left;

    CancelAfter(Trainer trainer, int steps) {
      this.trainer = trainer;
      left = steps;
    }

    @Override
    public void onEpoch(EpochResult epoch) {}

    @Override
    public void onStep(StepResult step) {
      if (--left == 0) {
        trainer.cancel();
      }
    }
  }

  @Test
  void goesOnToTheSameBitsWithinEpochs() {
    List<Optimizer> optimizers =
        List.of(
            AdamW.withLearningRate(3e-3).layerDecay(0.7),
            Adam.withLearningRate(3e-3),
            Sgd.withLearningRate(0.05).momentum(0.9),
            RmsProp.withLearningRate(1e-3));
    for (int i = 0; i < optimizers.size(); i++) {
      Optimizer optimizer = optimizers.get(i);
      isTheSameInPieces(
          CheckpointsTest::trainable,
          t ->
              t.optimizer(optimizer)
                  .schedule(Schedule.cosine().warmup(5))
                  .batchSize(16)
                  .epochs(5)
                  .seed(4)
                  .clipNorm(3)
                  .averageWeights(0.9)
                  .decayToStart(0.01)
                  .validation(validation)
                  .keepBest("side", Metric.MACRO_AUC),
          Checkpoints.in(folder.resolve("optimizer" + i)).everySteps(2),
          7);
    }
  }

  @Test
  void goesOnInTheStageThatItWasIn() {
    isTheSameInPieces(
        CheckpointsTest::network,
        t ->
            t.stages(
                    List.of(
                        Stage.asItIs().epochs(3),
                        Stage.unfreezing("conv*").epochs(3).learningRate(0.3),
                        Stage.unfreezing("*").epochs(2)))
                .batchSize(16)
                .validation(validation)
                .earlyStopping(2),
        Checkpoints.in(folder).everySteps(3),
        8);
  }

  @Test
  void goesOnAtTheEndOfAnEpochWithPicturesThatChange() {
    Dataset changing =
        Datasets.augment(
            data,
            3,
            (picture, random) -> {
              for (int i = 0; i < picture.length; i++) {
                picture[i] += random.nextFloat();
              }
              return picture;
            });
    isTheSameInPieces(
        CheckpointsTest::trainable,
        changing,
        t -> t.batchSize(16).epochs(4).validation(validation).validateEvery(2),
        Checkpoints.in(folder).everySteps(1),
        5);
  }

  /** Whatever ends it, and however rarely one is due. */
  @Test
  void isOverOnceItWasOver() {
    Map<StopReason, UnaryOperator<Trainer>> ends =
        Map.of(
            StopReason.EPOCHS,
            t -> t.epochs(2),
            StopReason.STEPS,
            t -> t.steps(7),
            StopReason.EARLY_STOPPING,
            t -> t.earlyStopping(2).optimizer(AdamW.withLearningRate(1e-30)));
    List<UnaryOperator<Checkpoints>> cadences =
        List.of(c -> c, c -> c.everySteps(1000), c -> c.every(Duration.ofHours(1)));
    ends.forEach(
        (reason, end) -> {
          for (int i = 0; i < cadences.size(); i++) {
            Path own = folder.resolve(reason.name() + i);
            Checkpoints checkpoints = cadences.get(i).apply(Checkpoints.in(own).resuming());
            isOverOnceItWasOver(reason, end, checkpoints);
          }
        });
  }

  private void isOverOnceItWasOver(
      StopReason reason, UnaryOperator<Trainer> end, Checkpoints checkpoints) {
    List<Map<String, List<Float>>> results = new ArrayList<>();
    List<List<String>> texts = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      try (Network network = trainable()) {
        Trainer trainer =
            Trainer.of(network).averageWeights(0.9).batchSize(16).validation(validation).keepBest();
        List<StepResult> trained = new ArrayList<>();
        History history =
            end.apply(trainer).checkpoints(checkpoints).listener(new Steps(trained)).fit(data);
        assertEquals(reason, history.stopReason());
        assertEquals(i == 0 ? history.steps() : 0, trained.size(), reason + " " + checkpoints);
        results.add(parameters(network));
        texts.add(text(history));
      }
    }
    assertEquals(results.get(0), results.get(1));
    assertEquals(texts.get(0), texts.get(1));
  }

  private record Steps(List<StepResult> all) implements TrainingListener {
    @Override
    public void onEpoch(EpochResult epoch) {}

    @Override
    public void onStep(StepResult step) {
      all.add(step);
    }
  }

  @Test
  void goesOnBetweenStages() {
    isTheSameInPieces(
        CheckpointsTest::network,
        t ->
            t.stages(
                    List.of(
                        Stage.asItIs().epochs(1),
                        Stage.unfreezing("conv*").epochs(1),
                        Stage.unfreezing("*").epochs(2)))
                .batchSize(16)
                .averageWeights(0.9),
        Checkpoints.in(folder),
        6);
  }

  @Test
  void goesOnAfterEpochs() throws IOException {
    isTheSameInPieces(
        CheckpointsTest::network,
        t -> t.batchSize(16).epochs(6).validation(validation),
        Checkpoints.in(folder),
        11);
    assertEquals(2, files().size());
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  private History fit(UnaryOperator<Trainer> settings) {
    try (Network network = network()) {
      return settings.apply(Trainer.of(network).batchSize(16).epochs(2)).fit(data);
    }
  }

  @Test
  void refusesOtherSettingsByName() {
    fit(t -> t.checkpoints(Checkpoints.in(folder)));
    Checkpoints resuming = Checkpoints.in(folder).resuming();
    CheckpointMismatchException other =
        assertThrows(
            CheckpointMismatchException.class,
            () -> fit(t -> t.batchSize(8).epochs(3).seed(9).checkpoints(resuming)));
    assertEquals(3, other.differences().size());
    assertTrue(other.differences().contains("seed: 0 there, 9 here"), other::getMessage);
    assertEquals(folder.toAbsolutePath(), other.file().getParent());
    String message = other.getMessage();
    assertTrue(message.contains("batchSize: 16 there, 8 here"), message);
    assertTrue(message.contains("epochs: 2 there, 3 here"), message);
    assertTrue(message.contains("seed: 0 there, 9 here"), message);
    History more = fit(t -> t.epochs(3).checkpoints(resuming.mayDiffer("epochs")));
    assertEquals(3, more.epochs().size());
    assertThrows(
        IllegalArgumentException.class, () -> fit(t -> t.checkpoints(resuming.mayDiffer("epoch"))));
    Dataset others = new Dots(70, 5).labels();
    try (Network network = network()) {
      Trainer trainer = Trainer.of(network).batchSize(16).epochs(2).checkpoints(resuming);
      message = assertThrows(IllegalStateException.class, () -> trainer.fit(others)).getMessage();
      assertTrue(message.contains("data: 70 of"), message);
    }
  }

  private static double squares(LossBatch batch) {
    double sum = 0;
    for (int i = 0; i < batch.logits().length; i++) {
      if (batch.mask()[i]) {
        batch.gradients()[i] = 2 * batch.logits()[i];
        sum += batch.logits()[i] * batch.logits()[i];
      }
    }
    return sum;
  }

  /** The same lambda has another name in another process, as two of one class have in this one. */
  @Test
  void aLambdaIsTheSameLossInAnotherProcess() {
    fit(t -> t.loss("side", batch -> squares(batch)).checkpoints(Checkpoints.in(folder)));
    Checkpoints resuming = Checkpoints.in(folder).resuming();
    History again = fit(t -> t.loss("side", batch -> squares(batch)).checkpoints(resuming));
    assertEquals(2, again.epochs().size());
    String message =
        assertThrows(
                IllegalStateException.class,
                () -> fit(t -> t.loss("side", new Squares()).checkpoints(resuming)))
            .getMessage();
    assertTrue(message.contains("Squares"), message);
  }

  private static final class Squares implements Loss {
    @Override
    public double compute(LossBatch batch) {
      return squares(batch);
    }
  }

  @Test
  void theLossOfABegunEpochIsThatOfItsExamplesWhereFewerAreLeft() {
    Checkpoints each = Checkpoints.in(folder).everySteps(3);
    History begun = fit(t -> t.steps(4).shuffle(false).checkpoints(each));
    try (Network network = network()) {
      History history =
          Trainer.of(network)
              .batchSize(16)
              .epochs(1)
              .shuffle(false)
              .checkpoints(each.resuming().mayDiffer("data", "epochs", "steps", "schedule"))
              .fit(Datasets.range(data, 0, 20));
      double first48 = begun.epochs().get(0).loss();
      assertEquals(first48, history.epochs().get(0).loss(), 0.2 * first48);
    }
  }

  @Test
  void refusesAnotherNetwork() {
    fit(t -> t.checkpoints(Checkpoints.in(folder)));
    try (Network network = grafted(2)) {
      Trainer trainer =
          Trainer.of(network)
              .batchSize(16)
              .epochs(2)
              .checkpoints(Checkpoints.in(folder).resuming());
      String message =
          assertThrows(IllegalArgumentException.class, () -> trainer.fit(data)).getMessage();
      assertTrue(message.contains("frozen parameters"), message);
    }
  }

  @Test
  void keepsWhatSomebodyElseWrote() {
    fit(t -> t.checkpoints(Checkpoints.in(folder)));
    String message =
        assertThrows(
                IllegalStateException.class, () -> fit(t -> t.checkpoints(Checkpoints.in(folder))))
            .getMessage();
    assertTrue(message.contains("Checkpoints.resuming"), message);
  }

  @Test
  void goesBackToTheOneBeforeADamagedOne() throws IOException {
    History whole = fit(t -> t.epochs(4).checkpoints(Checkpoints.in(folder)));
    Path newest = files().get(1);
    byte[] bytes = Files.readAllBytes(newest);
    bytes[bytes.length / 2] ^= 1;
    Files.write(newest, bytes);
    History resumed = fit(t -> t.epochs(4).checkpoints(Checkpoints.in(folder).resuming()));
    assertEquals(text(whole), text(resumed));
    assertTrue(
        resumed.warnings().stream().anyMatch(w -> w.contains("passed over")),
        resumed.warnings()::toString);
  }

  @Test
  void trainingGoesOnWhereTheFolderIsGone() throws IOException {
    Path gone = folder.resolve("gone");
    History history =
        fit(
            t ->
                t.checkpoints(Checkpoints.in(gone).everySteps(1))
                    .listener(
                        new TrainingListener() {
                          @Override
                          public void onEpoch(EpochResult epoch) {}

                          @Override
                          public void onStep(StepResult step) {
                            deleteAll(gone);
                          }
                        }));
    assertEquals(2, history.epochs().size());
    assertFalse(history.warnings().isEmpty());
    Path file = Files.createFile(folder.resolve("file"));
    assertThrows(UncheckedIOException.class, () -> fit(t -> t.checkpoints(Checkpoints.in(file))));
  }

  private static void deleteAll(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException gone) {
      // it is gone
    }
  }

  @Test
  void areWrittenByTimeAndSoManyAreKept() throws IOException {
    fit(t -> t.checkpoints(Checkpoints.in(folder).every(Duration.ofNanos(1)).keep(3)));
    List<String> names = files().stream().map(f -> f.getFileName().toString()).toList();
    assertEquals(3, names.size());
    assertTrue(names.get(0).matches("checkpoint-0{11}\\d\\.safetensors"), names::toString);
    Checkpoints one = Checkpoints.in(Path.of("a")).everySteps(5).mayDiffer("seed");
    assertEquals(one, Checkpoints.in(Path.of("a")).everySteps(5).mayDiffer("seed"));
    assertEquals("Checkpoints[in a, every 5 steps, the last 2, whatever [seed]]", one.toString());
    assertNotEquals(one, one.keep(1));
  }
}
