// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectTest {
  @TempDir private Path folder;
  private Path model;

  @BeforeEach
  void save() {
    model = folder.resolve("model.safetensors");
    try (Network network =
        Network.builder(Shape.vector(3))
            .dense("hidden", 4)
            .relu()
            .head("about", Head.labels("rain", "tree"))
            .build(1)) {
      network.setThresholds("about", 0.25, 0.75);
      network.setMetadata("owner", "ward\n3");
      network.save(model);
      network.exportOnnx(folder.resolve("model.onnx"));
    }
  }

  @Test
  void saysWhatIsInAModel() {
    String out = Run.done("inspect", model).out();
    assertTrue(out.contains("model of Espalier"), out);
    assertTrue(out.contains("rain, true from 0.250 on"), out);
    assertTrue(out.contains("owner: ward; 3"), out);
    assertTrue(out.contains("26 parameters"), out);
  }

  @Test
  void saysItAsJson() throws IOException {
    JsonNode json = Run.done("inspect", model, "--json").json();
    assertEquals("espalier", json.get("format").asText());
    assertEquals(64, json.get("sha256").asText().length());
    assertEquals(0.75, json.at("/tasks/0/thresholds/1").asDouble());
    assertEquals("hidden", json.at("/layers/0/name").asText());
    assertEquals(26, json.get("parameters").asInt());
  }

  @Test
  void modelsOfOthersAreReadAndImported() throws IOException {
    Path onnx = folder.resolve("model.onnx");
    assertTrue(Run.done("inspect", onnx).out().contains("an ONNX model"));
    Path target = folder.resolve("imported.safetensors");
    JsonNode json = Run.done("import", onnx, "-o", target, "--json").json();
    assertEquals(26, json.get("parameters").asInt());
    assertTrue(Run.done("inspect", target).out().contains("none: a backbone"));
    Run.fails(1, "is there already", "import", onnx, "-o", target);
    Run.done("import", onnx, "-o", target, "--force");
    Run.fails(1, "got one of Espalier already", "import", model, "-o", target, "--force");
    Run.fails(
        1, "no value 'nothing'", "import", onnx, "-o", target, "--outputs", "nothing", "--force");
  }

  @Test
  void brokenFilesAreNamedWithTheReason() throws IOException {
    byte[] bytes = Files.readAllBytes(model);
    bytes[bytes.length / 2] ^= 1;
    Path broken = Files.write(folder.resolve("broken.safetensors"), bytes);
    Run.fails(1, "broken.safetensors", "inspect", broken);
    Path cut = Files.write(folder.resolve("cut.safetensors"), java.util.Arrays.copyOf(bytes, 99));
    Run.fails(1, "cut.safetensors", "inspect", cut);
    Run.fails(1, "empty", "inspect", Files.createFile(folder.resolve("empty")));
    Run.fails(1, "there is no such file", "inspect", folder.resolve("nothing"));
    Run.fails(1, "got a folder", "inspect", folder);
    Run.fails(2, "Missing required parameter", "inspect");
    Run.fails(2, "Unknown option", "inspect", model, "--jsn");
  }

  @Test
  void doctorSaysThatAllIsWell() throws IOException {
    assertTrue(Run.done("doctor").out().contains("learns, twice to the same bits"));
    assertTrue(Run.done("doctor", "--json").json().get("well").asBoolean());
  }

  @Test
  void helpAndCompletionKnowAllCommands() {
    assertTrue(Run.done("--help").out().contains("inspect"));
    assertTrue(Run.done("inspect", "--help").out().contains("--json"));
    assertTrue(Run.done("generate-completion").out().contains("inspect"));
    Run.fails(2, "Missing required subcommand", new Object[0]);
    Run.fails(2, "Did you mean: espalier inspect", "inspekt");
  }
}
