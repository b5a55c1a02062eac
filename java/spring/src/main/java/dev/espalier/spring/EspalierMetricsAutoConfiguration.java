// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spring;

import dev.espalier.BatchingPredictor;
import dev.espalier.Predictor;
import dev.espalier.micrometer.EspalierMetrics;
import dev.espalier.micrometer.PredictionTimer;
import io.micrometer.core.instrument.MeterRegistry;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;

/**
 * Binds {@link EspalierMetrics} of the library and its predictors to the application's registry,
 * where it has one, and makes a {@link PredictionTimer} to inject.
 *
 * @since 0.1
 */
@AutoConfiguration(
    after = EspalierAutoConfiguration.class,
    afterName =
        "org.springframework.boot.micrometer.metrics.autoconfigure"
            + ".CompositeMeterRegistryAutoConfiguration")
@ConditionalOnBean(MeterRegistry.class)
public final class EspalierMetricsAutoConfiguration {
  /** Is made by Spring. */
  EspalierMetricsAutoConfiguration() {}

  @Bean
  @ConditionalOnSingleCandidate(Predictor.class)
  @ConditionalOnMissingBean(name = "espalierPredictorMetrics")
  EspalierMetrics espalierPredictorMetrics(Predictor predictor) {
    return EspalierMetrics.of(predictor);
  }

  @Bean
  @ConditionalOnSingleCandidate(BatchingPredictor.class)
  @ConditionalOnMissingBean(name = "espalierBatchingMetrics")
  EspalierMetrics espalierBatchingMetrics(BatchingPredictor predictor) {
    return EspalierMetrics.of(predictor);
  }

  @Bean
  @ConditionalOnBean(Predictor.class)
  @ConditionalOnMissingBean(name = "espalierLibraryMetrics")
  EspalierMetrics espalierLibraryMetrics() {
    return EspalierMetrics.ofLibrary();
  }

  @Bean
  @ConditionalOnSingleCandidate(MeterRegistry.class)
  @ConditionalOnMissingBean
  PredictionTimer espalierPredictionTimer(MeterRegistry registry) {
    return PredictionTimer.of(registry);
  }
}
