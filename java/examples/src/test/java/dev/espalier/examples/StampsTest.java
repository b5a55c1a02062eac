// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Shape;
import dev.espalier.data.PictureDataset;
import dev.espalier.data.PictureReader;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StampsTest {
  private static final PictureReader READER = PictureReader.of(Shape.image(3, 2, 2));

  @TempDir private Path folder;

  private void write(String name) throws IOException {
    Path file = folder.resolve(name + ".png");
    Files.createDirectories(file.getParent());
    ImageIO.write(new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB), "png", file.toFile());
  }

  /** A subject has three pictures, in two folders. */
  private void writeAll() throws IOException {
    for (int i = 0; i < 100; i++) {
      String subject = "" + (char) ('a' + i / 10) + (char) ('a' + i % 10);
      write("animals/birds/" + subject);
      write("animals/birds/" + subject + "2_mirror");
      write("food/fruit/" + subject.toUpperCase(Locale.ROOT) + "-sliced");
      write("food/fruit/cartoon/" + subject + "-drawn");
      write("symbols/" + subject);
    }
  }

  @Test
  void aSubjectIsInOnePart() throws IOException {
    writeAll();
    Stamps stamps = new Stamps(folder, READER);
    PictureDataset all = stamps.pictures();
    assertEquals(300, all.size(), "no drawings, no symbols");
    Dataset[] parts = {stamps.test(all), stamps.validation(all), stamps.pool(all)};
    assertEquals(300, parts[0].size() + parts[1].size() + parts[2].size());
    assertTrue(parts[0].size() >= 150 && parts[1].size() >= 89);
    Map<String, Set<Integer>> partsOfSubject = new HashMap<>();
    for (int i = 0; i < 300; i++) {
      int part = i < parts[0].size() ? 0 : i < parts[0].size() + parts[1].size() ? 1 : 2;
      String name = all.files().get(i).getFileName().toString();
      String subject = name.substring(0, 2).toLowerCase(Locale.ROOT);
      partsOfSubject.computeIfAbsent(subject, s -> new HashSet<>()).add(part);
    }
    assertEquals(100, partsOfSubject.size());
    partsOfSubject.values().forEach(found -> assertEquals(1, found.size()));
  }

  @Test
  void foldersAnswer() throws IOException {
    writeAll();
    Stamps stamps = new Stamps(folder, READER);
    for (int i = 0; i < 20; i++) {
      boolean isBird = stamps.name(i).startsWith("animals/birds/");
      float[] expected =
          isBird
              ? new float[] {1, 0, 1, 0, 0, 0, 0, 0, 0}
              : new float[] {0, 0, 0, 1, 1, 0, 0, 1, 0};
      assertArrayEquals(expected, stamps.answers(i));
      assertArrayEquals(expected, Datasets.target(stamps.pictures(), Stamps.TASK, i));
    }
  }

  @Test
  void anotherFolderIsNamed() throws IOException {
    write("animals/birds/owl");
    String message =
        assertThrows(IllegalStateException.class, () -> new Stamps(folder, READER)).getMessage();
    assertTrue(message.contains("tuxpaint-stamps-default, found 1"), message);
  }
}
