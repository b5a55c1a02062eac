// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Workloads T: examples per second of training steps with Adam, eight batches in turn. The losses
 * of the first steps have to agree: those of {@link ContenderProcess#CHECKED_STEPS} steps on the
 * same examples, which fall as far as gradients and updates make them.
 */
final class TrainingRace {
  private static final Map<String, String> NETWORKS = new LinkedHashMap<>();

  static {
    NETWORKS.put("T-I1", "I1");
    NETWORKS.put("T2-I2", "I2");
    NETWORKS.put("T-I3", "I3");
    NETWORKS.put("T-I4", "I4");
  }

  /** Steps longer than this have had their say after three rounds of one. */
  private static final double LONG_MICROSECONDS = 1e6;

  private final Lineup lineup;
  private final Field field;

  TrainingRace(Lineup lineup, Field field) {
    this.lineup = lineup;
    this.field = field;
  }

  void run() throws IOException {
    for (Map.Entry<String, String> workload : NETWORKS.entrySet()) {
      if (lineup.isWanted(workload.getKey())) {
        for (int batch : new int[] {32, 128}) {
          race(workload.getKey(), lineup.trainingWork(workload.getValue(), batch), batch);
        }
      }
    }
  }

  private void race(String workload, Work work, int batch) throws IOException {
    List<Runner> runners = prepare(workload, work, batch);
    Effort effort = lineup.effort;
    for (Runner runner : runners) {
      runner.rounds = effort.rounds();
      if (runner.client.round(effort.warmMillis(), 2)[1] > LONG_MICROSECONDS) {
        runner.rounds = Math.min(3, effort.rounds());
      }
    }
    for (int round = 0; round < effort.rounds(); round++) {
      for (Runner runner : runners) {
        if (round < runner.rounds) {
          runner.micros.add(runner.client.round(2 * effort.roundMillis(), 2)[1]);
        }
      }
    }
    Line line = new Line(workload, batch, field.threads, "samples/s", true);
    for (Runner runner : runners) {
      double step =
          Samples.median(runner.micros.stream().mapToDouble(Double::doubleValue).toArray());
      double rate = batch / (step * 1e-6);
      String name = runner.client.name();
      lineup.results.add(
          new ResultsFile.Key(workload, name, field.threads, batch, "samples_per_s"), rate);
      line.add(name, rate);
      runner.client.free();
    }
    System.out.println(line);
  }

  private List<Runner> prepare(String workload, Work work, int batch) throws IOException {
    List<Runner> runners = new ArrayList<>();
    float[] reference = null;
    for (ContenderKind kind : lineup.kinds) {
      // Its steps on I4 take seconds; a second core changes little about that.
      boolean takesMinutes = workload.equals("T-I4") && field.threads > 1;
      if (kind.name().equals("dl4j") && takesMinutes) {
        continue;
      }
      ContenderClient client = field.client(kind);
      if (client == null) {
        continue;
      }
      float[] losses;
      try {
        losses = client.train(work, batch);
      } catch (UnsupportedOperationException missing) {
        continue;
      }
      if (reference == null) {
        reference = losses;
      }
      String what = kind.name() + ", losses on " + workload + ", batch " + batch;
      Agreement.require(what, reference, losses, Agreement.lossTolerance(work.network()));
      runners.add(new Runner(client));
    }
    return runners;
  }

  private static final class Runner {
    final ContenderClient client;
    final List<Double> micros = new ArrayList<>();
    int rounds;

    Runner(ContenderClient client) {
      this.client = client;
    }
  }
}
