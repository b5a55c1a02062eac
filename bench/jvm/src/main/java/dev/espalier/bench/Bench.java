// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The JVM part of ci/bench: races between this library and others on the same work. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    subcommands = {
      CompareCommand.class,
      ImportCommand.class,
      JmhCommand.class,
      MetaCommand.class,
      TablesCommand.class
    })
public final class Bench implements Callable<Integer> {
  @Option(names = "--root", description = "the checkout")
  private Path root = Path.of(".");

  @Option(names = "--filter", description = "regular expression; workloads in which it occurs")
  private String filter = "";

  @Option(names = "--threads", description = "number of threads; by default 1, then all cores")
  private int threads;

  @Option(names = "--contenders", split = ",", description = "only these, by their names")
  private List<String> contenders = List.of();

  @Option(names = "--quick", description = "shorter, less exact")
  private boolean isQuick;

  @Option(names = "--peers", description = "with other libraries")
  private boolean withPeers;

  /** Runs what the arguments ask for. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new Bench()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    Path out = root.resolve("target/bench").toAbsolutePath().normalize();
    Files.createDirectories(out);
    ResultsFile results = ResultsFile.open(out.resolve("results.csv"));
    List<Integer> threadCounts = new ArrayList<>(List.of(threads > 0 ? threads : 1));
    if (threads == 0 && Cores.count() > 1) {
      threadCounts.add(Cores.count());
    }
    Path absoluteRoot = root.toAbsolutePath().normalize();
    List<ContenderKind> kinds = new ArrayList<>();
    for (ContenderKind kind : ContenderKind.all(absoluteRoot, withPeers)) {
      if (contenders.isEmpty() || contenders.contains(kind.name())) {
        kinds.add(kind);
      }
    }
    Effort effort = isQuick ? Effort.quick() : Effort.full();
    Versions versions = new Versions(out.resolve("versions.json"));
    Lineup lineup =
        new Lineup(kinds, absoluteRoot, out, Pattern.compile(filter), effort, results, versions);
    OtherRaces others = new OtherRaces(lineup);
    for (int count : threadCounts) {
      try (Field field = new Field(lineup, count, true)) {
        new PredictionRace(lineup, field).run();
        new TrainingRace(lineup, field).run();
        new TransferRace(lineup, field, "X", "torch").run();
        new TransferRace(lineup, field, "X-minilm", "torch-python").run();
        others.labels(field);
        others.overhead(field);
      }
    }
    new CallersRace(lineup).run();
    new StartupRace(lineup).run();
    return 0;
  }
}
