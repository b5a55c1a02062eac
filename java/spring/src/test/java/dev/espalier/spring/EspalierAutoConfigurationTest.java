// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.BatchingPredictor;
import dev.espalier.Espalier;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import dev.espalier.micrometer.PredictionTimer;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

class EspalierAutoConfigurationTest {
  @TempDir Path folder;

  private Path model;
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  MetricsAutoConfiguration.class,
                  EspalierAutoConfiguration.class,
                  EspalierHealthAutoConfiguration.class,
                  EspalierMetricsAutoConfiguration.class));

  @BeforeEach
  void save() {
    model = folder.resolve("model.safetensors");
    try (Network network = network()) {
      network.save(model);
    }
  }

  private static Network network() {
    return Network.builder(Shape.vector(4)).head("a", Head.classes(3)).build(1);
  }

  private ApplicationContextRunner served() {
    return runner.withPropertyValues("espalier.model=" + model);
  }

  @Test
  void withoutAModelThereIsNothing() {
    runner.run(
        context ->
            assertThat(context)
                .hasNotFailed()
                .doesNotHaveBean(Predictor.class)
                .doesNotHaveBean("espalierHealthIndicator")
                .doesNotHaveBean("espalierLibraryMetrics"));
  }

  @Test
  void aModelBecomesAPredictorThatIsClosedWithTheApplication() {
    long handles = Espalier.liveHandles();
    AtomicReference<Predictor> predictor = new AtomicReference<>();
    served()
        .withPropertyValues("espalier.max-batch-size=8", "espalier.threads=1")
        .run(
            context -> {
              predictor.set(context.getBean(Predictor.class));
              assertThat(predictor.get().predict(new float[8])).hasSize(6);
              assertThat(predictor.get().describe()).contains("8");
              assertThat(context).doesNotHaveBean(BatchingPredictor.class);
            });
    assertThat(predictor.get().isClosed()).isTrue();
    assertThat(Espalier.liveHandles()).isEqualTo(handles);
  }

  @Test
  void aModelMayBeAnyLocation() throws IOException {
    runner
        .withPropertyValues("espalier.model=" + model.toUri())
        .run(context -> assertThat(context).hasSingleBean(Predictor.class));
    Path resources = Files.createDirectories(folder.resolve("classes"));
    Files.copy(model, resources.resolve("inside.safetensors"));
    try (var loader =
        new URLClassLoader(new URL[] {resources.toUri().toURL()}, getClass().getClassLoader())) {
      runner
          .withClassLoader(loader)
          .withPropertyValues("espalier.model=classpath:inside.safetensors")
          .run(context -> assertThat(context).hasSingleBean(Predictor.class));
    }
  }

  @Test
  void requestsAreJoinedIfAskedFor() {
    served()
        .withPropertyValues(
            "espalier.batching.enabled=true",
            "espalier.batching.max-batch-size=4",
            "espalier.batching.max-wait=1ms",
            "espalier.batching.queue-capacity=16",
            "espalier.batching.timeout=2s")
        .run(
            context -> {
              BatchingPredictor batching = context.getBean(BatchingPredictor.class);
              assertThat(batching.submit(new float[4]).join()).hasSize(3);
              assertThat(batching.toString()).contains("4").contains("16");
            });
  }

  @Configuration(proxyBeanMethods = false)
  static class OwnPredictor {
    @Bean
    Predictor own() {
      try (Network network = network()) {
        return network.predictor();
      }
    }
  }

  @Test
  void anApplicationsOwnPredictorStays() {
    served()
        .withUserConfiguration(OwnPredictor.class)
        .run(
            context ->
                assertThat(context)
                    .hasSingleBean(Predictor.class)
                    .hasBean("own")
                    .hasBean("espalierHealthIndicator"));
  }

  @Test
  void healthIsThatOfThePredictor() {
    served()
        .run(
            context -> {
              HealthIndicator indicator =
                  context.getBean("espalierHealthIndicator", HealthIndicator.class);
              Health health = indicator.health(true);
              assertThat(health.getStatus()).isEqualTo(Status.UP);
              assertThat(health.getDetails()).containsEntry("inputs", "[4]").containsKey("tasks");
              context.getBean(Predictor.class).close();
              assertThat(indicator.health(true).getStatus()).isEqualTo(Status.DOWN);
            });
    served()
        .withPropertyValues("management.health.espalier.enabled=false")
        .run(context -> assertThat(context).doesNotHaveBean("espalierHealthIndicator"));
    served()
        .withClassLoader(new FilteredClassLoader(HealthIndicator.class))
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(Predictor.class));
  }

  @Test
  void aRegistryReadsThePredictors() {
    served()
        .withPropertyValues("espalier.batching.enabled=true")
        .withBean(MeterRegistry.class, SimpleMeterRegistry::new)
        .run(
            context -> {
              MeterRegistry registry = context.getBean(MeterRegistry.class);
              Predictor predictor = context.getBean(Predictor.class);
              context
                  .getBean(PredictionTimer.class)
                  .record(1, () -> predictor.predict(new float[4]));
              assertThat(registry.get("espalier.predictor.calls").functionCounter().count())
                  .isEqualTo(1);
              assertThat(registry.get("espalier.batching.waiting").gauge().value()).isZero();
              assertThat(registry.get("espalier.native.bytes").gauge().value()).isPositive();
              assertThat(
                      registry.get("espalier.prediction").tag("outcome", "success").timer().count())
                  .isEqualTo(1);
            });
  }

  private FailureAnalysis analysis(String value) {
    AtomicReference<FailureAnalysis> analysis = new AtomicReference<>();
    runner
        .withPropertyValues("espalier.model=" + value)
        .run(
            context -> {
              assertThat(context).hasFailed();
              analysis.set(new ModelUnusableAnalyzer().analyze(context.getStartupFailure()));
            });
    assertThat(analysis.get()).isNotNull();
    assertThat(analysis.get().getDescription()).contains(value);
    return analysis.get();
  }

  @Test
  void whatIsWrongWithAModelIsSaid() throws IOException {
    long handles = Espalier.liveHandles();
    Path missing = folder.resolve("missing");
    assertThat(analysis(missing.toString()).getAction()).contains("relative ones begin in /");
    assertThat(analysis("classpath:nowhere").getAction()).contains("classpath: looks among");
    Path damaged = Files.writeString(folder.resolve("damaged"), "nonsense");
    assertThat(analysis(damaged.toString()).getAction()).contains("Network.save");
    assertThat(analysis(folder.toString()).getDescription()).contains("can't be served");
    assertThat(Espalier.liveHandles()).isEqualTo(handles);
  }
}
