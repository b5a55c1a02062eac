// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Shape;
import dev.espalier.ShapeException;
import dev.espalier.Target;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdxDatasetTest {
  private static final int IMAGES = 0x00000803;
  private static final int LABELS = 0x00000801;

  @TempDir Path folder;

  private static byte[] idx(int magic, int[] dimensions, byte... values) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream data = new DataOutputStream(bytes);
    data.writeInt(magic);
    for (int dimension : dimensions) {
      data.writeInt(dimension);
    }
    data.write(values);
    return bytes.toByteArray();
  }

  private static byte[] gzip(byte[] content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream zip = new GZIPOutputStream(bytes)) {
      zip.write(content);
    }
    return bytes.toByteArray();
  }

  private Path file(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  private byte[] twoImages() throws IOException {
    return idx(
        IMAGES, new int[] {2, 2, 3}, new byte[] {0, 51, -1, 1, 2, 3, 10, 20, 30, 40, 50, 60});
  }

  private Path labels() throws IOException {
    return file("labels", idx(LABELS, new int[] {2}, new byte[] {7, (byte) 200}));
  }

  @Test
  void readsImagesAndClasses() throws IOException {
    Dataset data = IdxDataset.read(file("images", twoImages()), labels());
    assertEquals(2, data.size());
    assertEquals(Shape.image(1, 2, 3), data.inputShape());
    assertTrue(data.isStable());
    assertEquals(Target.classes(""), data.targets().get(0));
    assertArrayEquals(
        new float[] {0, 51 / 255f, 1, 1 / 255f, 2 / 255f, 3 / 255f},
        Datasets.input(data, 0),
        1e-7f);
    assertArrayEquals(new float[] {200}, Datasets.target(data, "", 1));
  }

  @Test
  void readsGzipByItsMagicNumber() throws IOException {
    Path plain = file("images", twoImages());
    Path zipped = file("images.whatever", gzip(twoImages()));
    assertArrayEquals(
        Datasets.input(IdxDataset.read(plain, labels()), 1),
        Datasets.input(IdxDataset.read(zipped, labels()), 1));
    assertArrayEquals(
        new float[] {10, 20, 30, 40, 50, 60},
        Datasets.input(IdxDataset.readRaw(zipped, labels()), 1));
  }

  @Test
  void readsPartsByTheNamesOfMnist() throws IOException {
    file("train-images-idx3-ubyte.gz", gzip(twoImages()));
    Files.move(labels(), folder.resolve("train-labels-idx1-ubyte"));
    Dataset train = IdxDataset.readPart(folder, "train");
    assertEquals(Shape.image(1, 2, 3), train.inputShape());
    assertArrayEquals(new float[] {7}, Datasets.target(train, "", 0));
    String message =
        assertThrows(UncheckedIOException.class, () -> IdxDataset.readPart(folder, "t10k"))
            .getMessage();
    assertTrue(message.contains("t10k-images-idx3-ubyte"), message);
  }

  @Test
  void readsChannelsAndVectors() throws IOException {
    byte[] colors = idx(0x804, new int[] {2, 3, 1, 1}, new byte[] {1, 2, 3, 4, 5, 6});
    assertEquals(Shape.image(3, 1, 1), IdxDataset.read(file("c", colors), labels()).inputShape());
    byte[] vectors = idx(0x802, new int[] {2, 3}, new byte[] {1, 2, 3, 4, 5, 6});
    assertEquals(Shape.vector(3), IdxDataset.read(file("v", vectors), labels()).inputShape());
  }

  @Test
  void refusesEveryTruncation() throws IOException {
    byte[] whole = twoImages();
    byte[] zipped = gzip(whole);
    for (int length = 0; length < whole.length; length++) {
      Path file = file("cut", Arrays.copyOf(whole, length));
      String message =
          assertThrows(IllegalArgumentException.class, () -> IdxDataset.read(file, labels()))
              .getMessage();
      // 16 bytes of header, the rest are values.
      String got = ", got " + (length < 16 ? length : length - 16);
      assertTrue(message.contains("cut: ") && message.endsWith(got), message);
    }
    for (int length = 0; length < zipped.length; length++) {
      Path file = file("cut", Arrays.copyOf(zipped, length));
      String message =
          assertThrows(IllegalArgumentException.class, () -> IdxDataset.read(file, labels()))
              .getMessage();
      assertTrue(length < 2 || message.contains("cut: truncated or damaged, "), message);
    }
  }

  @Test
  void refusesWhatIsTooLong() throws IOException {
    byte[] longer = Arrays.copyOf(twoImages(), twoImages().length + 1);
    Path plain = file("long", longer);
    Path zipped = file("long.gz", gzip(longer));
    assertThrows(IllegalArgumentException.class, () -> IdxDataset.read(plain, labels()));
    assertThrows(IllegalArgumentException.class, () -> IdxDataset.read(zipped, labels()));
  }

  @Test
  void refusesDamage() throws IOException {
    byte[] zipped = gzip(twoImages());
    zipped[zipped.length / 2] ^= 0x10;
    Path file = file("damaged", zipped);
    assertThrows(IllegalArgumentException.class, () -> IdxDataset.read(file, labels()));
  }

  @Test
  void refusesHeadersThatPromiseTooMuch() throws IOException {
    int[][] dimensions = {
      {Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE},
      {-1, 2, 3},
      {2, -2, -3},
      {46341, 46341, 1},
      {0x40000000, 1, 1},
      {2, 0, 3}
    };
    for (int[] hostile : dimensions) {
      Path file = file("hostile", idx(IMAGES, hostile, new byte[12]));
      assertThrows(
          IllegalArgumentException.class,
          () -> IdxDataset.read(file, labels()),
          Arrays.toString(hostile));
    }
  }

  @Test
  void refusesOtherFiles() throws IOException {
    for (int magic : new int[] {0x0803, 0x0903, 0x0D03, 0x0805, 0x01000803, 0x0801}) {
      Path file = file("other", idx(magic, new int[] {2, 2, 3}, new byte[11]));
      assertThrows(IllegalArgumentException.class, () -> IdxDataset.read(file, labels()));
    }
    Path images = file("images", twoImages());
    assertThrows(IllegalArgumentException.class, () -> IdxDataset.read(images, images));
  }

  @Test
  void refusesAnotherNumberOfLabels() throws IOException {
    Path three = file("three", idx(LABELS, new int[] {3}, new byte[3]));
    Path images = file("images", twoImages());
    assertThrows(ShapeException.class, () -> IdxDataset.read(images, three));
  }

  @Test
  void tellsWhatIsMissing() {
    UncheckedIOException error =
        assertThrows(
            UncheckedIOException.class,
            () -> IdxDataset.read(folder.resolve("no-such-file"), labels()));
    assertTrue(error.getMessage().contains("no-such-file: "), error::getMessage);
    assertTrue(error.getMessage().endsWith(": no such file"), error::getMessage);
    assertThrows(UncheckedIOException.class, () -> IdxDataset.read(folder, labels()));
  }
}
