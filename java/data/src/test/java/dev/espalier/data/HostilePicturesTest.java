// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.espalier.Shape;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are no pictures, half ones, or meant to do harm. */
class HostilePicturesTest {
  private static final PictureReader READER = PictureReader.of(Shape.image(3, 8, 8));
  private static final String[] RESOURCES = {
    "alpha.webp",
    "animated.gif",
    "cmyk.jpg",
    "cmyk.tif",
    "grey16.tif",
    "group4.tif",
    "jpeg.tif",
    "palette.png",
    "progressive.jpg",
    "transparent_black.png",
    "upright.jpg",
    "upright.png",
    "upright.tif",
    "upright.webp"
  };

  @TempDir private Path folder;

  private static String refused(byte[] file) {
    return assertThrows(IllegalArgumentException.class, () -> READER.read(file)).getMessage();
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "jpg", "gif", "bmp", "tiff"})
  void halfAPictureIsNone(String format) throws IOException {
    byte[] file = PictureFiles.encoded(PictureFiles.noise(200, 150, 1), format);
    assertEquals(192, READER.read(file).length);
    for (double share : new double[] {0, 0.01, 0.3, 0.5, 0.9, 0.99}) {
      byte[] cut = Arrays.copyOf(file, (int) (share * file.length));
      String message = refused(cut);
      assertTrue(!message.isBlank(), message);
    }
  }

  @Test
  void aCutOffPhotographSaysSo() throws IOException {
    byte[] file = PictureFiles.encoded(PictureFiles.noise(200, 150, 1), "jpg");
    String message = refused(Arrays.copyOf(file, file.length / 2));
    assertTrue(message.contains("cut off"), message);
  }

  @Test
  void damagedFilesGiveAPictureOrAnError() throws IOException {
    Random random = new Random(1);
    for (String name : RESOURCES) {
      byte[] file = PictureFiles.resource(name);
      for (int i = 0; i < 300; i++) {
        byte[] damaged = file.clone();
        for (int k = 0; k <= random.nextInt(4); k++) {
          damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
        }
        assertTimeoutPreemptively(
            Duration.ofSeconds(100),
            () -> {
              try {
                assertEquals(192, READER.maxPixels(1_000_000).read(damaged).length);
              } catch (IllegalArgumentException error) {
                assertTrue(!String.valueOf(error.getMessage()).isBlank(), name);
              }
            });
      }
    }
  }

  @Test
  void bombsAreRefusedBeforeTheyAreDecoded() throws IOException {
    String message = refused(pngBomb(65535, 65535));
    assertTrue(message.contains("at most 100000000 pixels, got 65535 × 65535"), message);
    byte[] jpeg = PictureFiles.resource("upright.jpg");
    for (int i = 0; i + 9 < jpeg.length; i++) {
      if ((jpeg[i] & 0xFF) == 0xFF && (jpeg[i + 1] & 0xFF) == 0xC0) {
        Arrays.fill(jpeg, i + 5, i + 9, (byte) 0xFF);
        break;
      }
    }
    message = refused(jpeg);
    assertTrue(message.contains("65535 × 65535"), message);
    BufferedImage small = PictureFiles.noise(10, 10, 1);
    byte[] file = PictureFiles.encoded(small, "png");
    assertEquals(192, READER.maxPixels(100).read(file).length);
    message =
        assertThrows(IllegalArgumentException.class, () -> READER.maxPixels(99).read(file))
            .getMessage();
    assertTrue(message.contains("at most 99 pixels, got 10 × 10"), message);
  }

  @Test
  void picturesThatTheHeapHasNoRoomForAreNamed() throws IOException {
    long most = Runtime.getRuntime().maxMemory();
    assumeTrue(most < 1_200_000_000, "a large heap");
    byte[] file = pngBomb(20_000, 20_000);
    String message =
        assertThrows(IllegalArgumentException.class, () -> READER.maxPixels(400_000_000).read(file))
            .getMessage();
    assertTrue(message.contains("more memory"), message);
    assertEquals(192, READER.read(PictureFiles.resource("upright.png")).length);
  }

  /** A header and a few rows. */
  private static byte[] pngBomb(int width, int height) throws IOException {
    ByteArrayOutputStream rows = new ByteArrayOutputStream();
    try (DeflaterOutputStream deflater = new DeflaterOutputStream(rows)) {
      deflater.write(new byte[100_000]);
    }
    ByteBuffer header = ByteBuffer.allocate(13).putInt(width).putInt(height);
    header.put((byte) 8).put((byte) 2);
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
    file.write(chunk("IHDR", header.array()));
    file.write(chunk("IDAT", rows.toByteArray()));
    file.write(chunk("IEND", new byte[0]));
    return file.toByteArray();
  }

  private static byte[] chunk(String name, byte[] content) {
    CRC32 sum = new CRC32();
    sum.update(name.getBytes(StandardCharsets.US_ASCII));
    sum.update(content);
    return ByteBuffer.allocate(12 + content.length)
        .putInt(content.length)
        .put(name.getBytes(StandardCharsets.US_ASCII))
        .put(content)
        .putInt((int) sum.getValue())
        .array();
  }

  @Test
  void orientationsOfDamagedFilesAreSearchedWithinThem() throws IOException {
    Random random = new Random(2);
    for (String name : new String[] {"upright.jpg", "upright.png", "upright.tif", "upright.webp"}) {
      byte[] file = PictureFiles.resource(name);
      for (int length = 0; length < file.length; length++) {
        int orientation = ExifOrientation.of(Arrays.copyOf(file, length));
        assertEquals(ExifOrientation.UPRIGHT, orientation);
      }
      for (int i = 0; i < 20_000; i++) {
        byte[] damaged = file.clone();
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
        damaged[random.nextInt(Math.min(64, damaged.length))] = (byte) random.nextInt();
        int orientation = ExifOrientation.of(damaged);
        assertTrue(orientation >= 1 && orientation <= 8);
      }
    }
  }

  @Test
  void theContentCountsNotTheName() throws IOException {
    Path file = folder.resolve("photo.jpg");
    Files.write(file, PictureFiles.resource("upright.png"));
    assertArrayEquals(READER.read(PictureFiles.resource("upright.png")), READER.read(file));
  }

  @Test
  void filesThatAreNoneAreNamed() throws IOException {
    Path text = Files.writeString(folder.resolve("text.jpg"), "not a picture");
    String message =
        assertThrows(IllegalArgumentException.class, () -> READER.read(text)).getMessage();
    assertTrue(message.startsWith(text + ": expected a picture as JPEG, PNG"), message);
    assertTrue(refused(new byte[0]).contains("empty"));
    Path missing = folder.resolve("missing.png");
    assertUnreadable(missing, "no such file");
    assertUnreadable(folder, "it is a folder");
  }

  @Test
  void filesWithoutPermissionAreNamed() throws IOException {
    Path secret = folder.resolve("secret.png");
    Files.write(secret, PictureFiles.resource("upright.png"));
    Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("---------"));
    assumeFalse(Files.isReadable(secret), "this user may read everything");
    assertUnreadable(secret, "not allowed");
  }

  private static void assertUnreadable(Path file, String words) {
    String message = assertThrows(UncheckedIOException.class, () -> READER.read(file)).getMessage();
    assertTrue(message.startsWith(file + ": ") && message.contains(words), message);
  }

  @Test
  void namesOfAllScripts() throws IOException {
    Path file = folder.resolve("Übung 猫 🐈.png");
    Files.write(file, PictureFiles.resource("upright.png"));
    assertEquals(192, READER.read(file).length);
  }
}
