// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CellFolderTest {
  private static final CellOutputs OUTPUTS =
      new CellOutputs(new float[][] {{1, Float.NaN}, {-0f, 3}}, 12, 0.5, 7, 1.25);

  @TempDir Path temporary;

  @Test
  void readsWhatItWrote() {
    CellFolder folder = new CellFolder(temporary.resolve("new/cells"));
    assertTrue(folder.read("a", 2).isEmpty());
    folder.write("a", OUTPUTS);
    CellOutputs read = folder.read("a", 2).orElseThrow();
    assertArrayEquals(OUTPUTS.logits(), read.logits());
    assertEquals(12, read.steps());
    assertEquals(0.5, read.seconds());
    assertEquals(7, read.parameters());
    assertEquals(1.25, read.microseconds());
  }

  @Test
  void refusesEveryDamagedFileByName() throws IOException {
    CellFolder folder = new CellFolder(temporary);
    folder.write("a", OUTPUTS);
    Path file = temporary.resolve("a.cell");
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertRefused(folder, 2);
    }
    for (int at = 0; at < whole.length; at++) {
      byte[] changed = whole.clone();
      changed[at] ^= 0x40;
      Files.write(file, changed);
      assertRefused(folder, 2);
    }
    Files.write(file, whole);
    assertRefused(folder, 3);
    assertTrue(folder.read("a", 2).isPresent());
  }

  private static void assertRefused(CellFolder folder, int rows) {
    String message =
        assertThrows(IllegalStateException.class, () -> folder.read("a", rows)).getMessage();
    assertTrue(message.contains("a.cell") && message.contains("delete it"), message);
  }

  @Test
  void aFolderThatIsAFileIsAnError() throws IOException {
    Path file = Files.writeString(temporary.resolve("file"), "");
    String message =
        assertThrows(UncheckedIOException.class, () -> new CellFolder(file)).getMessage();
    assertTrue(message.contains("expected a folder") && message.contains("Exists"), message);
  }
}
