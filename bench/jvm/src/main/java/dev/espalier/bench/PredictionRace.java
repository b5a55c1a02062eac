// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Workloads I and M: the time of single predictions.
 *
 * <p>Contenders run in processes of their own, so that their threads, memory and versions of
 * libraries don't meet, and take turns of a fraction of a second: what disturbs the machine for a
 * while hits all of them. Each call is timed by itself (the clock costs some 25 ns), which JMH's
 * SampleTime does too; JMH can't take turns between benchmarks. Every figure is the median over
 * rounds of the round's own figure.
 */
final class PredictionRace {
  private static final List<String> NETWORKS =
      List.of("I1", "I2", "I3", "I4", "I5r", "I5m", "I6-16", "I6-64", "I6-128", "I7", "I8");
  private static final List<String> PUBLISHED =
      List.of(
          "M-minilm-16",
          "M-minilm-64",
          "M-minilm-128",
          "M-minilm-texts",
          "M-ppocr-cls",
          "M-objectron");
  private static final int LARGEST_BATCH = 64;

  private final Lineup lineup;
  private final Field field;

  PredictionRace(Lineup lineup, Field field) {
    this.lineup = lineup;
    this.field = field;
  }

  void run() throws IOException {
    for (String network : NETWORKS) {
      if (!lineup.isWanted(network)) {
        continue;
      }
      int[] batches = batches(network);
      Work work = lineup.work(network, batches[batches.length - 1]);
      for (int batch : batches) {
        race(work, batch);
      }
    }
    for (String model : PUBLISHED) {
      int[] batches = batches(model);
      Work work = null;
      if (lineup.isWanted(model)) {
        work = lineup.publishedWork(model, batches[batches.length - 1]);
      }
      for (int i = 0; work != null && i < batches.length; i++) {
        race(work, batches[i]);
      }
    }
    loading();
  }

  /** M-minilm-import: from a file to what can predict. */
  private void loading() throws IOException {
    if (!lineup.isWanted("M-minilm-import") || field.threads != 1) {
      return;
    }
    Work work = lineup.publishedWork("M-minilm-128", 8);
    Map<ContenderClient, List<Double>> seconds = new LinkedHashMap<>();
    for (int round = 0; round < 1 + lineup.effort.rounds(); round++) {
      for (ContenderKind kind : lineup.kinds) {
        if (!kind.name().equals("espalier") && !kind.name().equals("ort")) {
          continue;
        }
        ContenderClient client = field.client(kind);
        if (client != null) {
          double taken = client.load(work);
          seconds.computeIfAbsent(client, key -> new ArrayList<>());
          if (round > 0) { // the first also reads what is in no cache, and warms the JVM
            seconds.get(client).add(taken);
          }
        }
      }
    }
    Line line = new Line("M-minilm-import", 1, field.threads, "ms", false);
    seconds.forEach(
        (client, values) -> {
          double[] all = values.stream().mapToDouble(Double::doubleValue).toArray();
          double millis = 1e3 * Samples.median(all);
          lineup.results.add(
              new ResultsFile.Key("M-minilm-import", client.name(), 1, 1, "load_ms"), millis);
          line.add(client.name(), millis);
        });
    System.out.println(line);
  }

  private static int[] batches(String network) {
    if (network.startsWith("I6") || network.startsWith("M-minilm")) {
      return new int[] {1, 8};
    }
    boolean isLarge = network.matches("I[578].*|M-.*");
    return isLarge ? new int[] {1} : new int[] {1, 8, LARGEST_BATCH};
  }

  private void race(Work work, int batch) throws IOException {
    Map<ContenderClient, List<double[]>> rounds = prepare(work, batch);
    Effort effort = lineup.effort;
    for (ContenderClient client : rounds.keySet()) {
      client.round(effort.warmMillis(), 3);
    }
    for (int round = 0; round < effort.rounds(); round++) {
      for (Map.Entry<ContenderClient, List<double[]>> entry : rounds.entrySet()) {
        entry.getValue().add(entry.getKey().round(effort.roundMillis(), 3));
      }
    }
    Line line = new Line(work.network(), batch, field.threads, "us", false);
    for (Map.Entry<ContenderClient, List<double[]>> entry : rounds.entrySet()) {
      String[] metrics = {"count", "p50_us", "p99_us", "p999_us", "alloc_bytes"};
      double[] medians = new double[metrics.length];
      for (int m = 1; m < metrics.length; m++) {
        final int metric = m;
        medians[m] =
            Samples.median(
                entry.getValue().stream().mapToDouble(values -> values[metric]).toArray());
        lineup.results.add(
            new ResultsFile.Key(
                work.network(), entry.getKey().name(), field.threads, batch, metrics[m]),
            medians[m]);
      }
      if (work.readsStrings()) {
        lineup.results.add(
            new ResultsFile.Key(
                work.network(), entry.getKey().name(), field.threads, batch, "texts_per_s"),
            batch / (medians[1] * 1e-6));
      }
      line.add(entry.getKey().name(), medians[1]);
      entry.getKey().free();
    }
    System.out.println(line);
  }

  /** Every contender that can, its outputs equal to those of the first; for I1 the controls too. */
  private Map<ContenderClient, List<double[]>> prepare(Work work, int batch) throws IOException {
    Map<ContenderClient, List<double[]>> rounds = new LinkedHashMap<>();
    float[] reference = null;
    for (ContenderKind kind : lineup.kinds) {
      boolean takesMinutes = batch == LARGEST_BATCH && work.network().equals("I4");
      if (kind.name().equals("dl4j") && (takesMinutes || work.network().matches("I[5-9].*"))) {
        continue;
      }
      if (work.isPublished() && !kind.name().matches("espalier.*|ort(-int8)?")) {
        continue;
      }
      ContenderClient client = field.client(kind);
      if (client == null) {
        continue;
      }
      float[] outputs;
      try {
        outputs = client.predict(work, batch);
      } catch (UnsupportedOperationException missing) {
        continue;
      }
      if (reference == null) {
        reference = outputs;
      }
      String what = kind.name() + " on " + work.network() + ", batch " + batch;
      Agreement.require(what, reference, outputs, Agreement.tolerance(kind.name()));
      rounds.put(client, new ArrayList<>());
    }
    if (work.network().equals("I1") && batch == 1) {
      field.controls(work, batch).forEach(control -> rounds.put(control, new ArrayList<>()));
    }
    return rounds;
  }
}
