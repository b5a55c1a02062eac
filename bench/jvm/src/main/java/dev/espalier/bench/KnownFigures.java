// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What other libraries reached on another machine (AMD EPYC with AVX-512, one thread, FMA peak of
 * {@value #PEAK_GFLOPS} GFLOP/s), to notice when one of them is not at its best here. They are
 * scaled by the FMA peak; products of one vector by the bandwidth that their weights were read
 * with, of L2 or, for 1024 x 1024, of L3; seconds of start-up and sizes not at all.
 */
final class KnownFigures {
  private static final double PEAK_GFLOPS = 186;
  private static final double L2_GBPS = 126;
  private static final double L3_GBPS = 30;
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
    // From Python: what another binding of the same operations, DJL, reached.
    predictions("torch-python", "I1", 32.8, 63.5, 366);
    predictions("torch-python", "I2", 16.0, 23.2, 50.4);
    predictions("torch-python", "I3", 393, 2667, 20054);
    predictions("torch-python", "I4", 3349, 21529, 166246);
    predictions("torch-python", "I5r", 39176);
    predictions("torch-python", "I5m", 13927);
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
    squares("mkl", 157, 177, 166, 163, 164, 168);
    squares("onednn", 144, 170, 172, 167, 161, 163);
    squares("openblas", 171, 122, 147, 152, 149, 156);
    gradients("mkl", 179, 168, 177);
    gradients("onednn", 169, 174, 136);
    gradients("openblas", 141, 145, 142);
    put("X", "torch-naive", 64, "wall_s", 60.2);
    put("X", "torch-cached", 64, "wall_s", 7.46);
    callers("ort", 80e3, 123e3, 137e3, 142e3);
    startup("ort", 330, 320, 75, 51.8);
    startup("torch", 820, 2430, 248, 107.7);
  }

  private KnownFigures() {}

  /** A line for each peer's figure that is worse than its known one, scaled. */
  static List<String> notes(List<ResultsFile.Row> rows) {
    Map<String, Double> limits = new HashMap<>();
    for (ResultsFile.Row row : rows) {
      if (row.key().workload().equals("machine")) {
        limits.put(row.key().metric(), row.value());
      }
    }
    List<String> notes = new ArrayList<>();
    for (ResultsFile.Row row : rows) {
      Double known = FIGURES.get(row.key().toString());
      double scale = scale(row.key(), limits);
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

  /** How many times as fast this machine is at that; NaN if it was not measured. */
  private static double scale(ResultsFile.Key key, Map<String, Double> limits) {
    if (key.workload().equals("S")) {
      return 1;
    }
    if (key.workload().startsWith("G-xw") && key.batch() == 1) {
      return key.workload().contains("1024")
          ? limits.getOrDefault("l3_gbps", Double.NaN) / L3_GBPS
          : limits.getOrDefault("l2_gbps", Double.NaN) / L2_GBPS;
    }
    return limits.getOrDefault("fma_gflops", Double.NaN) / PEAK_GFLOPS;
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

  private static void squares(String contender, double... gflops) {
    for (int i = 0; i < gflops.length; i++) {
      put("G-sq" + (64 << i), contender, 64 << i, "gflops", gflops[i]);
    }
  }

  private static void gradients(String contender, double... gflops) {
    String[] shapes = {"784x256", "512x512", "1024x1024"};
    for (int i = 0; i < gflops.length; i++) {
      put("G-dw-" + shapes[i], contender, 128, "gflops", gflops[i]);
    }
  }

  private static void callers(String contender, double... callsPerSecond) {
    for (int i = 0; i < callsPerSecond.length; i++) {
      FIGURES.put(
          new ResultsFile.Key("C-I1", contender, 1 << i, 1, "calls_per_s").toString(),
          callsPerSecond[i]);
    }
  }

  private static void startup(
      String contender, double millis, double firstMillis, double rss, double jars) {
    put("S", contender, 1, "startup_ms", millis);
    put("S", contender, 1, "startup_first_ms", firstMillis);
    put("S", contender, 1, "peak_rss_mb", rss);
    put("S", contender, 1, "jars_mb", jars);
  }

  private static void put(
      String workload, String contender, int batch, String metric, double value) {
    FIGURES.put(new ResultsFile.Key(workload, contender, 1, batch, metric).toString(), value);
  }
}
