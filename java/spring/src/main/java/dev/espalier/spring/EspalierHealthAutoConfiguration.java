// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spring;

import dev.espalier.Predictor;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnExpression;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;

/**
 * Shows the predictor among the application's health, as {@code espalier}, where Spring Boot's
 * health is on the class path; {@code management.health.espalier.enabled=false} leaves it out.
 *
 * @since 0.1
 */
@AutoConfiguration(after = EspalierAutoConfiguration.class)
@ConditionalOnClass(HealthIndicator.class)
public final class EspalierHealthAutoConfiguration {
  /** Is made by Spring. */
  EspalierHealthAutoConfiguration() {}

  @Bean
  @ConditionalOnSingleCandidate(Predictor.class)
  @ConditionalOnExpression(
      "${management.health.espalier.enabled:${management.health.defaults.enabled:true}}")
  @ConditionalOnMissingBean(name = "espalierHealthIndicator")
  HealthIndicator espalierHealthIndicator(Predictor predictor) {
    return new EspalierHealthIndicator(predictor);
  }
}
