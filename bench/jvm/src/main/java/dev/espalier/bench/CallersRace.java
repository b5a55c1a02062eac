// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Workloads C: callers that share one predictor, on all cores, each prediction on its caller's
 * thread.
 */
final class CallersRace {
  private static final int[] CALLERS = {1, 2, 4, 8};
  private static final int[] BATCHES_OF_TEXTS = {1, 8};

  private final Lineup lineup;

  CallersRace(Lineup lineup) {
    this.lineup = lineup;
  }

  void run() throws IOException {
    if (lineup.isWanted("C-I1")) {
      race("C-I1", lineup.work("I1", 64), 1, CALLERS);
    }
    if (lineup.isWanted("C-minilm-texts")) {
      Work work = lineup.publishedWork("M-minilm-texts", 8);
      int[] callers = IntStream.of(1, Cores.count()).distinct().toArray();
      for (int i = 0; work != null && i < BATCHES_OF_TEXTS.length; i++) {
        race("C-minilm-texts", work, BATCHES_OF_TEXTS[i], callers);
      }
    }
  }

  private void race(String workload, Work work, int batch, int[] callers) throws IOException {
    try (Field field = new Field(lineup, 1, false)) {
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
          float[] outputs = client.predict(work, batch);
          reference = reference == null ? outputs : reference;
          Agreement.require(
              kind.name() + " on " + workload,
              reference,
              outputs,
              Agreement.tolerance(kind.name()));
          client.round(lineup.effort.warmMillis(), 3);
          clients.add(client);
        }
      }
      if (!work.isPublished()) {
        clients.addAll(field.controls(work, batch));
      }
      race(workload, clients, batch, callers);
    }
  }

  /** All numbers of callers in every round: their ratios are to be of the same minutes. */
  private void race(String workload, List<ContenderClient> clients, int batch, int[] numbers)
      throws IOException {
    Map<Integer, Map<ContenderClient, List<double[]>>> rounds = new LinkedHashMap<>();
    for (int round = 0; round < lineup.effort.rounds(); round++) {
      for (ContenderClient client : clients) {
        for (int callers : numbers) {
          rounds
              .computeIfAbsent(callers, key -> new LinkedHashMap<>())
              .computeIfAbsent(client, key -> new ArrayList<>())
              .add(client.callers(callers, 2 * lineup.effort.roundMillis()));
        }
      }
    }
    String[] metrics = {"calls_per_s", "p99_us", "p999_us"};
    for (int callers : numbers) {
      Line line = new Line(workload, batch, callers, "calls/s", true);
      for (ContenderClient client : clients) {
        double[] medians = new double[metrics.length];
        for (int m = 0; m < metrics.length; m++) {
          final int metric = m;
          medians[m] =
              Samples.median(
                  rounds.get(callers).get(client).stream()
                      .mapToDouble(values -> values[metric])
                      .toArray());
          add(workload, client, callers, batch, metrics[m], medians[m]);
        }
        if (workload.endsWith("-texts")) {
          add(workload, client, callers, batch, "texts_per_s", batch * medians[0]);
        }
        line.add(client.name(), medians[0]);
      }
      System.out.println(line);
    }
  }

  private void add(
      String workload,
      ContenderClient client,
      int callers,
      int batch,
      String metric,
      double value) {
    lineup.results.add(new ResultsFile.Key(workload, client.name(), callers, batch, metric), value);
  }
}
