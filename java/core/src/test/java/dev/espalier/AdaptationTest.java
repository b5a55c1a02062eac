// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One verb that adapts a network, and says what it did. */
class AdaptationTest {
  private static final Head SIDES = Head.labels("low", "right");

  private final Dots dots = new Dots(60, 1);
  private final Dataset validation = new Dots(100, 2).labels();

  private static Adaptation brief(Network backbone) {
    return Adaptation.of(backbone).head("side", SIDES).headSteps(40).tuningSteps(30).seed(3);
  }

  @Test
  void chooses() {
    try (Network backbone = Dots.classifier(1)) {
      float[] before = backbone.parameter("conv1.weight");
      try (Adapted adapted = brief(backbone).fit(dots.labels(), validation)) {
        AdaptationReport report = adapted.report();
        assertEquals(Adaptation.usualSettings().size(), report.trials().size());
        double best =
            report.trials().stream().mapToDouble(t -> t.value().orElseThrow()).min().orElseThrow();
        assertEquals(best, report.chosen().value().orElseThrow());
        assertEquals("loss", report.chosenBy());
        assertEquals(best, adapted.network().evaluate(validation).loss(), 1e-5);
        assertEquals(List.of("side"), adapted.network().tasks().stream().map(Task::name).toList());
        assertTrue(report.toString().contains("chosen by the loss on the validation data"));
        assertTrue(report.toString().contains("all at once at 0.003"));
      }
      assertArrayEquals(before, backbone.parameter("conv1.weight"));
      assertEquals(List.of("quarter"), backbone.tasks().stream().map(Task::name).toList());
    }
  }

  @Test
  void isTheSameForTheSameSeedAndAnyThreads() {
    int threads = Espalier.threads();
    try (Network backbone = Dots.rich(1)) {
      float[][] weights = new float[2][];
      for (int i = 0; i < 2; i++) {
        Espalier.setThreads(1 + 2 * i);
        try (Adapted adapted = brief(backbone).fit(dots.labels(), validation)) {
          weights[i] = adapted.network().parameter("heads.side.dense.weight");
        }
      }
      assertArrayEquals(weights[0], weights[1]);
    } finally {
      Espalier.setThreads(threads);
    }
  }

  @Test
  void isNeverWorseThanTheHeadAlone() {
    try (Network backbone = Dots.classifier(1);
        Adapted adapted =
            brief(backbone)
                .metric("side", Metric.MACRO_AUC)
                .settings(
                    List.of(AdaptationSetting.headAlone(0.01), AdaptationSetting.headFirst(5, 9)))
                .fit(dots.labels(), validation)) {
      List<AdaptationReport.Trial> trials = adapted.report().trials();
      assertEquals(2, trials.size());
      OptionalDouble alone = trials.get(0).value();
      assertTrue(
          adapted.report().chosen().value().orElseThrow() >= alone.orElse(0), adapted::toString);
    }
  }

  @Test
  void adaptsTheHeadsThatThereAre() {
    try (Network backbone = Dots.rich(1);
        Adapted adapted =
            Adaptation.of(backbone)
                .settings(List.of(AdaptationSetting.headFirst(0.02, 1)))
                .headSteps(20)
                .tuningSteps(20)
                .fit(dots.both(), new Dots(50, 2).both())) {
      assertEquals("loss", adapted.report().chosenBy());
      assertEquals(backbone.tasks(), adapted.network().tasks());
    }
  }

  @Test
  void batchNormsAndWhatIsNamedStay() {
    try (Network backbone = Dots.rich(1)) {
      List<AdaptationSetting> atOnce =
          List.of(AdaptationSetting.headAlone(1e-9), AdaptationSetting.atOnce(0.05));
      try (Adapted kept = brief(backbone).settings(atOnce).fit(dots.labels(), validation);
          Adapted adapted =
              brief(backbone)
                  .settings(atOnce)
                  .batchNorms(BatchNormStatistics.ADAPT)
                  .keepFrozen("conv*")
                  .fit(dots.labels(), validation)) {
        assertEquals(1, kept.report().trials().indexOf(kept.report().chosen()));
        assertEquals(1, adapted.report().trials().indexOf(adapted.report().chosen()));
        assertTrue(
            kept.network().layers().stream()
                .noneMatch(layer -> layer.name().equals("drop1") && layer.isFrozen()));
        assertTrue(isSame(backbone, kept, "norm1.running_mean"));
        assertTrue(isSame(backbone, kept, "norm1.weight"));
        assertTrue(!isSame(backbone, kept, "conv1.weight"));
        assertTrue(!isSame(backbone, adapted, "norm1.running_mean"));
        assertTrue(isSame(backbone, adapted, "conv1.weight"));
        assertTrue(!isSame(backbone, adapted, "features.weight"));
      }
    }
  }

  private static boolean isSame(Network backbone, Adapted adapted, String path) {
    return Arrays.equals(backbone.parameter(path), adapted.network().parameter(path));
  }

  @Test
  void endsInTime() {
    try (Network backbone = Dots.classifier(1);
        Adapted adapted =
            brief(backbone).timeLimit(Duration.ofNanos(1)).fit(dots.labels(), validation)) {
      List<AdaptationReport.Trial> trials = adapted.report().trials();
      assertEquals(0, trials.indexOf(adapted.report().chosen()));
      assertEquals("not tried: no time left", trials.get(1).note());
      assertTrue(trials.get(0).value().isEmpty());
      assertEquals("not validated: ended by TIME_LIMIT", trials.get(0).note());
      // However many steps it would have had.
      brief(backbone)
          .headSteps(Long.MAX_VALUE)
          .tuningSteps(Long.MAX_VALUE)
          .timeLimit(Duration.ofNanos(1))
          .fit(dots.labels(), validation)
          .close();
    }
  }

  @Test
  void saysThatItWasInterrupted() {
    Thread.currentThread().interrupt();
    try (Network backbone = Dots.classifier(1);
        Adapted adapted = brief(backbone).fit(dots.labels(), validation)) {
      List<AdaptationReport.Trial> trials = adapted.report().trials();
      assertEquals("not validated: ended by INTERRUPTED", trials.get(0).note());
      assertEquals("not tried: interrupted", trials.get(1).note());
    } finally {
      assertTrue(Thread.interrupted());
    }
  }

  /** No AUC without a known yes. */
  @Test
  void saysThatWhatItChoosesByIsUndefined() {
    Dataset noes =
        Datasets.withTargets(
            Datasets.withoutTargets(validation),
            "side",
            List.of("low", "right"),
            new float[validation.size()][2]);
    try (Network backbone = Dots.classifier(1)) {
      for (boolean keepsBest : new boolean[] {false, true}) {
        Adaptation adaptation = brief(backbone).metric("side", Metric.MACRO_AUC);
        if (keepsBest) {
          adaptation.keepBest();
        }
        try (Adapted adapted = adaptation.fit(dots.labels(), noes)) {
          for (AdaptationReport.Trial trial : adapted.report().trials()) {
            assertTrue(trial.value().isEmpty(), trial::toString);
            assertEquals("undefined on the validation data", trial.note());
          }
          String text = adapted.report().toString();
          assertTrue(text.contains("chosen, undefined on the validation data"), text);
        }
      }
    }
  }

  @Test
  void featuresAreComputedOnce() {
    try (Network backbone = Dots.classifier(1);
        FeatureCache cache = FeatureCache.create()) {
      brief(backbone)
          .settings(List.of(AdaptationSetting.headAlone(0.01), AdaptationSetting.headAlone(0.001)))
          .featureCache(cache)
          .fit(dots.labels(), validation)
          .close();
      assertEquals(160, cache.computedExamples());
    }
  }

  @Test
  void explainsBefore() {
    try (Network backbone = Dots.classifier(1)) {
      String text = Adaptation.of(backbone).head("side", SIDES).explain(100);
      assertTrue(text.contains("heads: at most 300 steps"), text);
      assertTrue(text.contains("150 steps of conv1, features"), text);
      assertTrue(text.contains("head first at 0.01, then all × 1.0, layer decay 0.5"), text);
    }
  }

  @Test
  void explainsWhatEachWayTrains() {
    try (Network backbone = Dots.classifier(1)) {
      String alone =
          Adaptation.of(backbone)
              .head("side", SIDES)
              .settings(List.of(AdaptationSetting.headAlone(1e-2)))
              .explain(100);
      assertTrue(alone.contains("heads: at most 300 steps\nchosen by"), alone);
      String atOnce =
          Adaptation.of(backbone)
              .head("side", SIDES)
              .settings(List.of(AdaptationSetting.atOnce(1e-3)))
              .explain(100);
      assertTrue(atOnce.contains("\nall: at most 150 steps of conv1, features\n"), atOnce);
      assertFalse(atOnce.contains("heads: at most"), atOnce);
      assertTrue(atOnce.lines().anyMatch(line -> line.matches("conv1 .* trainable .*")), atOnce);
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (Network backbone = Dots.classifier(1)) {
      Adaptation adaptation = brief(backbone);
      assertThrows(
          IllegalArgumentException.class,
          () -> adaptation.keepFrozen("conv7").fit(dots.labels(), validation));
      assertThrows(
          IllegalArgumentException.class,
          () -> brief(backbone).metric("side", "macro_acu").fit(dots.labels(), validation));
      assertThrows(IllegalArgumentException.class, () -> brief(backbone).settings(List.of()));
      assertThrows(IllegalArgumentException.class, () -> brief(backbone).timeLimit(Duration.ZERO));
      Dataset bad =
          Datasets.map(
              dots.labels(),
              x -> {
                x[0] = Float.NaN;
                return x;
              });
      assertThrows(NonFiniteException.class, () -> brief(backbone).fit(bad, validation));
    }
    try (Network headless = Dots.backbone().build(1)) {
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> Adaptation.of(headless).fit(dots.labels(), validation))
              .getMessage();
      assertTrue(message.contains("head"), message);
    }
  }

  @Test
  void goesOnFromWhatItWroteDown(@TempDir Path folder) {
    Checkpoints checkpoints = Checkpoints.in(folder).everySteps(7).resuming();
    try (Network backbone = Dots.rich(1);
        Adapted whole = brief(backbone).fit(dots.labels(), validation)) {
      int[] steps = new int[2];
      TrainingListener stopping =
          new TrainingListener() {
            @Override
            public void onEpoch(EpochResult epoch) {}

            @Override
            public void onStep(StepResult step) {
              if (++steps[0] == 120) {
                throw new IllegalStateException("as if the power were gone");
              }
            }
          };
      assertThrows(
          IllegalStateException.class,
          () ->
              brief(backbone)
                  .checkpoints(checkpoints)
                  .listener(stopping)
                  .fit(dots.labels(), validation));
      TrainingListener counting =
          new TrainingListener() {
            @Override
            public void onEpoch(EpochResult epoch) {}

            @Override
            public void onStep(StepResult step) {
              steps[1]++;
            }
          };
      try (Adapted resumed =
          brief(backbone)
              .checkpoints(checkpoints)
              .listener(counting)
              .fit(dots.labels(), validation)) {
        assertArrayEquals(
            whole.network().parameter("heads.side.dense.weight"),
            resumed.network().parameter("heads.side.dense.weight"));
        assertEquals(
            whole.report().trials().stream().map(AdaptationReport.Trial::value).toList(),
            resumed.report().trials().stream().map(AdaptationReport.Trial::value).toList());
        long all = whole.report().trials().stream().mapToLong(AdaptationReport.Trial::steps).sum();
        assertTrue(steps[1] < all - 90, steps[1] + " of " + all);
      }
      steps[1] = 0;
      brief(backbone)
          .checkpoints(checkpoints)
          .listener(counting)
          .fit(dots.labels(), validation)
          .close();
      assertEquals(0, steps[1]); // all was trained to its end
    }
  }
}
