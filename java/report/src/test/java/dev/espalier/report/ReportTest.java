// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Evaluation;
import dev.espalier.Head;
import dev.espalier.Metric;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What reports say is what the library measures; no browser is needed to see it. */
class ReportTest {
  private static Network network;
  private static Dataset data;
  private static Evaluation evaluation;
  private static JsonNode report;

  @BeforeAll
  static void evaluate() throws IOException {
    network = SampleReports.network();
    SampleReports.train(network, SampleReports.data(1), 4);
    network.setThresholds("finding", 0.5, 0.3, 0.45, 0.999);
    data = SampleReports.data(2);
    evaluation = network.evaluate(data);
    Examples examples = Examples.inputs().occlude(2).perLabel(3);
    report = json(Report.of(network).evaluation("Test", data, examples));
  }

  @AfterAll
  static void close() {
    network.close();
  }

  private static JsonNode json(Report report) throws IOException {
    return new ObjectMapper().readTree(report.json());
  }

  private static List<JsonNode> blocks(JsonNode report, String kind) {
    List<JsonNode> blocks = new ArrayList<>();
    for (JsonNode section : report.get("sections")) {
      for (JsonNode block : section.get("blocks")) {
        if (block.get("kind").asText().equals(kind)) {
          blocks.add(block);
        }
      }
    }
    return blocks;
  }

  private static JsonNode cards(String task) {
    return blocks(report, "labels").stream()
        .filter(block -> block.get("task").asText().equals(task))
        .findFirst()
        .orElseThrow()
        .get("cards");
  }

  /** Area and average precision of the points shown, all of them as there are few. */
  private static double[] areas(JsonNode card) {
    JsonNode ranked = card.get("ranked");
    double area = 0;
    double precision = 0;
    for (int k = 1; k < ranked.get("yes").size(); k++) {
      double yes = ranked.get("yes").get(k).asDouble();
      double no = ranked.get("no").get(k).asDouble();
      double formerYes = ranked.get("yes").get(k - 1).asDouble();
      area += (no - ranked.get("no").get(k - 1).asDouble()) * (yes + formerYes) / 2;
      precision += (yes - formerYes) * yes / (yes + no);
    }
    double all = card.get("yes").asDouble();
    return new double[] {area / (all * card.get("no").asDouble()), precision / all};
  }

  @Test
  void curvesOfLabelsHaveTheAreasOfTheMetrics() {
    int j = 0;
    for (JsonNode card : cards("finding")) {
      String label = SampleReports.HOSTILE.get(j++);
      assertEquals(label, card.get("label").asText());
      double auc = evaluation.task("finding").metric(Metric.AUC, label).value();
      double precision = evaluation.task("finding").metric(Metric.AVERAGE_PRECISION, label).value();
      assertEquals(auc, card.get("auc").asDouble(), 1e-12);
      // Curves of more than 200 points are drawn by fewer.
      assertEquals(auc, areas(card)[0], 5e-3);
      assertEquals(precision, areas(card)[1], 5e-3);
    }
    assertEquals(4, j);
  }

  @Test
  void theKeptThresholdIsOneOfThePointsExactly() {
    for (JsonNode card : cards("finding")) {
      JsonNode ranked = card.get("ranked");
      int at = 0;
      while (at + 1 < ranked.get("threshold").size()
          && ranked.get("threshold").get(at + 1).asDouble() >= card.get("threshold").asDouble()) {
        at++;
      }
      assertEquals(card.get("found").asInt(), ranked.get("yes").get(at).asInt());
      assertEquals(card.get("false").asInt(), ranked.get("no").get(at).asInt());
    }
  }

  @Test
  void reliabilityHasTheErrorOfTheMetric() {
    for (JsonNode card : cards("finding")) {
      assertEquals(
          card.get(Metric.EXPECTED_CALIBRATION_ERROR).asDouble(),
          weighted(card.get("reliability")),
          1e-6);
    }
    JsonNode classes = blocks(report, "reliability").get(0);
    assertEquals(
        evaluation.task("kind").metric(Metric.EXPECTED_CALIBRATION_ERROR).value(),
        weighted(classes.get("bins")),
        1e-6);
  }

  private static double weighted(JsonNode bins) {
    double sum = 0;
    double count = 0;
    for (JsonNode bin : bins) {
      double distance = bin.get("probability").asDouble() - bin.get("share").asDouble();
      sum += bin.get("count").asDouble() * Math.abs(distance);
      count += bin.get("count").asDouble();
    }
    return sum / count;
  }

  @Test
  void theWrongAnswersAreWrongAndTheMostSureComeFirst() {
    JsonNode card = cards("finding").get(0);
    assertEquals(3, card.get("wrong").size());
    try (Predictor predictor = network.predictor()) {
      double before = 0;
      for (JsonNode wrong : card.get("wrong")) {
        int example = wrong.get("example").asInt();
        float known = Datasets.target(data, "finding", example)[0];
        float said =
            predictor
                .predictNamed(Datasets.input(data, example))
                .value("finding", SampleReports.HOSTILE.get(0));
        assertTrue(said >= 0.5 != known >= 0.5, example + ": " + said);
        double right = known >= 0.5 ? said : 1 - said;
        assertTrue(right >= before - 1e-6);
        before = right;
      }
    }
  }

  @Test
  void classesAreNamedAndConfusedAsTheMetricsSay() {
    long[][] confusion = evaluation.task("kind").metrics().confusion();
    JsonNode counts = blocks(report, "confusion").get(0).get("counts");
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 3; j++) {
        assertEquals(confusion[i][j], counts.get(i).get(j).asLong());
      }
    }
    for (JsonNode wrong : cards("kind").get(1).get("wrong")) {
      assertEquals("one", wrong.get("known").asText());
      assertEquals(1, Datasets.target(data, "kind", wrong.get("example").asInt())[0]);
    }
  }

  @Test
  void labelsGoTogetherWhereBothAreKnown() {
    JsonNode together = blocks(report, "together").get(0);
    int yes = 0;
    int both = 0;
    for (int i = 0; i < data.size(); i++) {
      float[] row = Datasets.target(data, "finding", i);
      if (row[0] == 1 && !Float.isNaN(row[1])) {
        yes++;
        both += row[1] == 1 ? 1 : 0;
      }
    }
    assertEquals((double) both / yes, together.get("shares").get(0).get(1).asDouble(), 1e-12);
    assertTrue(together.get("shares").get(2).get(3).isNull());
    assertEquals(1, together.get("never").size());
    assertEquals(SampleReports.HOSTILE.get(3), together.get("never").get(0).get(1).asText());
  }

  /** A data set may have labels and classes in another order than the head. */
  @Test
  void answersAreMatchedByName() throws IOException {
    float[][] rows = {{1, 0}, {0, 1}, {1, Float.NaN}, {0, 0}};
    float[] inputs = {4, 1, 3, 2};
    Shape shape = Shape.vector(1);
    Dataset plain = Datasets.withoutTargets(Datasets.of(inputs, shape));
    Dataset turned = Datasets.withTargets(plain, "t", List.of("second", "first"), rows);
    turned = Datasets.withClasses(turned, "c", List.of("z", "y"), new int[] {0, 1, -1, 0});
    try (Network small =
        Network.builder(shape)
            .head("t", Head.labels("first", "second"))
            .head("c", Head.classes("y", "z"))
            .build(1)) {
      JsonNode page = json(Report.of(small).evaluation("", turned));
      JsonNode labels = blocks(page, "labels").get(0).get("cards");
      assertEquals(List.of("first", 1, 2, 1), counts(labels.get(0)));
      assertEquals(List.of("second", 2, 2, 0), counts(labels.get(1)));
      JsonNode classes = blocks(page, "labels").get(1).get("cards");
      assertEquals(List.of("y", 1, 2, 1), counts(classes.get(0)));
      assertEquals(List.of("z", 2, 1, 1), counts(classes.get(1)));
    }
  }

  private static List<Object> counts(JsonNode card) {
    return List.of(
        card.get("label").asText(),
        card.get("yes").asInt(),
        card.get("no").asInt(),
        card.get("blank").asInt());
  }

  @Test
  void nobodyKnowsALabelAndNothingIsPredicted() throws IOException {
    float[][] rows = {{Float.NaN, 1}, {Float.NaN, 1}};
    Dataset blank = Datasets.of(new float[][] {{0}, {1}}, rows);
    try (Network small =
        Network.builder(blank.inputShape()).head("t", Head.labels("a", "b")).build(1)) {
      JsonNode card = blocks(json(Report.of(small).evaluation("", blank)), "labels").get(0);
      assertTrue(card.get("cards").get(0).get("auc").isNull());
      assertEquals(1, card.get("cards").get(0).get("ranked").get("yes").size());
      assertTrue(card.get("cards").get(1).get("auc").isNull());
    }
  }

  @Test
  void jsonHasAllNumbersButNoPicture() {
    Report whole = Report.of(network).evaluation("Test", data, Examples.inputs());
    assertTrue(whole.html().contains("data:image/png;base64,"));
    assertFalse(whole.json().contains("data:image/png;base64,"));
    assertEquals(whole.html(), Report.of(network).evaluation("Test", data).html());
  }

  /** The sheet has what training reads: the data set of each epoch, drawn on one scale. */
  @Test
  void theContactSheetShowsWhatTrainingSees() throws IOException {
    Shape shape = Shape.image(1, 1, 2);
    float[][] inputs = {{0, 1}, {1, 0.5f}};
    Dataset plain = Datasets.withoutTargets(Datasets.of(new float[] {0, 1, 1, 0.5f}, shape));
    Dataset augmented =
        Datasets.augment(plain, 3, (input, random) -> new float[] {random.nextFloat(), input[1]});
    List<Float> seen = new ArrayList<>();
    Report sheet = Report.titled("").augmentation(plain, augmented, input -> drawn(input, seen));
    JsonNode block = blocks(json(sheet), "sheet").get(0);
    assertEquals(6, block.get("columns").size());
    assertEquals("as it is", block.get("columns").get(0).asText());
    assertEquals(2, block.get("rows").size());
    assertEquals("example 1, epoch 2", block.at("/rows/1/2/name").asText());
    int at = 0;
    for (int example = 0; example < 2; example++) {
      assertEquals(inputs[example][0], seen.get(at++));
      for (int epoch = 0; epoch < 5; epoch++) {
        float[] trained = Datasets.input(augmented.atEpoch(epoch), example);
        assertEquals(trained[0], seen.get(at++), example + " in epoch " + epoch);
      }
    }
    assertEquals(12, seen.stream().distinct().count());
  }

  private static BufferedImage drawn(float[] input, List<Float> seen) {
    seen.add(input[0]);
    return PictureData.ofInput(input, 1, 1, 2, 0, 1);
  }

  /** A picture made brighter does not look as it did: white is the brightest as it is. */
  @Test
  void theContactSheetHasOneScale() throws IOException {
    Dataset plain =
        Datasets.withoutTargets(Datasets.of(new float[] {0, 0.5f, 1, 0}, Shape.image(1, 2, 2)));
    Dataset darker =
        Datasets.augment(
            plain, 1, (input, random) -> new float[] {0, input[1] / 2, input[2] / 2, 0});
    String html = Report.titled("").augmentation(plain, darker).html();
    List<BufferedImage> pictures = new ArrayList<>();
    Matcher urls = Pattern.compile("data:image/png;base64,([^\"]+)").matcher(html);
    while (urls.find()) {
      byte[] png = Base64.getDecoder().decode(urls.group(1).replace("\\u003d", "="));
      pictures.add(ImageIO.read(new ByteArrayInputStream(png)));
    }
    assertEquals(6, pictures.size());
    assertEquals(255, pictures.get(0).getRGB(0, 1) & 255);
    assertEquals(128, pictures.get(1).getRGB(0, 1) & 255);
    assertEquals(64, pictures.get(5).getRGB(1, 0) & 255);
  }

  @Test
  void whatIsNoAugmentationOfTheDataIsRefused() {
    Report of = Report.titled("");
    Dataset less = Datasets.range(data, 0, 5);
    assertThrows(IllegalArgumentException.class, () -> of.augmentation(data, less));
    Dataset flat = Datasets.reshape(data, Shape.vector(data.inputShape().size()));
    assertThrows(IllegalArgumentException.class, () -> of.augmentation(data, flat));
    assertThrows(IllegalArgumentException.class, () -> of.augmentation(flat, flat));
    Dataset none = Datasets.range(data, 0, 0);
    assertThrows(IllegalArgumentException.class, () -> of.augmentation(none, none));
  }

  /** What could end the script, or a line of it, stands in the page as an escape. */
  @Test
  void namesCannotLeaveTheScript() {
    String html =
        Report.titled(String.join(" ", SampleReports.HOSTILE))
            .section(Section.titled("/*SCRIPT*/ /*RESULTS*/").text("]]> -->"))
            .html();
    String results = html.substring(html.indexOf("const results ="));
    String line = results.substring(0, results.indexOf(";</script>"));
    assertFalse(line.matches("(?s).*[<>&\u2028\u2029].*"), line);
    assertTrue(line.contains("\\u003c/script\\u003e"), line);
    assertTrue(line.contains("/*SCRIPT*/ /*RESULTS*/"), line);
  }

  @Test
  void whatCannotBeShownIsRefused(@TempDir Path folder) {
    Report without = Report.titled("none");
    assertThrows(IllegalStateException.class, () -> without.evaluation("", data));
    assertThrows(IllegalStateException.class, () -> Examples.numbered().occlude(4));
    assertThrows(IllegalStateException.class, () -> Examples.inputs().occludeWords(t -> null));
    assertThrows(IllegalArgumentException.class, () -> Examples.inputs().occlude(1));
    assertThrows(IllegalArgumentException.class, () -> Examples.inputs().perLabel(-1));
    assertThrows(IllegalArgumentException.class, () -> Comparison.of("", "").row("a", 1, 3, 2));
    assertThrows(
        IllegalArgumentException.class,
        () -> Section.titled("").table(List.of("a"), List.of(List.of("a", "b"))));
    assertThrows(
        IllegalArgumentException.class, () -> Chart.bars("", List.of("a")).values("s", 1, 2));
    Dataset flat = Datasets.of(new float[][] {{0}}, new float[][] {{1}});
    try (Network small = Network.builder(flat.inputShape()).head("t", Head.labels("a")).build(1)) {
      Report of = Report.of(small);
      Examples occluded = Examples.inputs().occlude(4);
      assertThrows(IllegalArgumentException.class, () -> of.evaluation("", flat, occluded));
      assertThrows(IllegalArgumentException.class, () -> of.evaluation("", data));
    }
  }
}
