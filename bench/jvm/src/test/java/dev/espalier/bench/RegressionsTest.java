// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class RegressionsTest {
  private static final ResultsFile.Key TIME = key("espalier", "p50_us");
  private static final ResultsFile.Key RATE = key("espalier", "samples_per_s");

  @TempDir private Path folder;

  @Test
  void slowerBeyondTheThresholdIsFoundWhicheverWayTheMetricCounts() {
    assertEquals(1, find(TIME, 10, 11.2));
    assertEquals(0, find(TIME, 10, 10.9));
    assertEquals(0, find(TIME, 10, 5));
    assertEquals(1, find(RATE, 1000, 880));
    assertEquals(0, find(RATE, 1000, 920));
    assertEquals(0, find(RATE, 1000, 2000));
  }

  @Test
  void allocatingWhereNothingWasAllocatedIsFound() {
    assertEquals(1, find(key("espalier", "alloc_bytes"), 0, 16));
    assertEquals(0, find(key("espalier", "alloc_bytes"), 0, 0));
  }

  @Test
  void peersTailsAndCellsOfOneRunAloneAreLeftOut() {
    assertEquals(0, find(key("ort", "p50_us"), 10, 20));
    assertEquals(0, find(key("espalier", "p999_us"), 10, 20));
    List<ResultsFile.Row> after = List.of(new ResultsFile.Row(TIME, 20));
    assertTrue(Regressions.find(List.of(), after, 0.1).isEmpty());
  }

  @Test
  void compareExitsWithOneIfAnythingGotSlower() throws IOException {
    Path before = write("before.csv", 10);
    Path after = write("after.csv", 12);
    assertEquals(1, compare(before.toString(), after.toString()));
    assertEquals(0, compare("--threshold", "25", before.toString(), after.toString()));
    assertEquals(0, compare(after.toString(), before.toString()));
  }

  @Test
  void rowsReadAsTheyWereWritten() throws IOException {
    Path file = write("results.csv", 1234567.891);
    assertEquals(List.of(new ResultsFile.Row(TIME, 1234570)), ResultsFile.read(file));
    assertEquals(
        List.of(ResultsFile.HEADER, "I1,espalier,1,8,p50_us,1234570"), Files.readAllLines(file));
  }

  @Test
  void notANumberIsNotWritten() throws IOException {
    assertEquals(List.of(), ResultsFile.read(write("none.csv", Double.NaN)));
  }

  @Test
  void damagedResultsAreRefused() throws IOException {
    Path file = folder.resolve("damaged.csv");
    for (String line : List.of("I1,espalier,1,8,p50_us", "I1,espalier,one,8,p50_us,1")) {
      Files.writeString(file, ResultsFile.HEADER + "\n" + line + "\n");
      assertThrows(IOException.class, () -> ResultsFile.read(file));
    }
    Files.writeString(file, "workload\n");
    assertThrows(IOException.class, () -> ResultsFile.read(file));
  }

  private Path write(String name, double value) throws IOException {
    Path file = folder.resolve(name);
    ResultsFile.open(file).add(TIME, value);
    return file;
  }

  private static int compare(String... arguments) {
    return new CommandLine(new CompareCommand()).execute(arguments);
  }

  private static int find(ResultsFile.Key key, double before, double after) {
    return Regressions.find(
            List.of(new ResultsFile.Row(key, before)),
            List.of(new ResultsFile.Row(key, after)),
            0.1)
        .size();
  }

  private static ResultsFile.Key key(String contender, String metric) {
    return new ResultsFile.Key("I1", contender, 1, 8, metric);
  }
}
