// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.internal.JsonReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
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
    }
  }

  private static void assertRefuses(Executable call, String... parts) {
    String message = assertThrows(UncheckedIOException.class, call).getMessage();
    for (String part : parts) {
      assertTrue(message.contains(part), message);
    }
  }

  @Test
  void tellsWhatOtherFileSystemsRefuse() throws IOException {
    URI jar = URI.create("jar:" + folder.resolve("x.zip").toUri());
    long handles = Espalier.liveHandles();
    try (Network network = Dots.labeller(1)) {
      Path inside;
      try (FileSystem zip = FileSystems.newFileSystem(jar, Map.of("create", "true"))) {
        inside = zip.getPath("/model");
        network.save(inside);
        String folderFound = "expected a regular file, got a folder";
        assertRefuses(() -> network.save(zip.getPath("/")), "/: " + folderFound);
        Files.createDirectory(zip.getPath("/sub"));
        assertRefuses(() -> network.save(zip.getPath("/sub")), "/sub: " + folderFound);
        assertRefuses(() -> network.save(Path.of("/")), folderFound);
      }
      assertRefuses(() -> network.save(inside), "/model: ", "file system is closed");
      assertRefuses(() -> Network.load(inside), "/model: ", "file system is closed");
      assertRefuses(() -> Network.transferFrom(inside), "/model: ", "file system is closed");
      Path readOnly = FileSystems.getFileSystem(URI.create("jrt:/")).getPath("/model");
      assertRefuses(() -> network.save(readOnly), "/model: ", "file system is read-only");
      network.freeze("*"); // nobody holds it any more
    }
    try (FileSystem zip = FileSystems.newFileSystem(jar, Map.of())) {
      Network closed = Dots.labeller(1);
      closed.close();
      assertThrows(ClosedException.class, () -> closed.save(zip.getPath("/model")));
    }
    assertEquals(handles, Espalier.liveHandles());
  }

  /** Streams a file, but returns what {@code count} makes of the count that it is asked for. */
  private static InputStream contrary(byte[] file, int value, IntUnaryOperator count) {
    ByteArrayInputStream stream = new ByteArrayInputStream(file);
    return new InputStream() {
      @Override
      public int read() {
        return value == 0 ? stream.read() : value;
      }

      @Override
      public int read(byte[] bytes, int offset, int length) {
        return count.applyAsInt(length);
      }
    };
  }

  @Test
  void holdsStreamsToTheirContract() {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    long handles = Espalier.liveHandles();
    try (Network network = Dots.labeller(1)) {
      network.save(file);
      byte[] bytes = file.toByteArray();
      assertTimeoutPreemptively(
          Duration.ofSeconds(60),
          () -> {
            try (Network loaded = Network.load(contrary(bytes, 0, length -> 0));
                Predictor predictor =
                    Predictor.load(contrary(bytes, 0, length -> 0), PredictorOptions.defaults())) {
              Dots.assertSameBits(network, loaded);
              assertEquals(network.tasks(), predictor.tasks());
            }
          });
      assertRefuses(() -> Network.load(contrary(bytes, 0, length -> length + 1)), "got 65537");
      assertRefuses(() -> Network.load(contrary(bytes, 0, length -> -7)), "got -7");
      assertRefuses(() -> Network.load(contrary(bytes, 256, length -> 0)), "got 256");
      assertRefuses(() -> Network.load(contrary(bytes, -2, length -> 0)), "got -2");
    }
    assertEquals(handles, Espalier.liveHandles());
  }

  @Test
  void savesAndLoadsInAnyFileSystemAndStream() throws IOException {
    Path file = folder.resolve("model.safetensors");
    URI jar = URI.create("jar:" + folder.resolve("x.zip").toUri());
    long handles = Espalier.liveHandles();
    try (Network network = Dots.rich(1);
        Network other = Dots.labeller(1);
        FileSystem zip = FileSystems.newFileSystem(jar, Map.of("create", "true"))) {
      network.save(file);
      byte[] bytes = Files.readAllBytes(file);
      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      network.save(stream);
      assertArrayEquals(bytes, stream.toByteArray());
      Path inside = zip.getPath("/model.safetensors");
      other.save(inside);
      network.save(inside);
      assertArrayEquals(bytes, Files.readAllBytes(inside));
      try (var files = Files.list(zip.getPath("/"))) {
        assertEquals(List.of(inside), files.toList());
      }
      List<Supplier<Network>> loads =
          List.of(
              () -> Network.load(inside),
              () -> Network.load(bytes),
              () -> Network.load(new ByteArrayInputStream(bytes)),
              () -> Network.transferFrom(inside).head("side", Head.labels("a")).build(1));
      for (Supplier<Network> load : loads) {
        try (Network loaded = load.get()) {
          assertArrayEquals(
              network.parameter("features.weight"), loaded.parameter("features.weight"));
        }
      }
      UncheckedIOException missing =
          assertThrows(UncheckedIOException.class, () -> Network.load(zip.getPath("/none")));
      assertTrue(missing.getMessage().contains("no such file"), missing.getMessage());
      assertThrows(UncheckedIOException.class, () -> network.save(zip.getPath("/no/such/x")));
    }
    assertEquals(handles, Espalier.liveHandles());
  }

  @Test
  void streamsAreAsStrictAsFiles() {
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    long bytes = Espalier.nativeBytes();
    long handles = Espalier.liveHandles();
    try (Network network = Dots.rich(1)) {
      network.save(stream);
    }
    byte[] whole = stream.toByteArray();
    for (int length = 0; length < whole.length; length += 1 + length / 20) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThrows(ModelFileException.class, () -> Network.load(cut), "length " + length);
    }
    byte[] longer = Arrays.copyOf(whole, whole.length + 1);
    assertThrows(ModelFileException.class, () -> Network.load(longer));
    SplittableRandom random = new SplittableRandom(4);
    for (int i = 0; i < 100; i++) {
      byte[] changed = whole.clone();
      changed[random.nextInt(whole.length)] ^= (byte) (1 << random.nextInt(8));
      assertThrows(ModelFileException.class, () -> Network.load(changed), "change " + i);
    }
    assertEquals(handles, Espalier.liveHandles());
    assertEquals(bytes, Espalier.nativeBytes());
  }

  @Test
  void tellsWhatStreamsRefuse() {
    IOException refusal = new IOException("no more");
    InputStream broken =
        new InputStream() {
          @Override
          public int read() throws IOException {
            throw refusal;
          }
        };
    OutputStream full =
        new OutputStream() {
          @Override
          public void write(int value) throws IOException {
            throw refusal;
          }
        };
    assertSame(
        refusal, assertThrows(UncheckedIOException.class, () -> Network.load(broken)).getCause());
    try (Network network = Dots.labeller(1)) {
      assertSame(
          refusal, assertThrows(UncheckedIOException.class, () -> network.save(full)).getCause());
      network.freeze("*"); // nobody holds it any more
    }
  }

  @Test
  void saysWhatAnotherFileSeemsToBe() throws IOException {
    Map<String, byte[]> files =
        Map.of(
            "an ONNX model",
            new byte[] {8, 7, 0x12, 7, 'p', 'y', 't', 'o', 'r', 'c', 'h'},
            "a web page",
            "<!DOCTYPE html><html></html>".getBytes(StandardCharsets.UTF_8),
            "an empty file",
            new byte[0],
            "a PyTorch file",
            "PK\3\4..archive/data.pkl".getBytes(StandardCharsets.ISO_8859_1));
    Path file = folder.resolve("model");
    for (Map.Entry<String, byte[]> entry : files.entrySet()) {
      Files.write(file, entry.getValue());
      for (Executable load :
          List.<Executable>of(() -> Network.load(file), () -> Network.load(entry.getValue()))) {
        String message = assertThrows(ModelFileException.class, load).getMessage();
        assertTrue(message.contains("it seems to be " + entry.getKey()), message);
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
