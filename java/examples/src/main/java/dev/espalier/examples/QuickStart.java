// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.espalier.Datasets;
import dev.espalier.Espalier;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.report.Examples;
import dev.espalier.report.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The main job, end to end, on real images: pre-train, graft, freeze, fine-tune, partly labelled
 * multi-task, predict, save, load.
 */
@Command(
    name = "quickstart",
    mixinStandardHelpOptions = true,
    description = "Trains, grafts, fine-tunes, serves; writes result.json and report.html.")
public final class QuickStart implements Callable<Integer> {
  private static final int PRETRAINING_EPOCHS = 5;
  private static final int SMALLER_PRETRAINING_EPOCHS = 1;
  private static final int[] UNSEEN = {2, 9};
  private static final int UNSEEN_SIZE = 100;
  private static final int SHOWN = 12;
  private static final int DETAILED_PARTS = 7;

  @Option(names = "--out", description = "folder for the results (default: ${DEFAULT-VALUE})")
  private Path out = Path.of("target", "quickstart");

  @Option(
      names = "--garments",
      description = "folder with Fashion-MNIST's four IDX files (default: ${DEFAULT-VALUE})")
  private Path garments = Path.of("/usr/share/datasets/fashion-mnist");

  @Option(
      names = "--data",
      description = "folder with MNIST's t10k IDX files: adds garments → digits")
  private Path digits;

  @Option(names = "--full", description = "also a shared network of width 4")
  private boolean isFull;

  private final Map<String, Object> results = new LinkedHashMap<>();
  private final Map<String, Object> curves = new LinkedHashMap<>();
  private final Map<String, Object> verdicts = new LinkedHashMap<>();
  private final GarmentPage page = new GarmentPage();

  /** Runs the quick start. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new QuickStart()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    long start = System.nanoTime();
    Files.createDirectories(out);
    FashionMnist data = FashionMnist.load(garments);
    System.out.println(Espalier.describe());
    results.put("date", LocalDate.now().toString());
    results.put(
        "machine",
        Map.of("describe", Espalier.describe(), "java", System.getProperty("java.version")));
    results.put("seconds_total", 0.0);

    Network pretrained = pretrain(data);
    AttributeTransfer attributes = new AttributeTransfer(data);
    transfer(attributes, pretrained);
    unseen(data, attributes);
    hurts(data, pretrained);
    oneOrSeveral(data);
    Network served = attributes.firstNetwork("frozen", 500);
    Map<String, Object> measured = Serving.run(served, attributes.test(), out);
    results.put("serve", measured);
    page.serving(measured);
    answersInDetail(served, attributes);
    Tables.serve(results);

    results.put("curves", curves);
    results.put("verdicts", verdicts);
    double seconds = seconds(start);
    results.put("seconds_total", seconds);
    write(seconds);
    System.out.printf(
        "%nResults: %s, report: %s (%.0f s)%n",
        out.resolve("result.json"), out.resolve("report.html"), seconds(start));
    return 0;
  }

  private Network pretrain(FashionMnist data) {
    long start = System.nanoTime();
    var pretrained = Pretraining.run(data, c -> true, PRETRAINING_EPOCHS, 42, "1 pre-training");
    double accuracy = pretrained.network().evaluate(data.test()).metric("accuracy").value();
    results.put("pretrain", Map.of("test_accuracy", accuracy, "seconds", seconds(start)));
    curves.put("pretrain_loss", Curves.losses(pretrained.history()));
    curves.put(
        "pretrain_accuracy",
        Map.of("accuracy", Curves.metric(pretrained.history(), "garment", "accuracy")));
    page.pretraining(pretrained.history(), accuracy);
    System.out.println();
    System.out.print(pretrained.network().summary());
    System.out.printf("test accuracy %.4f (%.0f s)%n%n", accuracy, seconds(start));
    return pretrained.network();
  }

  private void transfer(AttributeTransfer attributes, Network pretrained) {
    System.out.print(
        pretrained
            .transfer()
            .dropHead("garment")
            .freezeThrough("features")
            .head(GarmentAttributes.TASK, AttributeTransfer.head())
            .explain());
    Map<String, List<String>> classes = new LinkedHashMap<>();
    GarmentAttributes.CLASSES.forEach(
        (name, yes) -> classes.put(name, yes.stream().map(FashionMnist.CLASSES::get).toList()));
    results.put("attribute_classes", classes);
    System.out.println("\nSix questions, their answers derived from the garment's class:");
    classes.forEach(
        (name, yes) -> System.out.printf("  %-32s yes for %s%n", name, String.join(", ", yes)));
    var scores = attributes.run(pretrained);
    Map<String, Object> table = new LinkedHashMap<>();
    scores.forEach((size, arms) -> table.put(size, Tables.attributeScores(arms)));
    results.put("attributes", table);
    List<Map<String, Object>> said = Verdicts.attributes(scores);
    verdicts.put("attributes", said);
    Map<String, double[][]> auc =
        Curves.perLabel(
            attributes.firstHistory("frozen", 20),
            GarmentAttributes.TASK,
            "auc",
            GarmentAttributes.names());
    curves.put("attribute_auc", auc);
    page.transfer(classes, scores, said, auc);
    Tables.attributes(scores);
    Tables.verdicts(verdicts.get("attributes"));
    page.answered(pictures(attributes));
  }

  private void unseen(FashionMnist data, AttributeTransfer attributes) {
    var pretrained =
        Pretraining.run(
            data,
            Pretraining.except(UNSEEN),
            SMALLER_PRETRAINING_EPOCHS,
            43,
            "2 without two classes");
    var scores = attributes.unseen(pretrained.network(), UNSEEN_SIZE, UNSEEN);
    List<String> names = new ArrayList<>();
    for (int garment : UNSEEN) {
      names.add(FashionMnist.CLASSES.get(garment));
    }
    results.put("unseen_names", names);
    results.put("unseen_classes", Tables.attributeScores(scores));
    page.unseen(names, scores);
    Tables.unseen(names, UNSEEN_SIZE, scores);
    pretrained.network().close();
  }

  private void hurts(FashionMnist data, Network pretrained) {
    var fiveClasses =
        Pretraining.run(
            data,
            c -> c < WhenTransferHurts.FIRST_OF_LAST_FIVE,
            SMALLER_PRETRAINING_EPOCHS,
            44,
            "3 five classes");
    String[] others =
        FashionMnist.CLASSES
            .subList(WhenTransferHurts.FIRST_OF_LAST_FIVE, FashionMnist.CLASSES.size())
            .toArray(String[]::new);
    Map<String, Spread> scores =
        WhenTransferHurts.run(
            "3 other five",
            fiveClasses.network(),
            others,
            WhenTransferHurts.lastFive(
                Datasets.range(
                    data.training(),
                    FashionMnist.PRETRAINING_VALIDATION_END,
                    FashionMnist.POOL_END)),
            WhenTransferHurts.lastFive(
                Datasets.range(data.training(), FashionMnist.POOL_END, data.training().size())),
            WhenTransferHurts.lastFive(data.test()));
    results.put("hurts", Map.of("" + WhenTransferHurts.LABELS, Tables.accuracies(scores)));
    Tables.hurts("five kinds of garment → the other five", scores);
    Map<String, Map<String, Spread>> shown = new LinkedHashMap<>();
    shown.put("five kinds of garment → the other five", scores);
    Map<String, Spread> digitScores = null;
    if (digits != null) {
      digitScores = WhenTransferHurts.digits(pretrained, digits);
      results.put(
          "hurts_digits", Map.of("" + WhenTransferHurts.LABELS, Tables.accuracies(digitScores)));
      shown.put("garments → handwritten digits", digitScores);
      Tables.hurts("garments → handwritten digits", digitScores);
    }
    System.out.println(Verdicts.WHY_TRANSFER_HURTS);
    List<Map<String, Object>> said = Verdicts.hurts(scores, digitScores);
    verdicts.put("hurts", said);
    page.hurts(shown, said);
    Tables.verdicts(verdicts.get("hurts"));
    fiveClasses.network().close();
  }

  private void oneOrSeveral(FashionMnist data) {
    OneOrSeveral several = new OneOrSeveral(data, isFull);
    var scores = several.run();
    Map<String, Object> table = new LinkedHashMap<>();
    scores.forEach((size, ways) -> table.put(size, Tables.severalScores(ways)));
    results.put("one_or_several", table);
    List<Map<String, Object>> said = Verdicts.oneOrSeveral(scores.get("1000"), several.alwaysNo());
    verdicts.put("one_or_several", said);
    Tables.several(scores);
    Tables.verdicts(verdicts.get("one_or_several"));
    page.oneOrSeveral(scenes(several), scores, said);
  }

  /** The first test scenes with what is in them. */
  private static List<AnsweredPicture> scenes(OneOrSeveral several) {
    List<AnsweredPicture> shown = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      float[] answers = Datasets.target(several.test(), Scenes.TASK, i);
      List<String> yes = new ArrayList<>();
      for (int j = 0; j < answers.length; j++) {
        if (answers[j] == 1) {
          yes.add(Scenes.QUESTIONS[j]);
        }
      }
      shown.add(
          new AnsweredPicture(
              Pictures.ofPixels(Datasets.input(several.test(), i), Scenes.SIDE),
              yes.isEmpty() ? "none of the four" : String.join(", ", yes),
              Map.of()));
    }
    return shown;
  }

  /** The first test pictures with what the head trained from 20 pictures says of them. */
  private static List<AnsweredPicture> pictures(AttributeTransfer attributes) {
    List<AnsweredPicture> shown = new ArrayList<>();
    try (Predictor predictor = attributes.firstNetwork("frozen", 20).predictor()) {
      for (int i = 0; i < SHOWN; i++) {
        float[] input = Datasets.input(attributes.test(), i);
        shown.add(
            AnsweredPicture.of(
                Pictures.ofPixels(input, 28),
                FashionMnist.CLASSES.get(attributes.testClass(i)),
                GarmentAttributes.names(),
                predictor.predict(input),
                Datasets.target(attributes.test(), GarmentAttributes.TASK, i)));
      }
    }
    return shown;
  }

  /** A page of its own: each question's curves, threshold and worst answers. */
  private void answersInDetail(Network served, AttributeTransfer attributes) {
    Report.of(served)
        .title("Six questions about garments")
        .evaluation("Test pictures", attributes.test(), Examples.inputs().occlude(DETAILED_PARTS))
        .write(out.resolve("attributes.html"), StandardCopyOption.REPLACE_EXISTING);
  }

  private void write(double seconds) throws IOException {
    page.report(seconds).write(out.resolve("report.html"), StandardCopyOption.REPLACE_EXISTING);
    new ObjectMapper()
        .enable(SerializationFeature.INDENT_OUTPUT)
        .writeValue(out.resolve("result.json").toFile(), results);
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }
}
