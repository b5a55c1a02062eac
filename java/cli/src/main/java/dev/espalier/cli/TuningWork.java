// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.LayerSummary;
import dev.espalier.Network;
import java.util.Set;

/**
 * How long it takes to train all of a backbone, counted in multiply-adds and not in seconds, so
 * that what is tried does not depend on the machine.
 */
final class TuningWork {
  /**
   * What is tried unasked, of multiply-adds forward in all tuning steps: about a minute of two
   * cores of an AMD EPYC (Zen 5), where 8·10^12 of MobileNetV2 with their backward passes, and all
   * else that adapt does, took 370 s of CPU time.
   */
  static final double MOST_UNASKED = 2e12;

  private static final Set<String> TABLES = Set.of("embedding", "position_embedding");
  private static final int IMAGE_RANK = 3;
  private static final int TOKENS_RANK = 2;

  private TuningWork() {}

  /** Returns the multiply-adds of one example up to a layer: of each parameter in each place. */
  static double forward(Network backbone, LayerSummary last) {
    double work = 0;
    for (LayerSummary layer : backbone.layers()) {
      if (!TABLES.contains(layer.kind())) {
        int[] output = layer.output().dims();
        double places =
            switch (output.length) {
              case IMAGE_RANK -> (double) output[1] * output[2];
              case TOKENS_RANK -> output[0];
              default -> 1;
            };
        work += layer.parameterCount() * places;
      }
      if (layer.name().equals(last.name())) {
        break;
      }
    }
    return work;
  }
}
