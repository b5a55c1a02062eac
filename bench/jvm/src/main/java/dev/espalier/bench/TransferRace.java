// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Workloads X: a head trained on a frozen trunk. All start from the same head and go through the
 * same examples in the same order, and no time counts unless the losses of all epochs agree.
 */
final class TransferRace {
  private final Lineup lineup;
  private final Field field;
  private final String workload;
  private final String peer;
  private final Map<String, List<Double>> seconds = new LinkedHashMap<>();
  private float[] reference;

  /**
   * Prepares a race.
   *
   * @param peer the PyTorch that takes part
   */
  TransferRace(Lineup lineup, Field field, String workload, String peer) {
    this.lineup = lineup;
    this.field = field;
    this.workload = workload;
    this.peer = peer;
  }

  void run() throws IOException {
    if (!lineup.isWanted(workload)) {
      return;
    }
    boolean isQuick = lineup.effort.isQuick();
    Work work = lineup.transferWork(workload, TransferWork.examples(workload, isQuick));
    int repeats = isQuick || work.isText() ? 1 : 3; // texts take minutes
    for (int repeat = 0; repeat < repeats; repeat++) {
      for (ContenderKind kind : lineup.kinds) {
        if (kind.name().equals("espalier")) {
          race(kind, work, "cached", "espalier");
        } else if (kind.name().equals(peer) && field.client(kind) != null) {
          race(kind, work, "cached", "torch-cached");
          if (repeat == 0 && (!isQuick || work.isText())) { // a minute each time
            race(kind, work, "naive", "torch-naive");
          }
        }
      }
    }
    Line line = new Line(workload, TransferWork.BATCH, field.threads, "s", false);
    seconds.forEach(
        (name, values) -> {
          double value = Samples.median(values.stream().mapToDouble(Double::doubleValue).toArray());
          lineup.results.add(
              new ResultsFile.Key(workload, name, field.threads, TransferWork.BATCH, "wall_s"),
              value);
          line.add(name, value);
        });
    System.out.println(line);
  }

  private void race(ContenderKind kind, Work work, String variant, String name) throws IOException {
    Contender.Transfer transfer = field.client(kind).transfer(work, variant);
    float[] losses = new float[transfer.losses().length];
    for (int i = 0; i < losses.length; i++) {
      losses[i] = (float) transfer.losses()[i];
    }
    if (reference == null) {
      reference = losses;
    }
    Agreement.require(
        name + ", losses of " + workload,
        reference,
        losses,
        Agreement.lossTolerance(work.network()));
    seconds.computeIfAbsent(name, k -> new ArrayList<>()).add(transfer.seconds());
  }
}
