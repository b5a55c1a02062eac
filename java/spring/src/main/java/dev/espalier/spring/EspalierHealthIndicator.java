// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spring;

import dev.espalier.Espalier;
import dev.espalier.Predictor;
import dev.espalier.Task;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;

/** Up as long as the predictor is open: it holds all that a prediction needs. */
final class EspalierHealthIndicator extends AbstractHealthIndicator {
  private final Predictor predictor;

  EspalierHealthIndicator(Predictor predictor) {
    super("the predictor can't be looked at");
    this.predictor = predictor;
  }

  @Override
  protected void doHealthCheck(Health.Builder health) {
    health
        .status(predictor.isClosed() ? "DOWN" : "UP")
        .withDetail("inputs", predictor.inputShape().toString())
        .withDetail("tasks", predictor.tasks().stream().map(Task::name).toList())
        .withDetail("nativeBytes", Espalier.nativeBytes());
  }
}
