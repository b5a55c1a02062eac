// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.AdaptationSetting;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TransferStudyTest {
  private static Network backbone;

  @TempDir Path temporary;

  @BeforeAll
  static void train() {
    backbone = Dots.trained();
  }

  @AfterAll
  static void close() {
    backbone.close();
  }

  /** A short study of sides. */
  private static TransferStudy sides() {
    return TransferStudy.of(backbone)
        .head("side", Head.labels("low", "right"))
        .folds(3)
        .headSteps(40)
        .tuningSteps(15)
        .seed(5);
  }

  /** All but times. */
  private static String text(TransferResult result) {
    return result.toString().replaceAll("[0-9.]+ s\n", "");
  }

  @Test
  void explainsWhatItThenDoes() {
    TransferStudy study = sides().probes(false);
    Dataset data = new Dots(90, 3).sides();
    String plan = study.explain(data);
    assertTrue(plan.startsWith("[low, right]: 90 examples in 3 folds; each way learns"), plan);
    assertTrue(plan.contains("from [15, 30, 60] of them"), plan);
    assertTrue(plan.contains("frozen: one of [head alone at 0.003, head alone at 0.01]"), plan);
    List<Integer> totals = new ArrayList<>();
    study.headSteps(1).tuningSteps(1).listener(progress -> totals.add(progress.total())).run(data);
    assertTrue(plan.contains("\n" + totals.get(0) + " trainings"), plan + totals);
    assertEquals(totals.get(0), totals.size());
    assertThrows(IllegalArgumentException.class, () -> study.explain(new Dots(5, 3).sides()));
  }

  @Test
  void saysThatTransferHelpsWhereItDoes() {
    TransferResult result = sides().source(new Dots(10, 1).quarters()).run(new Dots(90, 3).sides());
    assertEquals(Verdict.HELPS, result.verdict(), result::toString);
    assertEquals(Verdict.HELPS, result.verdict(TransferArm.FROZEN));
    assertEquals(List.of(15, 30, 60), result.sizes());
    assertEquals("macro AUC", result.metric());
    assertTrue(result.isComplete());
    for (int size : result.sizes()) {
      assertEquals(
          result.score(TransferArm.FROZEN, size).estimate()
              - result.score(TransferArm.SCRATCH, size).estimate(),
          result.gain(TransferArm.FROZEN, size).estimate(),
          1e-12);
      assertEquals(
          result.gain(TransferArm.FINE_TUNED, size).estimate()
              - result.gain(TransferArm.FROZEN, size).estimate(),
          result.gainOfTuning(size).estimate(),
          1e-12);
    }
    assertTrue(result.sentence().startsWith("Transfer helps: from 60 examples, "));
    assertTrue(result.toString().contains("source task quarter: 10 examples, 100 %"));
    assertTrue(result.toString().contains("new task side: 90 examples, 6"), result::toString);
  }

  @Test
  void judgesLayers() {
    TransferResult result = sides().run(new Dots(90, 3).sides());
    assertEquals(
        List.of("", "max_pool2d1", "relu2"),
        result.probes().stream().map(LayerProbe::layer).toList());
    LayerProbe input = result.probes().get(0);
    LayerProbe features = result.probes().get(2);
    assertTrue(input.ridgeOfRandom().isEmpty());
    assertTrue(features.ridge().estimate() > 0.95, features::toString);
    assertTrue(features.ridge().estimate() > features.ridgeOfRandom().orElseThrow().estimate());
    assertTrue(result.cutLayer().isPresent());
  }

  /** Three kinds of questions, and folds of one's own. */
  @Test
  void classesAndValuesAreJudgedToo() {
    Dataset quarters = new Dots(60, 8).quarters();
    TransferStudy ofClasses =
        TransferStudy.of(backbone)
            .head("quarter", "max_pool2d1", Head.classes(4))
            .folds(Datasets.folds(quarters, 2, 1))
            .headSteps(5)
            .tuningSteps(5);
    TransferResult classes = ofClasses.run(quarters);
    assertEquals("accuracy", classes.metric());
    assertEquals(List.of(15, 30), classes.sizes().subList(classes.sizes().size() - 2, 3));
    TransferStudy ofValues =
        TransferStudy.of(backbone).head("place", Head.values("row", "column")).folds(2);
    TransferResult values =
        ofValues.headSteps(5).tuningSteps(5).probes(false).run(new Dots(40, 8).places());
    assertEquals("r2", values.metric());
    assertTrue(values.probes().isEmpty() && values.cutLayer().isEmpty());
  }

  @Test
  void anotherRunHasTheSameBits() {
    Dataset data = new Dots(60, 3).sides();
    assertEquals(text(sides().run(data)), text(sides().run(data)));
  }

  @Test
  void aStudyThatWasCutShortGoesOnToTheSameBits() {
    Dataset data = new Dots(60, 3).sides();
    String whole = text(sides().run(data));
    Path folder = temporary.resolve("cells");
    TransferStudy cut = sides().folder(folder);
    cut.listener(
        progress -> {
          if (progress.done() == 5) {
            cut.cancel();
          }
        });
    TransferResult early = cut.run(data);
    assertFalse(early.isComplete());
    assertTrue(early.toString().contains("ended early"));
    List<Boolean> reused = new ArrayList<>();
    TransferResult late =
        sides().folder(folder).listener(progress -> reused.add(progress.isReused())).run(data);
    assertEquals(whole, text(late));
    assertEquals(5, reused.stream().filter(of -> of).count());
    // Other data, settings or seeds are other studies.
    assertEquals(0, reusedBy(sides().seed(6).folder(folder), data));
    assertEquals(0, reusedBy(sides().folder(folder), new Dots(60, 4).sides()));
    assertEquals(0, reusedBy(sides().batchSize(16).folder(folder), data));
  }

  private static int reusedBy(TransferStudy study, Dataset data) {
    int[] count = {0};
    study.listener(
        progress -> {
          count[0] += progress.isReused() ? 1 : 0;
          if (progress.done() == 6) {
            study.cancel();
          }
        });
    TransferResult ignored = study.run(data);
    return count[0];
  }

  @Test
  void aTimeLimitEndsWithWhatThereIs() {
    TransferResult result = sides().timeLimit(Duration.ofNanos(1)).run(new Dots(60, 3).sides());
    assertFalse(result.isComplete());
    assertEquals(Verdict.CANNOT_TELL, result.verdict());
    assertTrue(result.sentence().startsWith("Can't tell"));
    assertTrue(result.sizes().isEmpty());
  }

  @Test
  void anInterruptEndsToo() {
    Thread.currentThread().interrupt();
    TransferResult result = sides().run(new Dots(60, 3).sides());
    assertTrue(Thread.interrupted());
    assertFalse(result.isComplete());
  }

  @Test
  void aDamagedFileIsNamedAndLeftAlone() throws IOException {
    Dataset data = new Dots(60, 3).sides();
    reusedBy(sides().folder(temporary), data);
    List<Path> files;
    try (var all = Files.list(temporary)) {
      files = all.toList();
    }
    for (Path file : files) {
      Files.write(file, new byte[3]);
    }
    String message =
        assertThrows(IllegalStateException.class, () -> sides().folder(temporary).run(data))
            .getMessage();
    assertTrue(message.contains(".cell: expected what a study kept"), message);
    assertEquals(3, Files.size(files.get(0)));
  }

  /** Sorted data, most of whose answers are blank: small parts have none to choose by. */
  @Test
  void mayHaveFewAnswers() {
    Dataset sides = new Dots(80, 3).sides();
    float[][] answers = new float[80][];
    for (int i = 0; i < 80; i++) {
      answers[i] = i < 65 ? new float[] {Float.NaN, Float.NaN} : Datasets.target(sides, "side", i);
    }
    Dataset few =
        Datasets.withTargets(
            Datasets.withoutTargets(sides), "side", List.of("low", "right"), answers);
    TransferResult result = sides().run(few);
    assertTrue(result.isComplete());
    for (float[] answer : answers) {
      java.util.Arrays.fill(answer, Float.NaN);
    }
    Dataset none =
        Datasets.withTargets(
            Datasets.withoutTargets(sides), "side", List.of("low", "right"), answers);
    assertRefused("with an answer", () -> sides().run(none));
  }

  @Test
  void refusesWhatDoesNotFit() {
    Dataset data = new Dots(60, 3).sides();
    assertThrows(IllegalArgumentException.class, () -> TransferStudy.of(backbone).run(data));
    assertRefused("expected at least 12 examples", () -> sides().run(new Dots(11, 3).sides()));
    assertRefused("quarter", () -> sides().run(new Dots(60, 3).quarters()));
    TransferStudy nothing = sides().scratch(seed -> null);
    String message = assertThrows(NullPointerException.class, () -> nothing.run(data)).getMessage();
    assertTrue(message.contains("scratch: expected"), message);
    assertRefused("count: expected 2 to 100", () -> sides().folds(1));
    assertRefused("folds: expected at least 2", () -> sides().folds(List.of()));
    assertRefused("steps", () -> sides().headSteps(0));
    assertRefused("limit", () -> sides().timeLimit(Duration.ZERO));
    assertRefused("choices", () -> sides().settings(TransferArm.FROZEN, List.of()));
    TransferResult result =
        sides()
            .settings(TransferArm.FROZEN, List.of(AdaptationSetting.headAlone(1e-2)))
            .probes(false)
            .run(data);
    assertRefused("examples: expected one of", () -> result.score(TransferArm.FROZEN, 1));
    assertRefused("arm", () -> result.verdict(TransferArm.SCRATCH));
  }

  private static void assertRefused(
      String message, org.junit.jupiter.api.function.Executable call) {
    String got = assertThrows(IllegalArgumentException.class, call).getMessage();
    assertTrue(got.contains(message), got);
  }
}
