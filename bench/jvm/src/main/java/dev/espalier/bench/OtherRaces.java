// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The workloads that are not single predictions, calls or steps of the networks: L and O. */
final class OtherRaces {
  private static final int CALLS_PER_BLOCK = 1000;
  private static final int LABEL_BATCH = 256;

  private final Lineup lineup;

  OtherRaces(Lineup lineup) {
    this.lineup = lineup;
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
