// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Configuration;

/** What is on the class path is found: by Spring Boot, and by those who edit properties. */
class FailureOutputTest {
  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  static class Application {}

  @Test
  void anApplicationWithABrokenModelSaysWhatToDo() {
    PrintStream console = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      assertThatThrownBy(() -> SpringApplication.run(Application.class, "--espalier.model=nowhere"))
          .hasRootCauseInstanceOf(FileNotFoundException.class);
    } finally {
      System.setOut(console);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8))
        .contains("APPLICATION FAILED TO START")
        .contains("The model that espalier.model names, \"nowhere\", can't be served")
        .contains("Set espalier.model to the path of a file that Network.save wrote");
  }

  @Test
  void editorsKnowTheProperties() throws IOException {
    try (var stream =
        getClass().getResourceAsStream("/META-INF/spring-configuration-metadata.json")) {
      String metadata = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
      for (String name :
          new String[] {
            "espalier.model",
            "espalier.max-batch-size",
            "espalier.threads",
            "espalier.precision",
            "espalier.batching.enabled",
            "espalier.batching.max-batch-size",
            "espalier.batching.max-wait",
            "espalier.batching.queue-capacity",
            "espalier.batching.timeout"
          }) {
        assertThat(metadata).contains("\"name\": \"" + name + "\"");
      }
      assertThat(metadata).contains("The model's file: a path");
    }
  }
}
