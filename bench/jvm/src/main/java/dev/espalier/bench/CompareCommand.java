// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prints what got slower between two runs. */
@Command(name = "compare", description = "prints what got slower; exit code 1 if anything did")
public final class CompareCommand implements Callable<Integer> {
  @Parameters(index = "0", description = "results of the earlier run")
  private Path before;

  @Parameters(index = "1", description = "results of the later run")
  private Path after;

  @Option(names = "--threshold", description = "per cent that count; default ${DEFAULT-VALUE}")
  private double threshold = 10;

  @Override
  public Integer call() throws IOException {
    List<String> found =
        Regressions.find(ResultsFile.read(before), ResultsFile.read(after), threshold / 100);
    found.forEach(System.out::println);
    System.out.printf("%d cells got worse by more than %.3g %%%n", found.size(), threshold);
    return found.isEmpty() ? 0 : 1;
  }
}
