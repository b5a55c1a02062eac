// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Workloads T: examples per second of training steps, eight batches in turn. The losses of the
 * first steps have to agree: those of {@link ContenderProcess#CHECKED_STEPS} steps on the same
 * examples, which fall as far as gradients and updates make them.
 *
 * <p>Whole backbones run in processes of their own, whose memory tells what they take.
 */
final class TrainingRace {
  private static final List<Workload> SMALL =
      List.of(
          new Workload("T-I1", "I1", 32, 128),
          new Workload("T2-I2", "I2", 32, 128),
          new Workload("T-I3", "I3", 32, 128),
          new Workload("T-I4", "I4", 32, 128));
  private static final List<Workload> BACKBONES =
      List.of(
          new Workload("T-I5r-224", "T-I5r-224", 8),
          new Workload("T-I5r-64", "T-I5r-64", 32),
          new Workload("T-I5m-224", "T-I5m-224", 8),
          new Workload("T-I5m-64", "T-I5m-64", 32),
          new Workload("T-I6-64", "T-I6-64", 16),
          new Workload("T-minilm", "T-minilm", 16));

  /** Steps longer than this have had their say after three rounds of one. */
  private static final double LONG_MICROSECONDS = 1e6;

  private final Lineup lineup;
  private final Field field;

  TrainingRace(Lineup lineup, Field field) {
    this.lineup = lineup;
    this.field = field;
  }

  void run() throws IOException {
    for (Workload workload : SMALL) {
      if (lineup.isWanted(workload.name)) {
        for (int batch : workload.batches) {
          race(field, workload, batch);
        }
      }
    }
    for (Workload workload : BACKBONES) {
      // They take seconds: a quick run has them once.
      boolean isLeftOut =
          lineup.effort.isQuick() && field.threads > 1 && workload.name.endsWith("-224");
      if (lineup.isWanted(workload.name) && !isLeftOut) {
        for (int batch : workload.batches) {
          try (Field own = new Field(lineup, field.threads, true)) {
            race(own, workload, batch);
          }
        }
      }
    }
  }

  private void race(Field in, Workload workload, int batch) throws IOException {
    Work work = lineup.trainingWork(workload.network, batch);
    List<Runner> runners = prepare(in, workload, work, batch);
    Effort effort = lineup.effort;
    int least = workload.isBackbone() && effort.isQuick() ? 1 : 2;
    for (Runner runner : runners) {
      runner.rounds = effort.rounds();
      if (runner.client.round(effort.warmMillis(), least)[1] > LONG_MICROSECONDS) {
        runner.rounds = Math.min(3, effort.rounds());
      }
    }
    for (int round = 0; round < effort.rounds(); round++) {
      for (Runner runner : runners) {
        if (round < runner.rounds) {
          runner.micros.add(runner.client.round(2 * effort.roundMillis(), least)[1]);
        }
      }
    }
    Line line = new Line(workload.name, batch, in.threads, "samples/s", true);
    for (Runner runner : runners) {
      double step =
          Samples.median(runner.micros.stream().mapToDouble(Double::doubleValue).toArray());
      double rate = batch / (step * 1e-6);
      line.add(runner.client.name(), rate);
      add(in, workload, batch, runner, "samples_per_s", rate);
      if (workload.isBackbone()) {
        add(in, workload, batch, runner, "peak_mb", runner.client.peakMegabytes());
      }
      runner.client.free();
    }
    System.out.println(line);
  }

  private void add(
      Field in, Workload workload, int batch, Runner runner, String metric, double value) {
    lineup.results.add(
        new ResultsFile.Key(workload.name, runner.client.name(), in.threads, batch, metric), value);
  }

  private List<Runner> prepare(Field in, Workload workload, Work work, int batch)
      throws IOException {
    List<Runner> runners = new ArrayList<>();
    float[] reference = null;
    for (ContenderKind kind : lineup.kinds) {
      // Its steps on I4 take seconds; a second core changes little about that.
      boolean takesMinutes = workload.name.equals("T-I4") && in.threads > 1;
      if (kind.name().equals("dl4j") && (takesMinutes || workload.isBackbone())) {
        continue;
      }
      // What embeds tokens is written for PyTorch from Python alone.
      if (kind.name().equals("torch") && work.isText()) {
        continue;
      }
      ContenderClient client = in.client(kind);
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
      String what = kind.name() + ", losses on " + workload.name + ", batch " + batch;
      Agreement.require(what, reference, losses, Agreement.lossTolerance(work.network()));
      runners.add(new Runner(client));
    }
    return runners;
  }

  /** A row's name, its network, and the batches. */
  private static final class Workload {
    final String name;
    final String network;
    final int[] batches;

    Workload(String name, String network, int... batches) {
      this.name = name;
      this.network = network;
      this.batches = batches;
    }

    boolean isBackbone() {
      return BACKBONES.contains(this);
    }
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
