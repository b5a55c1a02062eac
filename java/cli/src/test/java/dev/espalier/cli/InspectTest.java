// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
  void filesThatAreNoModelsAreToldByWhatTheyAre() throws IOException {
    seems("nothing: the file is empty", new byte[0]);
    seems("a zip archive, as PyTorch", new byte[] {'P', 'K', 3, 4, 20, 0});
    seems("a pickle of Python", new byte[] {(byte) 0x80, 2, (byte) 0x8a});
    seems("HDF5", new byte[] {(byte) 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'});
    seems("GGUF", new byte[] {'G', 'G', 'U', 'F', 3, 0, 0, 0});
    seems("a gzip archive; unpack it", new byte[] {0x1f, (byte) 0x8b, 8, 0});
    seems("a picture; espalier predict", new byte[] {(byte) 0xff, (byte) 0xd8, (byte) 0xff});
    seems("a picture", "RIFF\1\2\3\4WEBPVP8 ".getBytes(ISO_8859_1));
    seems("a PDF", "%PDF-1.7\n".getBytes(ISO_8859_1));
    seems("a pointer of Git LFS", "version https://git-lfs.github.com/spec/v1\n".getBytes(UTF_8));
    seems("a page of the web", "\n<!DOCTYPE html>".getBytes(UTF_8));
    seems(
        "a tokenizer; adapt and train", "{\"version\":\"1.0\",\"truncation\":null".getBytes(UTF_8));
    seems("JSON", "[1, 2]".getBytes(UTF_8));
    seems("a table; espalier data FILE", "file,animal\ntiger.png,yes\n".getBytes(UTF_8));
    seems("a text", "Grüße\n".repeat(1000).getBytes(UTF_8));
    Path strange = Files.write(folder.resolve("strange.bin"), new byte[] {1, 2, 3, 0, 5});
    Run.fails(1, "got something else; name a model file", "inspect", strange);
    byte[] whole = Files.readAllBytes(model);
    Path cut = Files.write(folder.resolve("cut"), java.util.Arrays.copyOf(whole, 99));
    Run.fails(1, "got one that was cut short: its header has", "inspect", cut);
  }

  private void seems(String words, byte[] bytes) throws IOException {
    Path file = Files.write(folder.resolve("strange.onnx"), bytes);
    for (String command : List.of("inspect", "predict")) {
      Run.fails(1, "expected a model of Espalier, ONNX or TensorFlow Lite, got ", command, file);
      Run.fails(1, words, command, file);
    }
  }

  @Test
  void commandsThatNeedAModelOfEspalierSayHowToMakeOne() {
    Path onnx = folder.resolve("model.onnx");
    Path other = folder.resolve("other.onnx");
    Run.fails(1, "got an ONNX model; espalier import ", "predict", onnx);
    Run.fails(1, "got an ONNX model; espalier import ", "evaluate", onnx, folder);
    Run.fails(1, "got an ONNX model; espalier import ", "serve", onnx);
    Run.fails(1, "got an ONNX model; espalier import ", "export", onnx, "-o", other);
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
