// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class TablesTest {
  @TempDir private Path folder;

  private static final ResultsFile.Row PEAK =
      new ResultsFile.Row(new ResultsFile.Key("machine", "machine", 1, 1, "fma_gflops"), 93);

  @Test
  void ratiosSayHowMuchBetterThisLibraryIs() {
    String text =
        new Tables(
                List.of(
                    PEAK,
                    row("I1", "espalier", 64, "p50_us", 200),
                    row("I1", "ort", 64, "p50_us", 300),
                    row("T-I1", "espalier", 32, "samples_per_s", 900),
                    row("T-I1", "torch", 32, "samples_per_s", 300)))
            .toString();
    assertTrue(text.contains("( 1.50 x)"), text);
    assertTrue(text.contains("( 3.00 x)"), text);
    // 2 x 234,752 x 64 operations in 200 us are 150 GFLOP/s.
    assertTrue(text.contains("162 % of FMA"), text);
  }

  @Test
  void peersFarBelowTheirKnownFiguresAreNamed() {
    // Known at twice the peak: 193 us, so 386 here.
    assertTrue(notes(row("I1", "ort", 64, "p50_us", 390)).isEmpty());
    assertEquals(1, notes(row("I1", "ort", 64, "p50_us", 500)).size());
    assertEquals(1, notes(row("T-I1", "torch", 32, "samples_per_s", 10_000)).size());
    assertTrue(notes(row("T-I1", "torch", 32, "samples_per_s", 15_000)).isEmpty());
  }

  @Test
  void knownFiguresAreScaledByTheLimitThatBinds() {
    ResultsFile.Row l2 =
        new ResultsFile.Row(new ResultsFile.Key("machine", "machine", 1, 1, "l2_gbps"), 252);
    ResultsFile.Row vector = row("G-xw-512x512", "mkl", 1, "gflops", 90);
    assertTrue(notes(vector).isEmpty(), "L2 was not measured");
    assertEquals(1, KnownFigures.notes(List.of(PEAK, l2, vector)).size()); // 126 expected
    assertEquals(1, notes(row("G-sq512", "mkl", 512, "gflops", 60)).size());
    assertEquals(1, notes(row("G-dw-512x512", "onednn", 128, "gflops", 60)).size());
    assertEquals(1, notes(row("X", "torch-cached", 64, "wall_s", 20)).size());
    assertEquals(1, notes(row("S", "ort", 1, "startup_ms", 500)).size());
    assertTrue(notes(row("S", "ort", 1, "startup_ms", 400)).isEmpty());
  }

  @Test
  void sharesAreOfTheLimitThatBinds() {
    MachineLimits limits =
        new MachineLimits(
            List.of(
                PEAK,
                new ResultsFile.Row(new ResultsFile.Key("machine", "m", 1, 1, "l2_gbps"), 200)));
    // 2 * (3 * 29,952 - 103 * 256) operations an example: 93 GFLOP/s are 732,433 of them.
    assertEquals(
        "100 % of FMA", share(limits, row("T2-I2", "espalier", 32, "samples_per_s", 732_433)));
    assertEquals("25 % of L2", share(limits, row("N-add", "espalier", 1, "l2_gbps", 50)));
    assertEquals("", share(limits, row("N-add", "espalier", 1, "dram_gbps", 50)));
    assertEquals("50 % of FMA", share(limits, row("N-conv", "espalier", 1, "gflops", 46.5)));
  }

  private static String share(MachineLimits limits, ResultsFile.Row row) {
    return limits.share(row.key(), row.value());
  }

  @Test
  void nativeResultsBecomeRows() throws IOException {
    String json =
        """
        {"benchmarks": [
          {"run_name": "G-sq64/mkl/gflops/64/real_time", "aggregate_name": "median",
           "real_time": 5.0, "time_unit": "ns", "value": 150.5},
          {"run_name": "G-sq64/mkl/gflops/64/real_time", "real_time": 9.0, "time_unit": "ns",
           "value": 90.0},
          {"run_name": "Relu/4096", "aggregate_name": "median", "real_time": 2.0,
           "time_unit": "ms", "gbps": 40.0, "level": 4.0},
          {"run_name": "openblas/square/8x8x8", "aggregate_name": "median", "real_time": 2.0,
           "time_unit": "us", "GFLOPS": 7.0}]}
        """;
    Map<ResultsFile.Key, Double> rows =
        ImportCommand.rows(new ObjectMapper().readTree(json), "N-elementwise-", 2);
    assertEquals(150.5, rows.get(new ResultsFile.Key("G-sq64", "mkl", 2, 64, "gflops")));
    assertEquals(
        2000.0,
        rows.get(new ResultsFile.Key("N-elementwise-Relu/4096", "espalier", 2, 1, "time_us")));
    assertEquals(
        40.0,
        rows.get(new ResultsFile.Key("N-elementwise-Relu/4096", "espalier", 2, 1, "dram_gbps")));
    assertEquals(
        7.0,
        rows.get(new ResultsFile.Key("N-elementwise-square/8x8x8", "openblas", 2, 1, "gflops")));
    assertEquals(5, rows.size());
  }

  @Test
  void nativeResultsWithAnErrorAreRefused() throws IOException {
    assertEquals(1, importing("{\"error_occurred\": true, \"error_message\": \"wrong\"}"));
    assertEquals(1, importing(""));
    assertFalse(Files.exists(folder.resolve("results.csv")));
    assertEquals(0, importing("{\"run_name\": \"R\", \"real_time\": 2, \"time_unit\": \"us\"}"));
    assertEquals(1, ResultsFile.read(folder.resolve("results.csv")).size());
  }

  private int importing(String benchmark) throws IOException {
    Path json = folder.resolve("native.json");
    String context = "{\"context\": {\"executable\": \"/x_benchmark\"}, \"benchmarks\": [%s]}";
    Files.writeString(json, String.format(context, benchmark));
    return new CommandLine(new ImportCommand())
        .execute(folder.resolve("results.csv").toString(), json.toString());
  }

  @Test
  void mediansAndQuantiles() {
    assertEquals(2, Samples.median(3, 1, 2));
    assertEquals(2.5, Samples.median(1, 2, 3, 4));
    assertEquals(1, Samples.median(Double.NaN, 1));
    assertFalse(Samples.median() == 0);
    long[] sorted = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    assertEquals(5, Samples.quantile(sorted, 10, 0.5));
    assertEquals(10, Samples.quantile(sorted, 10, 0.99));
    assertEquals("6", Cores.last("Cpus_allowed_list:\t0-3,6"));
    assertEquals("3", Cores.last("Cpus_allowed_list:\t0-3"));
  }

  private static List<String> notes(ResultsFile.Row row) {
    return KnownFigures.notes(List.of(PEAK, row));
  }

  private static ResultsFile.Row row(
      String workload, String contender, int batch, String metric, double value) {
    return new ResultsFile.Row(new ResultsFile.Key(workload, contender, 1, batch, metric), value);
  }
}
