// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spring;

import dev.espalier.BatchingPredictor;
import dev.espalier.Predictor;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.Resource;
import org.springframework.core.io.ResourceLoader;
import org.springframework.util.ResourceUtils;

/**
 * Makes a {@link Predictor} of the file that {@code espalier.model} names, and a {@link
 * BatchingPredictor} if {@code espalier.batching.enabled} says so, unless the application has its
 * own. Both are closed with the application.
 *
 * @since 0.1
 */
@AutoConfiguration
@EnableConfigurationProperties(EspalierProperties.class)
public final class EspalierAutoConfiguration {
  /** Is made by Spring. */
  EspalierAutoConfiguration() {}

  @Bean
  @ConditionalOnProperty("espalier.model")
  @ConditionalOnMissingBean
  Predictor espalierPredictor(EspalierProperties properties, ResourceLoader resources) {
    String model = properties.model();
    try {
      Resource resource =
          ResourceUtils.isUrl(model) ? resources.getResource(model) : new FileSystemResource(model);
      if (!resource.exists()) {
        throw new FileNotFoundException("there is no such file");
      }
      if (resource.isFile()) {
        return Predictor.load(resource.getFile().toPath(), properties.options());
      }
      try (InputStream stream = resource.getInputStream()) {
        return Predictor.load(stream, properties.options());
      }
    } catch (IOException | RuntimeException error) {
      throw new ModelUnusableException(model, error);
    }
  }

  @Bean
  @ConditionalOnProperty("espalier.batching.enabled")
  @ConditionalOnBean(Predictor.class)
  @ConditionalOnMissingBean
  BatchingPredictor espalierBatchingPredictor(Predictor predictor, EspalierProperties properties) {
    return BatchingPredictor.of(predictor, properties.batching().options());
  }
}
