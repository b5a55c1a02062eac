// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.Adaptation;
import dev.espalier.AdaptationReport;
import dev.espalier.AdaptationSetting;
import dev.espalier.Adapted;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.History;
import dev.espalier.Network;
import dev.espalier.Shape;
import dev.espalier.Split;
import dev.espalier.Trainer;
import dev.espalier.advice.LabelAdvice;
import dev.espalier.advice.LabelRegime;
import dev.espalier.advice.SharingResult;
import dev.espalier.advice.SharingStudy;
import dev.espalier.advice.TransferResult;
import dev.espalier.advice.TransferStudy;
import java.awt.image.BufferedImage;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Networks, data and reports of everything that there is, small ones. */
final class SampleReports {
  /** Names that would be markup, or end a script, if they were not set as text. */
  static final List<String> HOSTILE =
      List.of(
          "</script><script>alert(1)</script>",
          "<img src=x onerror=alert(2)>",
          "a\u2028b\u2029c\"'`&<!--",
          "averylongnamewithoutanyspaceatallthatgoesonandonandonuntilnoscreeniswideenoughforit_x");

  static final String TASK = "finding";
  static final String KIND = "kind";
  static final String AMOUNT = "amount";

  private static final int SIDE = 16;
  private static final int COUNT = 300;
  private static final int FEW = 100;

  private SampleReports() {}

  /** A network that trains in a moment: bright corners are labels, classes and a value. */
  static Network network() {
    return Network.builder(Shape.image(1, SIDE, SIDE))
        .conv2d("conv", 4, 3)
        .relu()
        .maxPool2d(2)
        .dense("features", 16)
        .relu()
        .head(TASK, Head.labels(HOSTILE.toArray(String[]::new)))
        .head(KIND, Head.classes("none", "one", "several <i>"))
        .head(AMOUNT, Head.values("bright"))
        .build(1);
  }

  /**
   * Pictures with bright corners; a third of the labels blank, the last two never known together.
   */
  static Dataset data(long seed) {
    Random random = new Random(seed);
    float[] inputs = new float[COUNT * SIDE * SIDE];
    float[][] labels = new float[COUNT][4];
    int[] kinds = new int[COUNT];
    float[][] amounts = new float[COUNT][1];
    for (int i = 0; i < COUNT; i++) {
      int bright = 0;
      for (int corner = 0; corner < 4; corner++) {
        boolean isYes = random.nextInt(3) == 0;
        bright += isYes ? 1 : 0;
        float level = isYes ? 0.9f : 0.35f;
        for (int y = 0; y < SIDE / 2; y++) {
          for (int x = 0; x < SIDE / 2; x++) {
            int at = (y + corner / 2 * SIDE / 2) * SIDE + x + corner % 2 * SIDE / 2;
            inputs[i * SIDE * SIDE + at] = level + 0.6f * (float) random.nextGaussian();
          }
        }
        boolean isKnown = corner < 2 ? random.nextInt(3) > 0 : i % 2 == corner - 2;
        boolean isWrong = random.nextInt(20) == 0;
        labels[i][corner] = isKnown ? isYes != isWrong ? 1 : 0 : Float.NaN;
      }
      kinds[i] = i % 10 == 0 ? -1 : Math.min(2, bright);
      amounts[i][0] = bright;
    }
    Dataset data = Datasets.withoutTargets(Datasets.of(inputs, Shape.image(1, SIDE, SIDE)));
    data = Datasets.withTargets(data, TASK, HOSTILE, labels);
    data = Datasets.withClasses(data, KIND, List.of("none", "one", "several <i>"), kinds);
    return Datasets.withTargets(data, AMOUNT, List.of("bright"), amounts);
  }

  static History train(Network network, Dataset data, int epochs) {
    Split split = Datasets.split(data, 0.8, 1);
    return Trainer.of(network)
        .epochs(epochs)
        .batchSize(16)
        .validation(split.second())
        .fit(split.first());
  }

  /** A report with every kind of block. */
  static Report whole() {
    try (Network network = network()) {
      History history = train(network, data(1), 4);
      return Report.of(network)
          .title("Report of <u>everything</u> " + HOSTILE.get(0))
          .subtitle(HOSTILE.get(1))
          .section(own())
          .comparison(comparison())
          .study(transfer(network))
          .study(sharing())
          .regime(LabelRegime.of(flat(findings(3))))
          .suspects(LabelAdvice.of(flat(findings(3))).suspects().subList(0, 5))
          .augmentation(data(1), flipped(data(1)))
          .history(history)
          .adaptation(adaptation(network))
          .evaluation("Test pictures " + HOSTILE.get(0), data(2), Examples.inputs().occlude(8))
          .evaluation("Metrics alone", network.evaluate(data(3)))
          .section(Section.titled("As texts").with(textCards(network)));
    }
  }

  /** Pictures mirrored left to right or not, and darker or brighter, as chance has it. */
  static Dataset flipped(Dataset data) {
    return Datasets.augment(
        data,
        7,
        (picture, random) -> {
          float brightness = 0.5f + random.nextFloat();
          boolean isMirrored = random.nextBoolean();
          float[] changed = new float[picture.length];
          for (int i = 0; i < picture.length; i++) {
            int from = isMirrored ? i / SIDE * SIDE + SIDE - 1 - i % SIDE : i;
            changed[i] = brightness * picture[from];
          }
          return changed;
        });
  }

  private static Map<String, Object> textCards(Network network) {
    Examples texts =
        Examples.texts(i -> "A text of words " + HOSTILE.get(i % 4) + " number " + i)
            .occludeWords(text -> Datasets.input(data(2), text.length() % COUNT));
    Section section = EvaluationSection.of("", network, data(2), texts);
    List<?> blocks = (List<?>) section.data().get("blocks");
    @SuppressWarnings("unchecked")
    Map<String, Object> cards =
        (Map<String, Object>)
            blocks.stream()
                .filter(block -> ((Map<?, ?>) block).get("kind").equals("labels"))
                .findFirst()
                .orElseThrow();
    return cards;
  }

  private static AdaptationReport adaptation(Network network) {
    Dataset data = Datasets.withoutTargets(data(4));
    int[] classes = new int[data.size()];
    for (int i = 0; i < classes.length; i++) {
      classes[i] = Math.max(0, (int) Datasets.target(data(4), KIND, i)[0]);
    }
    Split split = Datasets.split(Datasets.withClasses(data, KIND, classes), 0.8, 1);
    try (Network plain = network.transfer().dropHead(TASK).dropHead(AMOUNT).build(1);
        Adapted adapted =
            Adaptation.of(plain)
                .head(KIND, Head.classes("none", "one", "several"))
                .settings(
                    List.of(
                        AdaptationSetting.headAlone(0.01), AdaptationSetting.headFirst(0.01, 0.1)))
                .headSteps(20)
                .tuningSteps(20)
                .fit(split.first(), split.second())) {
      return adapted.report();
    }
  }

  /** Few examples of the labels alone: what studies and advice are quick with. */
  private static Dataset findings(long seed) {
    Dataset all = Datasets.range(data(seed), 0, FEW);
    float[][] rows = new float[FEW][];
    for (int i = 0; i < FEW; i++) {
      rows[i] = Datasets.target(all, TASK, i);
    }
    return Datasets.withTargets(Datasets.withoutTargets(all), TASK, HOSTILE, rows);
  }

  private static Dataset flat(Dataset data) {
    return Datasets.reshape(data, Shape.vector(SIDE * SIDE));
  }

  private static TransferResult transfer(Network backbone) {
    return TransferStudy.of(backbone)
        .head(TASK, Head.labels(HOSTILE.toArray(String[]::new)))
        .folds(2)
        .halvings(1)
        .headSteps(5)
        .tuningSteps(5)
        .source(data(1))
        .run(findings(2));
  }

  private static SharingResult sharing() {
    return SharingStudy.of(
            width ->
                Network.builder(Shape.image(1, SIDE, SIDE)).dense("features", 4 * width).relu())
        .head(TASK, Head::labels)
        .widths(1, 2)
        .folds(2)
        .steps(10)
        .run(findings(3));
  }

  static Comparison comparison() {
    return Comparison.of("Does it help? " + HOSTILE.get(1), "macro AUC, frozen less scratch")
        .reference(0)
        .text("Pairs on the same folds; intervals of 95 %. " + HOSTILE.get(0))
        .row("from 25 pictures", 0.113, 0.081, 0.145, "helps")
        .row("from 100 pictures " + HOSTILE.get(3), 0.004, -0.012, 0.021, "can't tell")
        .row("not measured", Double.NaN, Double.NaN, Double.NaN)
        .verdict("It helps with few pictures. " + HOSTILE.get(1));
  }

  private static Section own() {
    Map<String, Boolean> answers = new LinkedHashMap<>();
    answers.put("✓ " + HOSTILE.get(0), true);
    answers.put("✗ dog", false);
    List<String> sizes = List.of("20", "100", HOSTILE.get(1));
    return Section.titled("Own " + HOSTILE.get(3))
        .figure("93.1 %", "of the answers are right")
        .figure("4.6 µs", "per prediction " + HOSTILE.get(1))
        .text("Layers up to `features` are frozen. " + HOSTILE.get(0))
        .table(
            List.of("way", "value", "spread"),
            List.of(
                List.of(HOSTILE.get(0), 0.25, "0.682 ± 0.070"), List.of("rows", 12345, Double.NaN)))
        .charts(
            Chart.steps("pictures", "macro AUC", sizes)
                .ranges(
                    "frozen", new double[][] {{0.8, 0.7, 0.9}, {0.85, 0.8, 0.9}, {0.9, 0.9, 0.9}})
                .values(HOSTILE.get(1), 0.6, Double.NaN, 0.8)
                .caption("Whiskers: one standard deviation. " + HOSTILE.get(0)),
            Chart.bars("accuracy", sizes)
                .ranges("100", new double[][] {{0.8, 0.7, 0.9}, {0.85, 0.8, 0.9}, {0.9, 0.9, 0.9}})
                .values(HOSTILE.get(3), 0.6, 0.7, 0.8))
        .verdict("As expected. " + HOSTILE.get(1), true)
        .verdict("This is not what was expected.", false)
        .picture(new BufferedImage(600, 400, BufferedImage.TYPE_INT_RGB), HOSTILE.get(3), answers)
        .picture(new BufferedImage(28, 28, BufferedImage.TYPE_BYTE_GRAY), HOSTILE.get(1), answers);
  }
}
