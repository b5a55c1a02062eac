// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.espalier.Espalier;
import dev.espalier.data.PictureDataset;
import dev.espalier.data.PictureReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A published network and a folder of photographs: what it gains, from how few of them. */
@Command(
    name = "pictures",
    mixinStandardHelpOptions = true,
    description = "Adapts a published detector to photographs; writes pictures.json and .html.")
public final class PictureQuickStart implements Callable<Integer> {
  /** That 20 pictures show no yes of some question, each training would say again. */
  private static final Logger WARNINGS = Logger.getLogger("dev.espalier");

  @Option(names = "--out", description = "folder for the results (default: ${DEFAULT-VALUE})")
  private Path out = Path.of("target", "quickstart");

  @Option(
      names = "--stamps",
      description = "the stamps of Debian's tuxpaint-stamps-default (default: ${DEFAULT-VALUE})")
  private Path folder = Path.of("/usr/share/tuxpaint/stamps");

  @Option(
      names = "--detector",
      required = true,
      description = "MediaPipe's object_detection_ssd_mobilenetv2_oidv4_fp16.tflite")
  private Path detector;

  private final Map<String, Object> results = new LinkedHashMap<>();
  private final PhotographPage page = new PhotographPage();

  /** Runs the demonstration. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new PictureQuickStart()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    long start = System.nanoTime();
    Files.createDirectories(out);
    WARNINGS.setLevel(Level.SEVERE);
    System.out.println(Espalier.describe());
    results.put("date", LocalDate.now().toString());
    results.put(
        "machine",
        Map.of("describe", Espalier.describe(), "java", System.getProperty("java.version")));
    results.put("questions", Stamps.QUESTIONS);

    PictureReader reader =
        PictureReader.of(StampTransfer.PICTURE).valueRange(Detector.BLACK, Detector.WHITE);
    Stamps stamps = new Stamps(folder, reader);
    read(stamps, start);
    try (StampTransfer transfer = new StampTransfer(stamps, detector)) {
      transfer(stamps, transfer);
    }
    double seconds = seconds(start);
    results.put("seconds_total", seconds);
    write(seconds);
    line(
        "%nResults: %s, report: %s (%.0f s)",
        out.resolve("pictures.json"), out.resolve("pictures.html"), seconds(start));
    return 0;
  }

  private void read(Stamps stamps, long start) {
    PictureDataset all = stamps.pictures();
    Map<String, Object> parts = new LinkedHashMap<>();
    parts.put("pool", stamps.pool(all).size());
    parts.put("validation", stamps.validation(all).size());
    parts.put("test", stamps.test(all).size());
    results.put("parts", parts);
    page.task(parts);
    line("%s (%.1f s); %s", all, seconds(start), parts);
    line("%nQuestions, answered by the folders:");
    Stamps.QUESTIONS.forEach((name, yes) -> line("  %-24s yes for %s", name, yes));
  }

  private void transfer(Stamps stamps, StampTransfer transfer) {
    List<StampTransfer.Cut> cuts = transfer.cuts();
    StampTransfer.Cut best = StampTransfer.best(cuts);
    List<Object> rows = new ArrayList<>();
    line("%n%-20s %9s %-16s %-16s", "trunk up to", "channels", "cost", "macro AUC");
    for (StampTransfer.Cut cut : cuts) {
      line(
          "%-20s %9d %-16s %-16s%s",
          cut.layer(), cut.channels(), cut.cost(), cut.macroAuc(), cut == best ? " *" : "");
      rows.add(
          Map.of(
              "layer", cut.layer(),
              "channels", cut.channels(),
              "cost", cut.cost().toList(),
              "macro_auc", cut.macroAuc().toList(),
              "chosen", cut == best));
    }
    results.put("cuts", rows);
    page.cuts(cuts, best);
    transfer.cutAt(best);
    Map<String, Map<String, StampTransfer.Score>> scores = new LinkedHashMap<>();
    Map<String, Object> table = new LinkedHashMap<>();
    line("%n%-8s %-16s %-16s %-16s", "pictures", "way", "Hamming loss", "macro AUC");
    for (int size : StampTransfer.SIZES) {
      Map<String, StampTransfer.Score> ofSize = transfer.run(size);
      Map<String, Object> rowsOfSize = new LinkedHashMap<>();
      ofSize.forEach(
          (arm, score) -> {
            line("%-8s %-16s %-16s %-16s", size, arm, score.hamming(), score.macroAuc());
            rowsOfSize.put(
                arm,
                Map.of(
                    "hamming", score.hamming().toList(), "macro_auc", score.macroAuc().toList()));
          });
      scores.put(Integer.toString(size), ofSize);
      table.put(Integer.toString(size), rowsOfSize);
    }
    results.put("scores", table);
    List<Map<String, Object>> verdicts = Verdicts.stamps(scores);
    results.put("verdicts", verdicts);
    Tables.verdicts(verdicts);
    page.gain(scores, verdicts);
    page.answered(pictures(stamps, transfer));
  }

  /**
   * Test pictures with what the frozen trunk's head says that was trained from the most of them.
   */
  private static List<AnsweredPicture> pictures(Stamps stamps, StampTransfer transfer) {
    int most = StampTransfer.SIZES[StampTransfer.SIZES.length - 1];
    float[][] said = transfer.firstAnswers("frozen", most);
    List<AnsweredPicture> shown = new ArrayList<>();
    for (int i = 0; i < said.length; i++) {
      shown.add(
          AnsweredPicture.of(
              stamps.show(i), stamps.name(i), Stamps.labels(), said[i], stamps.answers(i)));
    }
    return shown;
  }

  private void write(double seconds) throws IOException {
    page.report(seconds).write(out.resolve("pictures.html"), StandardCopyOption.REPLACE_EXISTING);
    new ObjectMapper()
        .enable(SerializationFeature.INDENT_OUTPUT)
        .writeValue(out.resolve("pictures.json").toFile(), results);
  }

  private static void line(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }
}
