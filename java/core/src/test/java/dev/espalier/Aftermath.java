// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.time.Duration;

/** Uses what a hostile call returned, so that a setting that was let through has to act. */
final class Aftermath {
  private static final Dots DOTS = new Dots(24, 2);

  private Aftermath() {}

  static void use(Object result) {
    if (result instanceof Network network) {
      use(network);
    } else if (result instanceof Predictor predictor) {
      try (predictor) {
        predictor.predict(new float[predictor.inputSize()]);
      }
    } else if (result instanceof BatchingPredictor batching) {
      batching.close();
    } else if (result instanceof Trainer trainer) {
      fit(trainer);
    } else if (result instanceof Adaptation adaptation) {
      adaptation.headSteps(2).tuningSteps(2).timeLimit(Duration.ofMillis(100));
      use(adaptation.fit(DOTS.labels(), DOTS.labels()));
    } else if (result instanceof Adapted adapted) {
      use(adapted.network());
    } else if (result instanceof NetworkBuilder builder) {
      use(builder.head("side", Head.labels("low", "right")).build(1));
    } else if (result instanceof TransferBuilder plan) {
      plan.explain();
      use(plan.build(1));
    } else if (result instanceof Head head) {
      use(Dots.backbone().head("side", head).build(1));
    } else if (result instanceof LayerOptions options) {
      use(
          Network.builder(Dots.PICTURE)
              .conv2d("c", 4, 3, options)
              .head("side", Head.labels("low", "right"))
              .build(1));
    } else if (result instanceof Optimizer optimizer) {
      try (Network network = Dots.labeller(1)) {
        fit(Trainer.of(network).optimizer(optimizer));
      }
    } else if (result instanceof Schedule schedule) {
      try (Network network = Dots.labeller(1)) {
        fit(Trainer.of(network).schedule(schedule));
      }
    } else if (result instanceof Dataset data && data.size() <= 100) {
      try (Network network = Dots.labeller(1)) {
        Trainer.of(network).steps(2).fit(data);
        network.evaluate(data);
      }
    }
  }

  private static void use(Network network) {
    try (network) {
      network.summary();
      try (Predictor predictor = network.predictor(PredictorOptions.defaults().maxBatchSize(1))) {
        predictor.predict(new float[predictor.inputSize()]);
      }
      fit(Trainer.of(network));
    }
  }

  private static void fit(Trainer trainer) {
    trainer.timeLimit(Duration.ofMillis(100)).steps(2).fit(DOTS.labels());
  }
}
