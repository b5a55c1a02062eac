// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prints what got slower between two runs, or is no longer measured. */
@Command(
    name = "compare",
    description = "prints what got slower or lost; exit code 1 if anything did")
public final class CompareCommand implements Callable<Integer> {
  @Parameters(index = "0", description = "results of the earlier run")
  private Path before;

  @Parameters(index = "1", description = "results of the later run")
  private Path after;

  @Option(names = "--threshold", description = "per cent that count; default ${DEFAULT-VALUE}")
  private double threshold = 10;

  @Option(names = "--partial", description = "the later run is of some of the workloads only")
  private boolean isPartial;

  @Option(names = "--anyway", description = "even if other things than the code changed")
  private boolean isAnyway;

  @Override
  public Integer call() throws IOException {
    List<String> differences = Circumstances.differences(before, after);
    differences.forEach(line -> System.out.println("NOT COMPARABLE: " + line));
    if (!differences.isEmpty() && !isAnyway) {
      System.out.println("Nothing was compared; --anyway does it nevertheless.");
      return 1;
    }
    List<ResultsFile.Row> old = ResultsFile.read(before);
    List<ResultsFile.Row> rows = ResultsFile.read(after);
    List<ResultsFile.Key> lost = Regressions.lost(old, rows);
    long common = old.stream().filter(row -> Regressions.counts(row.key())).count() - lost.size();
    if (common <= 0) {
      System.out.println("Nothing was compared: the runs have no cell in common.");
      return 1;
    }
    List<String> found = Regressions.find(old, rows, threshold / 100);
    found.forEach(System.out::println);
    if (!isPartial) {
      lost.forEach(key -> System.out.println(key + ": no longer there"));
    }
    System.out.printf(
        "%d of %d common cells got worse by more than %.3g %%; the later run lacks %d%n",
        found.size(), common, threshold, lost.size());
    return found.isEmpty() && (isPartial || lost.isEmpty()) ? 0 : 1;
  }
}
