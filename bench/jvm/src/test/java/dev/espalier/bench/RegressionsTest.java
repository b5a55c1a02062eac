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

  private static final ResultsFile.Key PEAK =
      new ResultsFile.Key("machine", "machine", 1, 1, "fma_gflops");

  private static final String META =
      """
      {"cpu": "one", "cores": 2, "cpu_target": "avx2", "effort": "full", "commit": "any"}
      """;

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
  void cellsThatTheLaterRunLacksAreLost() {
    List<ResultsFile.Row> before =
        List.of(row(TIME, 10), row(RATE, 9), row(key("ort", "p50_us"), 8), row(PEAK, 7));
    assertEquals(List.of(RATE), Regressions.lost(before, List.of(row(TIME, 10))));
    assertEquals(List.of(), Regressions.lost(before, before));
    assertEquals(List.of(), Regressions.lost(List.of(), before));
  }

  @Test
  void compareExitsWithOneIfCellsAreLostUnlessTheRunIsPartial() throws IOException {
    Path before = write("before.csv", 10);
    ResultsFile.open(before).add(RATE, 10);
    Path after = write("after.csv", 10);
    assertEquals(1, compare(before.toString(), after.toString()));
    assertEquals(0, compare("--partial", before.toString(), after.toString()));
    assertEquals(0, compare(after.toString(), before.toString()));
  }

  @Test
  void compareExitsWithOneIfNothingIsCommon() throws IOException {
    Path before = write("before.csv", 10);
    Path empty = write("empty.csv", Double.NaN);
    assertEquals(1, compare("--partial", before.toString(), empty.toString()));
    assertEquals(1, compare("--partial", empty.toString(), before.toString()));
  }

  @Test
  void compareRefusesRunsOnOtherMachinesOrOfOtherEffort() throws IOException {
    Path before = write("before.csv", 10);
    Path after = write("after.csv", 10);
    String[] others = {
      META.replace("one", "other"),
      META.replace("2,", "4,"),
      META.replace("avx2", "avx512"),
      META.replace("full", "quick"),
      "{}"
    };
    for (String other : others) {
      Files.writeString(Circumstances.file(after), other);
      assertEquals(1, compare(before.toString(), after.toString()), other);
      assertEquals(0, compare("--anyway", before.toString(), after.toString()), other);
    }
    Files.delete(Circumstances.file(after));
    Files.delete(Circumstances.file(before));
    assertEquals(1, compare(before.toString(), after.toString()));
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
    Files.writeString(Circumstances.file(file), META);
    return file;
  }

  private static int compare(String... arguments) {
    return new CommandLine(new CompareCommand()).execute(arguments);
  }

  private static int find(ResultsFile.Key key, double before, double after) {
    return Regressions.find(List.of(row(key, before)), List.of(row(key, after)), 0.1).size();
  }

  private static ResultsFile.Row row(ResultsFile.Key key, double value) {
    return new ResultsFile.Row(key, value);
  }

  private static ResultsFile.Key key(String contender, String metric) {
    return new ResultsFile.Key("I1", contender, 1, 8, metric);
  }
}
