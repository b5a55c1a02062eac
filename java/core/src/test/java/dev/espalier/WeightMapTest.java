// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightMapTest {
  private static final WeightMap NAMES =
      WeightMap.sameNames().rename("one.*", "block.0.*").mayStay("heads.*");

  @TempDir Path folder;

  private static Network network(long seed) {
    return Network.builder(Shape.vector(2)).dense("one", 3).head("a", Head.classes(2)).build(seed);
  }

  // As PyTorch writes it: bfloat16, and tensors that a network does not need.
  private Path published() throws IOException {
    String header =
        "{\"__metadata__\": {\"format\": \"pt\"},"
            + "\"block.0.weight\": {\"dtype\": \"BF16\", \"shape\": [3, 2],"
            + " \"data_offsets\": [0, 12]},"
            + "\"block.0.bias\": {\"dtype\": \"F32\", \"shape\": [3], \"data_offsets\": [12, 24]},"
            + "\"block.1.num_batches_tracked\": {\"dtype\": \"I64\", \"shape\": [],"
            + " \"data_offsets\": [24, 32]}}";
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(8 + text.length + 32).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(text.length).put(text);
    for (float value : new float[] {1, -2, 3, 0.5f, 5, 6}) {
      bytes.putShort((short) (Float.floatToIntBits(value) >> 16));
    }
    bytes.putFloat(7).putFloat(8).putFloat(9).putLong(100);
    return Files.write(folder.resolve("published.safetensors"), bytes.array());
  }

  @Test
  void readsWeightsOfAnotherProgram() throws IOException {
    try (Network network = network(1)) {
      float[] head = network.parameter("heads.a.dense.weight");
      network.freeze("one");
      WeightReport report =
          network.loadWeights(published(), NAMES.mayBeUnused("*num_batches_tracked"));
      assertArrayEquals(new float[] {1, -2, 3, 0.5f, 5, 6}, network.parameter("one.weight"));
      assertArrayEquals(new float[] {7, 8, 9}, network.parameter("one.bias"));
      assertArrayEquals(head, network.parameter("heads.a.dense.weight"));
      assertEquals(
          Map.of("one.weight", "block.0.weight", "one.bias", "block.0.bias"), report.matched());
      assertEquals(Map.of(), report.reshaped());
      assertEquals(List.of("heads.a.dense.weight", "heads.a.dense.bias"), report.kept());
      assertEquals(List.of("block.1.num_batches_tracked"), report.unused());
      assertTrue(report.toString().contains("2 read"), report.toString());
    }
  }

  @Test
  void refusesWhatDoesNotFitAndChangesNothing() throws IOException {
    Path file = published();
    try (Network network = network(1)) {
      float[] weight = network.parameter("one.weight");
      String message =
          assertThrows(
                  ModelFileException.class,
                  () -> network.loadWeights(file, WeightMap.sameNames().mayStay("one.bias")))
              .getMessage();
      assertTrue(message.contains("'one.weight': expected shape [3, 2], got no such"), message);
      assertTrue(message.contains("'block.1.num_batches_tracked' of shape []"), message);
      assertTrue(message.contains(file.toString()), message);
      assertArrayEquals(weight, network.parameter("one.weight"));
      WeightMap wrong = WeightMap.sameNames().rename("one.*", "block");
      assertThrows(IllegalArgumentException.class, () -> network.loadWeights(file, wrong));
      WeightMap misspelled = NAMES.rename("noe.weight", "block.0.weight");
      String nearest =
          assertThrows(IllegalArgumentException.class, () -> network.loadWeights(file, misspelled))
              .getMessage();
      assertTrue(nearest.contains("'noe.weight' to 'block.0.weight'"), nearest);
      assertTrue(nearest.contains("did you mean 'one.weight'"), nearest);
      Path none = folder.resolve("none");
      assertThrows(UncheckedIOException.class, () -> network.loadWeights(none, NAMES));
      assertThrows(IllegalArgumentException.class, () -> NAMES.rename("", "a"));
      assertThrows(IllegalArgumentException.class, () -> NAMES.mayStay());
    }
    Network closed = network(1);
    closed.close();
    assertThrows(IllegalStateException.class, () -> closed.loadWeights(file, NAMES));
  }

  @Test
  void exportedWeightsComeBackToTheSameBits() {
    WeightMap map = NAMES.transpose("heads.*.weight", "*.kernel");
    Path file = folder.resolve("exported.safetensors");
    try (Network network = network(1);
        Network other = network(2)) {
      network.exportSafetensors(file, map);
      WeightReport report = other.loadWeights(file, map);
      assertEquals("a.dense.kernel", report.matched().get("heads.a.dense.weight"));
      assertEquals(List.of(), report.kept());
      for (ParameterSummary parameter : network.parameters()) {
        assertArrayEquals(network.parameter(parameter.path()), other.parameter(parameter.path()));
      }
      WeightMap open = NAMES.reshape("heads.*", "*");
      String message =
          assertThrows(IllegalArgumentException.class, () -> network.exportSafetensors(file, open))
              .getMessage();
      assertTrue(message.contains("'heads.*' to '*'"), message);
    }
  }

  @Test
  void knownMapsAndRulesOfOnesOwnGoTogether() throws IOException {
    Path file = folder.resolve("resnet.safetensors");
    WeightMap map =
        WeightMap.torchvisionResNet().rename("heads.a.dense.*", "fc.*").rename("heads.*", "x.*");
    try (Network network =
        Network.builder(Shape.image(1, 4, 4))
            .conv2d("conv1", 2, 3)
            .batchNorm("conv1.bn")
            .head("a", Head.classes(2))
            .build(1)) {
      network.exportSafetensors(file, map);
      Map<String, String> matched = network.loadWeights(file, map).matched();
      assertEquals("bn1.running_mean", matched.get("conv1.bn.running_mean"));
      assertEquals("fc.bias", matched.get("heads.a.dense.bias"));
      assertEquals("torchvision_resnet, 2 rules of one's own", map.toString());
      assertThrows(
          ModelFileException.class,
          () -> network.loadWeights(file, WeightMap.torchvisionMobileNetV2()));
    }
  }

  @Test
  void refusesPathsOfOtherFileSystems() throws IOException {
    URI zip = URI.create("jar:" + folder.resolve("a.zip").toUri());
    try (FileSystem system = FileSystems.newFileSystem(zip, Map.of("create", "true"));
        Network network = network(1)) {
      Path file = system.getPath("a.safetensors");
      assertThrows(IllegalArgumentException.class, () -> network.loadWeights(file, NAMES));
      assertThrows(IllegalArgumentException.class, () -> network.exportSafetensors(file, NAMES));
    }
  }
}
