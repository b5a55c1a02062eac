// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.LabelCounts;
import dev.espalier.LabelStatistics;
import dev.espalier.Shape;
import dev.espalier.data.BrokenPicture;
import dev.espalier.data.PictureDataset;
import dev.espalier.data.PictureFit;
import dev.espalier.data.PictureOptions;
import dev.espalier.data.PictureReader;
import dev.espalier.data.TableColumn;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import javax.imageio.ImageIO;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Says what is in data, before anything is learned of it. */
@Command(
    abbreviateSynopsis = true,
    name = "data",
    header = "Says what is in data: answers, blanks, broken pictures.",
    description =
        "What each column is taken for; of each label, the answers yes and no and the blanks;"
            + " labels that are never answered together; pictures that can't be read, each with the"
            + " reason.")
final class DataCommand implements Callable<Integer> {
  private static final Shape THUMBNAIL = Shape.image(3, 96, 96);

  @Spec private CommandSpec spec;

  @Mixin private ExamplePaths paths;

  @Option(
      names = "--sheet",
      paramLabel = "FILE",
      description = "Writes a contact sheet of the first pictures, a PNG.")
  private Path sheet;

  @Option(
      names = "--sheet-count",
      paramLabel = "COUNT",
      description = "Pictures on the sheet at most. Default: ${DEFAULT-VALUE}.")
  private int sheetCount = 60;

  @Option(names = "--force", description = "Writes over a sheet that is there already.")
  private boolean force;

  @Mixin private QuestionOptions questions;
  @Mixin private ExampleOptions exampleOptions;
  @Mixin private JsonOption json;

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (sheet != null) {
      NewFile.checked(sheet, force);
    }
    Examples examples =
        exampleOptions.read(paths.data(), paths.csv(), questions.asked(), questions);
    LabelStatistics statistics = examples.table().statistics();
    List<BrokenPicture> broken = List.of();
    if (examples.kind() == Examples.Kind.PICTURES) {
      PictureDataset pictures = pictures(examples);
      broken = pictures.broken();
      if (sheet != null) {
        ImageIO.write(
            ContactSheet.draw(pictures.reader(), pictures, sheetCount), "png", sheet.toFile());
      }
    } else if (sheet != null) {
      throw new CommandFailure("--sheet: expected pictures, got " + paths.data());
    }
    if (json.isGiven()) {
      out.println(Json.pretty(described(examples, statistics, broken)));
      return 0;
    }
    out.println(examples.table());
    out.println();
    out.println(statistics);
    broken.forEach(one -> out.println("broken: " + one));
    if (examples.kind() == Examples.Kind.PICTURES) {
      out.println(examples.table().size() - broken.size() + " pictures can be read");
    }
    return 0;
  }

  private static PictureDataset pictures(Examples examples) {
    PictureReader reader = PictureReader.of(THUMBNAIL).fit(PictureFit.PAD);
    return PictureDataset.of(
        reader,
        examples.table(),
        examples.column(),
        examples.folder(),
        PictureOptions.defaults().skipBroken(Integer.MAX_VALUE));
  }

  private static Map<String, Object> described(
      Examples examples, LabelStatistics statistics, List<BrokenPicture> broken) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("kind", examples.kind().name().toLowerCase(Locale.ROOT));
    all.put("examples", examples.table().size());
    List<Object> columns = new ArrayList<>();
    for (TableColumn column : examples.table().columns()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("name", column.name());
      one.put("role", column.role().name().toLowerCase(Locale.ROOT));
      one.put("reason", column.reason());
      columns.add(one);
    }
    all.put("columns", columns);
    List<Object> labels = new ArrayList<>();
    for (LabelCounts label : statistics.labels()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("task", label.task());
      one.put("name", label.name());
      one.put("yes", label.yes());
      one.put("no", label.no());
      one.put("other", label.other());
      one.put("blank", label.blank());
      labels.add(one);
    }
    all.put("labels", labels);
    all.put(
        "never_together",
        statistics.pairsNeverTogether().stream()
            .map(pair -> pair.stream().map(LabelCounts::name).toList())
            .toList());
    List<Object> files = new ArrayList<>();
    for (BrokenPicture one : broken) {
      files.add(Map.of("file", one.file().toString(), "reason", one.reason()));
    }
    all.put("broken", files);
    return all;
  }
}
