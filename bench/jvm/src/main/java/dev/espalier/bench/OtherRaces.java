// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The workloads that are not single predictions or steps of the networks: C, L and O. */
final class OtherRaces {
  private static final int[] CALLERS = {1, 2, 4, 8};
  private static final int CALLS_PER_BLOCK = 1000;
  private static final int LABEL_BATCH = 256;

  private final Lineup lineup;

  OtherRaces(Lineup lineup) {
    this.lineup = lineup;
  }

  /** C: callers that share one predictor, on all cores, each prediction on its caller's thread. */
  void callers() throws IOException {
    if (!lineup.isWanted("C-I1")) {
      return;
    }
    try (Field field = new Field(lineup, 1, false)) {
      Work work = lineup.work("I1", 64);
      List<ContenderClient> clients = new ArrayList<>();
      float[] reference = null;
      // The others don't say that one predictor may be shared.
      List<ContenderKind> kinds =
          lineup.kinds.stream()
              .filter(kind -> kind.name().startsWith("espalier") || kind.name().equals("ort"))
              .flatMap(kind -> kind.withShared().stream())
              .toList();
      for (ContenderKind kind : kinds) {
        ContenderClient client = field.client(kind);
        if (client != null) {
          float[] outputs = client.predict(work, 1);
          reference = reference == null ? outputs : reference;
          Agreement.require(
              kind.name() + " on C-I1", reference, outputs, Agreement.tolerance(kind.name()));
          client.round(lineup.effort.warmMillis(), 3);
          clients.add(client);
        }
      }
      clients.addAll(field.controls(work, 1));
      raceCallers(clients);
    }
  }

  /** All numbers of callers in every round: their ratios are to be of the same minutes. */
  private void raceCallers(List<ContenderClient> clients) throws IOException {
    Map<Integer, Map<ContenderClient, List<double[]>>> rounds = new LinkedHashMap<>();
    for (int round = 0; round < lineup.effort.rounds(); round++) {
      for (ContenderClient client : clients) {
        for (int callers : CALLERS) {
          rounds
              .computeIfAbsent(callers, key -> new LinkedHashMap<>())
              .computeIfAbsent(client, key -> new ArrayList<>())
              .add(client.callers(callers, 2 * lineup.effort.roundMillis()));
        }
      }
    }
    String[] metrics = {"calls_per_s", "p99_us", "p999_us"};
    for (int callers : CALLERS) {
      Line line = new Line("C-I1", 1, callers, "calls/s", true);
      for (ContenderClient client : clients) {
        for (int m = 0; m < metrics.length; m++) {
          double value = median(rounds.get(callers).get(client), m);
          add("C-I1", client.name(), callers, 1, metrics[m], value);
          if (m == 0) {
            line.add(client.name(), value);
          }
        }
      }
      System.out.println(line);
    }
  }

  /** L: the step time of a wide head as fewer and fewer labels are known. */
  void labels(Field field) throws IOException {
    ContenderKind espalier = lineup.kinds.get(0);
    if (!lineup.isWanted("L") || !espalier.name().equals("espalier")) {
      return;
    }
    ContenderClient client = field.client(espalier);
    Line line = new Line("L", LABEL_BATCH, field.threads, "us per step (% labelled)", false);
    for (int percent : new int[] {100, 30, 10, 3, 1}) {
      Work work = lineup.labelWork(Work.BATCHES * LABEL_BATCH, percent);
      client.train(work, LABEL_BATCH);
      client.round(lineup.effort.warmMillis(), 3);
      List<double[]> rounds = new ArrayList<>();
      for (int round = 0; round < lineup.effort.rounds(); round++) {
        rounds.add(client.round(lineup.effort.roundMillis(), 3));
      }
      double micros = median(rounds, 1);
      add("L", "espalier", field.threads, percent, "step_us", micros);
      line.add(percent + " %", micros);
      client.free();
    }
    System.out.println(line);
  }

  /** O: what a call costs when there is next to nothing to compute. */
  void overhead(Field field) throws IOException {
    if (!lineup.isWanted("O") || field.threads != 1) {
      return;
    }
    Work work = lineup.work("O", 1);
    ContenderKind espalier = ContenderKind.espalier(lineup.root);
    List<ContenderKind> kinds = List.of(espalier, espalier.as("jni", JniContender.class.getName()));
    Map<String, List<Double>> nanos = new LinkedHashMap<>();
    for (ContenderKind kind : kinds) {
      field.client(kind).predict(work, 1);
      field.client(kind).blocks(lineup.effort.warmMillis(), CALLS_PER_BLOCK);
    }
    for (int round = 0; round < lineup.effort.rounds(); round++) {
      for (ContenderKind kind : kinds) {
        double value = field.client(kind).blocks(lineup.effort.roundMillis(), CALLS_PER_BLOCK);
        put(nanos, kind.name(), value);
      }
    }
    Line line = new Line("O", 1, 1, "ns", false);
    nanos.forEach(
        (name, values) -> {
          double value = Samples.median(values.stream().mapToDouble(Double::doubleValue).toArray());
          add("O", name, 1, 1, "p50_ns", value);
          line.add(name, value);
        });
    System.out.println(line);
    for (ContenderKind kind : kinds) {
      field.client(kind).free();
    }
  }

  private void add(
      String workload, String contender, int threads, int batch, String metric, double value) {
    lineup.results.add(new ResultsFile.Key(workload, contender, threads, batch, metric), value);
  }

  private static void put(Map<String, List<Double>> values, String name, double value) {
    values.computeIfAbsent(name, k -> new ArrayList<>()).add(value);
  }

  private static double median(List<double[]> rounds, int index) {
    return Samples.median(rounds.stream().mapToDouble(values -> values[index]).toArray());
  }
}
