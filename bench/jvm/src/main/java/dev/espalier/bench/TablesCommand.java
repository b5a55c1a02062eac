// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Prints the tables of a run. */
@Command(name = "tables", description = "prints a run's results with ratios")
public final class TablesCommand implements Callable<Integer> {
  @Parameters(index = "0", description = "results of the run")
  private Path results;

  @Override
  public Integer call() throws IOException {
    System.out.print(new Tables(ResultsFile.read(results)));
    return 0;
  }
}
