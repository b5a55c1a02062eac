// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.JsonWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes the settings of a fit as the native trainer reads them. */
final class TrainerSpec {
  private TrainerSpec() {}

  static String json(FitSettings settings, Stage stage, int batchSize, long totalSteps) {
    return JsonWriter.write(spec(settings, stage, batchSize, totalSteps));
  }

  /** Of a trainer that computes shards of up to so many examples. */
  static String ofShards(FitSettings settings, int shardSize, long totalSteps) {
    Map<String, Object> spec = spec(settings, Stage.asItIs(), shardSize, totalSteps);
    spec.put("data_parallel", true);
    return JsonWriter.write(spec);
  }

  private static Map<String, Object> spec(
      FitSettings settings, Stage stage, int batchSize, long totalSteps) {
    Map<String, Object> spec = new LinkedHashMap<>();
    Map<String, Object> optimizer = new LinkedHashMap<>(settings.optimizer().spec());
    optimizer.put("learning_rate", settings.optimizer().learningRate() * stage.rateFactor());
    spec.put("optimizer", optimizer);
    spec.put("schedule", settings.schedule().spec(totalSteps));
    spec.put("balance", settings.balance().spec());
    spec.put("max_batch_size", batchSize);
    spec.put("seed", settings.seed());
    settings.threads().ifPresent(count -> spec.put("threads", count));
    UpdateOptions updates = settings.updates();
    if (updates.clipValue() != null) {
      spec.put("clip_value", updates.clipValue());
    }
    if (updates.clipNorm() != null) {
      spec.put("clip_norm", updates.clipNorm());
    }
    spec.put("decay_biases_and_norms", updates.decaysBiasesAndNorms());
    spec.put("layer_decay", settings.optimizer().layerDecay());
    spec.put("start_decay", updates.startDecay());
    if (updates.averageDecay().isPresent()) {
      spec.put("average_decay", updates.averageDecay().getAsDouble());
    }
    if (settings.featureCaching().folder() != null) {
      spec.put("feature_folder", settings.featureCaching().folder().toString());
    }
    if (!settings.losses().isEmpty()) {
      spec.put("own_losses", List.copyOf(settings.losses().keySet()));
    }
    return spec;
  }
}
