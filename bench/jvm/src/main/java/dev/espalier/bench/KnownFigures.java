// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What other libraries reached on another machine (AMD EPYC with AVX-512, one thread, FMA peak of
 * {@value #PEAK_GFLOPS} GFLOP/s), to notice when one of them is not at its best here.
 */
final class KnownFigures {
  private static final double PEAK_GFLOPS = 186;
  private static final double SLACK = 1.25; // 20 % below
  private static final Map<String, Double> FIGURES = new HashMap<>();

  static {
    predictions("ort", "I1", 12.8, 31.8, 193);
    predictions("ort", "I2", 4.0, 7.2, 30.3);
    predictions("ort", "I3", 82, 464, 3743);
    predictions("ort", "I4", 2037, 15015, 121402);
    predictions("ort", "I5r", 24416);
    predictions("ort", "I5m", 5963);
    predictions("torch", "I1", 34.4, 138, 348);
    predictions("torch", "I2", 20.0, 32.2, 60.1);
    predictions("torch", "I3", 434, 3059, 30314);
    predictions("torch", "I4", 4125, 22996, 189442);
    predictions("dl4j", "I1", 133, 234, 1014);
    predictions("dl4j", "I2", 76, 97, 186);
    predictions("dl4j", "I3", 1517, 12828, 102894);
    predictions("dl4j", "I4", 22556, 187188);
    steps("torch-python", "T-I1", 23238, 61006);
    steps("torch-python", "T2-I2", 72443, 224313);
    steps("torch-python", "T-I3", 1685, 1748);
    steps("torch-python", "T-I4", 139, 111);
    steps("torch", "T-I1", 30976, 68457);
    steps("torch", "T2-I2", 137456, 338147);
    steps("torch", "T-I3", 1265, 1637);
    steps("torch", "T-I4", 134, 108);
    steps("dl4j", "T-I1", 6795, 23129);
    steps("dl4j", "T2-I2", 21563, 69735);
    steps("dl4j", "T-I3", 213, 248);
    steps("dl4j", "T-I4", 15, 15);
    products("mkl", 63, 178, 182, 177, 63, 181, 178, 184, 15, 114, 177, 180);
    products("onednn", 46, 167, 171, 173, 54, 168, 167, 172, 15, 79, 136, 162);
    products("openblas", 60, 35, 85, 128, 55, 31, 78, 125, 3, 22, 64, 119);
  }

  private KnownFigures() {}

  /** A line for each peer's figure that is worse than its known one, scaled by the FMA peak. */
  static List<String> notes(List<ResultsFile.Row> rows) {
    double scale = Double.NaN;
    for (ResultsFile.Row row : rows) {
      if (row.key().workload().equals("machine") && row.key().metric().equals("fma_gflops")) {
        scale = row.value() / PEAK_GFLOPS;
      }
    }
    List<String> notes = new ArrayList<>();
    for (ResultsFile.Row row : rows) {
      Double known = FIGURES.get(row.key().toString());
      if (known == null || Double.isNaN(scale)) {
        continue;
      }
      boolean isHigherBetter = Regressions.isHigherBetter(row.key().metric());
      double expected = isHigherBetter ? known * scale : known / scale;
      double worse = isHigherBetter ? expected / row.value() : row.value() / expected;
      if (worse > SLACK) {
        notes.add(
            String.format(
                Locale.ROOT, "%s: %.4g, expected %.4g", row.key(), row.value(), expected));
      }
    }
    return notes;
  }

  private static void predictions(String contender, String workload, double... micros) {
    int[] batches = {1, 8, 64};
    for (int i = 0; i < micros.length; i++) {
      put(workload, contender, batches[i], "p50_us", micros[i]);
    }
  }

  private static void steps(String contender, String workload, double small, double large) {
    put(workload, contender, 32, "samples_per_s", small);
    put(workload, contender, 128, "samples_per_s", large);
  }

  private static void products(String contender, double... gflops) {
    String[] shapes = {"784x256", "512x512", "1024x1024"};
    int[] batches = {1, 8, 32, 128};
    for (int i = 0; i < gflops.length; i++) {
      put("G-xw-" + shapes[i / 4], contender, batches[i % 4], "gflops", gflops[i]);
    }
  }

  private static void put(
      String workload, String contender, int batch, String metric, double value) {
    FIGURES.put(new ResultsFile.Key(workload, contender, 1, batch, metric).toString(), value);
  }
}
