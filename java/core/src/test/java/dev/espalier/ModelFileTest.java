// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.internal.JsonReader;
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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelFileTest {
  @TempDir Path folder;

  @Test
  void savesAndLoadsEveryBit() {
    Path file = folder.resolve("model.safetensors");
    Dots dots = new Dots(50, 1);
    try (Network network =
        Dots.rich(1)
            .freeze("conv1")
            .freeze("norm1", BatchNormStatistics.ADAPT)
            .learningRateScale("features", 0.25)) {
      Trainer.of(network).epochs(2).fit(dots.both());
      network.save(file);
      try (Network loaded = Network.load(file);
          Predictor before = network.predictor();
          Predictor after = loaded.predictor()) {
        Dots.assertSameBits(network, loaded);
        assertEquals(network.tasks(), loaded.tasks());
        assertEquals(network.inputShape(), loaded.inputShape());
        assertEquals(network.layers(), loaded.layers());
        assertEquals(network.summary(), loaded.summary());
        assertArrayEquals(
            Dots.bits(before.predict(dots.pictures)), Dots.bits(after.predict(dots.pictures)));
        assertEquals(network.evaluate(dots.both()), loaded.evaluate(dots.both()));
      }
    }
  }

  @Test
  void keepsNamesOfAnyAlphabet() {
    Path file = folder.resolve("names.safetensors");
    try (Network network =
        Dots.backbone()
            .head("side", Head.labels("\u00e4 \"quoted\" \\", "\ud83d\ude00"))
            .build(1)) {
      network.save(file);
      try (Network loaded = Network.load(file)) {
        assertEquals(network.tasks(), loaded.tasks());
      }
    }
  }

  @Test
  void isASafetensorsFile() throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (Network network = Dots.labeller(1)) {
      network.save(file);
    }
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int headerSize = Math.toIntExact(bytes.getLong());
    String header = new String(bytes.array(), 8, headerSize, StandardCharsets.UTF_8);
    Map<?, ?> entries = (Map<?, ?>) JsonReader.read(header.strip());
    Map<?, ?> weight = (Map<?, ?>) entries.get("features.weight");
    assertEquals("F32", weight.get("dtype"));
    assertEquals(List.of(16L, 64L), weight.get("shape"));
    assertTrue(entries.containsKey("__metadata__"));
  }

  @Test
  void refusesDamagedFiles() throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (Network network = Dots.rich(1)) {
      network.save(file);
    }
    byte[] whole = Files.readAllBytes(file);
    Path damaged = folder.resolve("damaged.safetensors");
    long handles = Espalier.liveHandles();
    for (int length = 0; length < whole.length; length += 1 + length / 20) {
      Files.write(damaged, Arrays.copyOf(whole, length));
      assertThrows(ModelFileException.class, () -> Network.load(damaged), "length " + length);
      assertThrows(ModelFileException.class, () -> Network.transferFrom(damaged));
    }
    Files.write(damaged, Arrays.copyOf(whole, whole.length + 1));
    assertThrows(ModelFileException.class, () -> Network.load(damaged));
    SplittableRandom random = new SplittableRandom(4);
    for (int i = 0; i < 300; i++) {
      byte[] changed = whole.clone();
      changed[random.nextInt(whole.length)] ^= (byte) (1 << random.nextInt(8));
      Files.write(damaged, changed);
      assertThrows(ModelFileException.class, () -> Network.load(damaged), "change " + i);
    }
    assertEquals(handles, Espalier.liveHandles());
  }

  @Test
  void tellsWhatTheFileSystemRefuses() throws IOException {
    try (Network network = Dots.labeller(1)) {
      assertThrows(UncheckedIOException.class, () -> Network.load(folder.resolve("missing")));
      assertThrows(UncheckedIOException.class, () -> Network.load(folder));
      assertThrows(
          UncheckedIOException.class, () -> network.save(folder.resolve("no/such/folder/file")));
      assertThrows(UncheckedIOException.class, () -> network.save(folder));
      URI jar = URI.create("jar:" + folder.resolve("x.zip").toUri());
      try (FileSystem zip = FileSystems.newFileSystem(jar, Map.of("create", "true"))) {
        Path inside = zip.getPath("model");
        assertThrows(IllegalArgumentException.class, () -> network.save(inside));
        assertThrows(IllegalArgumentException.class, () -> Network.load(inside));
      }
    }
  }

  @Test
  void replacesAFormerFileAsAWhole() throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (Network first = Dots.labeller(1);
        Network second = Dots.rich(2)) {
      first.save(file);
      second.save(file);
      try (Network loaded = Network.load(file)) {
        Dots.assertSameBits(second, loaded);
      }
      try (var files = Files.list(folder)) {
        assertEquals(1, files.count());
      }
    }
  }
}
