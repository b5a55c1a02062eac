// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Datasets;
import dev.espalier.EpochResult;
import dev.espalier.Head;
import dev.espalier.History;
import dev.espalier.Network;
import dev.espalier.Trainer;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Histories as other programs read them. */
class HistoriesTest {
  private static History history;

  @TempDir private Path folder;

  @BeforeAll
  static void train() {
    try (Network network = SampleReports.network()) {
      history = SampleReports.train(network, SampleReports.data(1), 3);
    }
  }

  /** Splits a line of RFC 4180, whose cells have no line ends here. */
  private static List<String> cells(String line) {
    List<String> cells = new ArrayList<>();
    StringBuilder cell = new StringBuilder();
    boolean isQuoted = false;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (c == '"' && isQuoted && i + 1 < line.length() && line.charAt(i + 1) == '"') {
        cell.append(line.charAt(++i));
      } else if (c == '"') {
        isQuoted = !isQuoted;
      } else if (c == ',' && !isQuoted) {
        cells.add(cell.toString());
        cell.setLength(0);
      } else {
        cell.append(c);
      }
    }
    cells.add(cell.toString());
    return cells;
  }

  @Test
  void csvHasALineForEachEpochAndAllNumbersExactly() {
    List<String> lines = List.of(Histories.csv(history).split("\r\n"));
    assertEquals(1 + 3, lines.size());
    List<String> header = cells(lines.get(0));
    assertEquals(List.of("epoch", "stage", "steps", "seconds", "is_best"), header.subList(0, 5));
    String label = SampleReports.HOSTILE.get(2);
    int auc = header.indexOf("validation.finding." + label + ".auc");
    assertTrue(auc > 0, header.toString());
    long steps = 0;
    for (int i = 0; i < 3; i++) {
      List<String> cells = cells(lines.get(i + 1));
      EpochResult epoch = history.epochs().get(i);
      steps += epoch.steps();
      assertEquals(header.size(), cells.size());
      assertEquals(Integer.toString(i), cells.get(0));
      assertEquals(Long.toString(steps), cells.get(2));
      assertEquals(epoch.loss(), Double.parseDouble(cells.get(header.indexOf("loss"))));
      assertEquals(
          epoch.validation().orElseThrow().task("finding").metric("auc", label).value(),
          Double.parseDouble(cells.get(auc)));
    }
  }

  @Test
  void undefinedIsEmptyAndNamesAreQuoted() {
    float[][] unlabelled = {{Float.NaN, 1}, {Float.NaN, 0}};
    var data = Datasets.of(new float[][] {{0}, {1}}, unlabelled);
    try (Network network =
        Network.builder(data.inputShape()).head("t", Head.labels("a, \"b\"", "c")).build(1)) {
      String csv = Histories.csv(Trainer.of(network).epochs(1).validation(data).fit(data));
      assertTrue(csv.contains(",\"validation.t.a, \"\"b\"\".auc\","), csv);
      List<String> lines = List.of(csv.split("\r\n"));
      int column = cells(lines.get(0)).indexOf("validation.t.a, \"b\".auc");
      assertEquals("", cells(lines.get(1)).get(column));
      assertFalse(csv.contains("NaN"), csv);
    }
  }

  @Test
  void aFileIsWrittenOverOnlyIfAsked() throws Exception {
    Path file = folder.resolve("history.csv");
    Histories.writeCsv(history, file);
    assertEquals(Histories.csv(history), Files.readString(file));
    UncheckedIOException error =
        assertThrows(UncheckedIOException.class, () -> Histories.writeCsv(history, file));
    assertEquals(
        file + ": is there already; with REPLACE_EXISTING it is written over", error.getMessage());
    Files.writeString(file, "mine");
    Histories.writeCsv(history, file, StandardCopyOption.REPLACE_EXISTING);
    assertEquals(Histories.csv(history), Files.readString(file));
    error =
        assertThrows(
            UncheckedIOException.class,
            () -> Histories.writeCsv(history, folder.resolve("no/history.csv")));
    assertTrue(error.getMessage().endsWith("its folder does not exist"), error.getMessage());
    assertThrows(UncheckedIOException.class, () -> Histories.writeCsv(history, folder));
    assertThrows(
        IllegalArgumentException.class,
        () -> Histories.writeCsv(history, file, StandardCopyOption.COPY_ATTRIBUTES));
    try (var files = Files.list(folder)) {
      assertEquals(List.of(file), files.toList(), "nothing partial is left");
    }
  }

  /** RFC 3720, B.4; the masks follow from the formula by hand. */
  @Test
  void checksumsAreThoseOfTheStandard() {
    assertEquals(0x8a9136aaL, crc(new byte[32]));
    byte[] rising = new byte[32];
    for (int i = 0; i < 32; i++) {
      rising[i] = (byte) i;
    }
    assertEquals(0x46dd794eL, crc(rising));
    // ((0x8a9136aa >>> 15) | (0x8a9136aa << 17)) + 0xa282ead8
    assertEquals(0x6d540000 + 0x00011522 + 0xa282ead8, TensorBoardFile.maskedCrc(new byte[32]));
  }

  private static long crc(byte[] data) {
    CRC32C crc = new CRC32C();
    crc.update(data);
    return crc.getValue();
  }

  /** An event as this test reads it. */
  private record Event(double time, long step, String version, Map<String, Float> scalars) {}

  @Test
  void tensorBoardHasTheScalarsOfEachEpoch() throws Exception {
    Path file = Histories.writeTensorBoard(history, folder.resolve("runs/first"));
    assertTrue(file.getFileName().toString().startsWith("events.out.tfevents."));
    List<Event> events = events(Files.readAllBytes(file));
    assertEquals("brain.Event:2", events.get(0).version);
    assertEquals(1 + 3, events.size());
    long steps = 0;
    for (int i = 0; i < 3; i++) {
      EpochResult epoch = history.epochs().get(i);
      Event event = events.get(i + 1);
      steps += epoch.steps();
      assertEquals(steps, event.step);
      assertEquals((float) epoch.loss(), event.scalars.get("loss"));
      assertEquals(
          (float) epoch.validation().orElseThrow().task("kind").metric("accuracy").value(),
          event.scalars.get("validation/kind/accuracy"));
      assertEquals(epoch.seconds(), event.time - events.get(i).time, 1e-3);
    }
    assertEquals(Instant.now().toEpochMilli() / 1e3, events.get(3).time, 60);
    Histories.writeTensorBoard(history, folder.resolve("runs/first"));
    try (var files = Files.list(folder.resolve("runs/first"))) {
      assertEquals(2, files.count(), "another file, nothing written over");
    }
  }

  @Test
  void tensorBoardBytesAreTheSameForTheSameHistory() {
    Instant end = Instant.ofEpochSecond(1_700_000_000);
    assertEquals(
        ByteBuffer.wrap(TensorBoardFile.bytes(history, end)),
        ByteBuffer.wrap(TensorBoardFile.bytes(history, end)));
  }

  private static List<Event> events(byte[] file) {
    ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    List<Event> events = new ArrayList<>();
    while (bytes.hasRemaining()) {
      byte[] length = new byte[8];
      bytes.duplicate().get(length);
      byte[] data = new byte[(int) bytes.getLong()];
      assertEquals(TensorBoardFile.maskedCrc(length), bytes.getInt());
      bytes.get(data);
      assertEquals(TensorBoardFile.maskedCrc(data), bytes.getInt());
      events.add(event(ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN)));
    }
    return events;
  }

  private static Event event(ByteBuffer data) {
    double time = 0;
    long step = 0;
    String version = "";
    Map<String, Float> scalars = new LinkedHashMap<>();
    while (data.hasRemaining()) {
      switch (data.get()) {
        case 1 << 3 | 1 -> time = data.getDouble();
        case 2 << 3 -> step = varint(data);
        case 3 << 3 | 2 -> version = text(data);
        case 5 << 3 | 2 -> {
          ByteBuffer summary = part(data);
          while (summary.hasRemaining()) {
            assertEquals(1 << 3 | 2, summary.get());
            ByteBuffer value = part(summary);
            assertEquals(1 << 3 | 2, value.get());
            String tag = text(value);
            assertEquals(2 << 3 | 5, value.get());
            scalars.put(tag, value.getFloat());
          }
        }
        default -> throw new AssertionError("another field");
      }
    }
    return new Event(time, step, version, scalars);
  }

  private static long varint(ByteBuffer data) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = data.get();
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }

  private static ByteBuffer part(ByteBuffer data) {
    int length = (int) varint(data);
    ByteBuffer part = data.slice(data.position(), length).order(ByteOrder.LITTLE_ENDIAN);
    data.position(data.position() + length);
    return part;
  }

  private static String text(ByteBuffer data) {
    return StandardCharsets.UTF_8.decode(part(data)).toString();
  }
}
