// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.JsonWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes the settings of a fit as the native trainer reads them. */
final class TrainerSpec {
  private TrainerSpec() {}

  static String json(Trainer.Settings settings, int batchSize, long totalSteps) {
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("optimizer", optimizer(settings.optimizer()));
    spec.put("schedule", settings.schedule().spec(totalSteps));
    spec.put("max_batch_size", batchSize);
    spec.put("seed", settings.seed());
    if (settings.clipValue() != null) {
      spec.put("clip_value", settings.clipValue());
    }
    if (settings.clipNorm() != null) {
      spec.put("clip_norm", settings.clipNorm());
    }
    spec.put("decay_biases_and_norms", settings.decaysBiasesAndNorms());
    spec.put("layer_decay", settings.optimizer().layerDecay());
    if (settings.featureCacheFolder() != null) {
      spec.put("feature_folder", settings.featureCacheFolder().toString());
    }
    if (!settings.losses().isEmpty()) {
      spec.put("own_losses", List.copyOf(settings.losses().keySet()));
    }
    return JsonWriter.write(spec);
  }

  private static Map<String, Object> optimizer(Optimizer optimizer) {
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("learning_rate", optimizer.learningRate());
    if (optimizer instanceof Sgd sgd) {
      spec.put("kind", "sgd");
      spec.put("momentum", sgd.momentum());
      spec.put("nesterov", sgd.nesterov());
      spec.put("weight_decay", sgd.weightDecay());
    } else if (optimizer instanceof Adam adam) {
      spec.put("kind", "adam");
      spec.put("beta1", adam.beta1());
      spec.put("beta2", adam.beta2());
      spec.put("epsilon", adam.epsilon());
      spec.put("weight_decay", adam.weightDecay());
    } else if (optimizer instanceof AdamW adamW) {
      spec.put("kind", "adamw");
      spec.put("beta1", adamW.beta1());
      spec.put("beta2", adamW.beta2());
      spec.put("epsilon", adamW.epsilon());
      spec.put("weight_decay", adamW.weightDecay());
    } else if (optimizer instanceof RmsProp rmsProp) {
      spec.put("kind", "rmsprop");
      spec.put("alpha", rmsProp.alpha());
      spec.put("epsilon", rmsProp.epsilon());
      spec.put("momentum", rmsProp.momentum());
      spec.put("weight_decay", rmsProp.weightDecay());
    }
    return spec;
  }
}
