// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.Adaptation;
import dev.espalier.AdaptationSetting;
import dev.espalier.Adapted;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.ParameterSummary;
import dev.espalier.Shape;
import dev.espalier.Split;
import dev.espalier.Task;
import dev.espalier.TransferBuilder;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Trains heads on features that there are, and grafts them on the network that made the features.
 *
 * @param learningRates to try
 * @param steps of each, at most; empty for as many as {@link Adaptation} takes
 * @param batchSize examples a step
 * @param validationFraction share of the examples that choose, where no column says which do
 * @param tunesThresholds whether labels get the thresholds that are best on those
 */
record HeadTraining(
    double[] learningRates,
    OptionalLong steps,
    int batchSize,
    long seed,
    double validationFraction,
    boolean tunesThresholds) {
  /** Key under which a network keeps what was tried and chosen. */
  static final String REPORT_KEY = "dev.espalier.spark.report";

  /**
   * Trains.
   *
   * @param backbone the network that made the features
   * @param layer whose output they are
   * @param hasValidation whether rows say that they are for validation
   */
  ModelContent fit(ModelContent backbone, String layer, LabelledRows rows, boolean hasValidation) {
    int chosen =
        hasValidation
            ? rows.count(true)
            : rows.size() - (int) Math.round((1 - validationFraction) * rows.size());
    if (chosen == 0 || chosen == rows.size()) {
      throw new IllegalArgumentException(
          "rows: expected some to train on and some to validate by, got "
              + (rows.size() - chosen)
              + " and "
              + chosen);
    }
    Dataset training;
    Dataset validation;
    if (hasValidation) {
      training = rows.part(false);
      validation = rows.part(true);
    } else {
      Split split = Datasets.split(rows.all(), 1 - validationFraction, seed);
      training = split.first();
      validation = split.second();
    }
    Map<String, Head> heads = rows.heads();
    try (Network source = Network.load(backbone.bytes());
        Network alone = alone(training.inputShape(), heads);
        Adapted adapted = adaptation(alone).fit(training, validation)) {
      Network trained = adapted.network();
      if (tunesThresholds && trained.tasks().stream().anyMatch(HeadTraining::isLabels)) {
        trained.tuneThresholds(validation);
      }
      try (Network whole = whole(source, layer, heads)) {
        for (ParameterSummary parameter : trained.parameters()) {
          whole.setParameter(parameter.path(), trained.parameter(parameter.path()));
        }
        for (Task task : trained.tasks()) {
          if (isLabels(task)) {
            double[] thresholds =
                task.thresholds().stream().mapToDouble(Double::doubleValue).toArray();
            whole.setThresholds(task.name(), thresholds);
          }
        }
        whole.setMetadata(REPORT_KEY, adapted.report().toString());
        return ModelContent.of(whole);
      }
    }
  }

  private static boolean isLabels(Task task) {
    return task.kind() == Task.Kind.LABELS;
  }

  private Adaptation adaptation(Network alone) {
    Adaptation adaptation =
        Adaptation.of(alone)
            .settings(Arrays.stream(learningRates).mapToObj(AdaptationSetting::headAlone).toList())
            .batchSize(batchSize)
            .seed(seed);
    return steps.isPresent() ? adaptation.headSteps(steps.getAsLong()) : adaptation;
  }

  private Network alone(Shape features, Map<String, Head> heads) {
    NetworkBuilder builder = Network.builder(features);
    heads.forEach(builder::head);
    return builder.build(seed);
  }

  private Network whole(Network source, String layer, Map<String, Head> heads) {
    TransferBuilder transfer = source.transfer();
    source.tasks().forEach(task -> transfer.dropHead(task.name()));
    heads.forEach((name, head) -> transfer.head(name, layer, head));
    return transfer.freezeThrough(layer).build(seed);
  }
}
