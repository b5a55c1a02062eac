// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.EpochResult;
import dev.espalier.History;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * A file of events, as TensorBoard reads it: records of TFRecord, each an {@code Event} of protocol
 * buffers.
 *
 * <pre>
 * record   length (uint64), masked CRC-32C of it (uint32), data, masked CRC-32C of it
 * masked   ((crc >>> 15) | (crc << 17)) + 0xa282ead8
 * Event    1: wall time (double), 2: step (int64), 3: file version (string), 5: Summary
 * Summary  1: Value, repeated;  Value  1: tag (string), 2: simple value (float)
 * </pre>
 *
 * <p>Source: TensorFlow's tfrecord documentation, event.proto and summary.proto.
 */
final class TensorBoardFile {
  private static final int MASK_DELTA = 0xa282ead8;
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;

  private TensorBoardFile() {}

  /** Writes a history whose last epoch ended at {@code end}. */
  static Path write(History history, Path folder, Instant end) {
    String name =
        String.format(
            Locale.ROOT, "events.out.tfevents.%010d.%s", end.getEpochSecond(), UUID.randomUUID());
    Path file = folder.resolve(name);
    try {
      Files.createDirectories(folder);
      Files.write(file, bytes(history, end), StandardOpenOption.CREATE_NEW);
    } catch (IOException error) {
      throw new UncheckedIOException(NewFile.message(file, error), error);
    }
    return file;
  }

  static byte[] bytes(History history, Instant end) {
    double seconds = history.epochs().stream().mapToDouble(EpochResult::seconds).sum();
    double time = end.toEpochMilli() / 1e3 - seconds;
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    addRecord(file, event(time, 0, bytesField(3, utf8("brain.Event:2"))));
    long steps = 0;
    for (EpochResult epoch : history.epochs()) {
      steps += epoch.steps();
      time += epoch.seconds();
      addRecord(file, event(time, steps, bytesField(5, summary(HistoryScalars.of(epoch)))));
    }
    return file.toByteArray();
  }

  private static byte[] summary(Map<List<String>, Double> scalars) {
    ByteArrayOutputStream summary = new ByteArrayOutputStream();
    scalars.forEach(
        (name, value) -> {
          if (Double.isFinite(value)) {
            byte[] tag = bytesField(1, utf8(String.join("/", name)));
            byte[] number = fixed32Field(2, Float.floatToIntBits((float) (double) value));
            summary.writeBytes(bytesField(1, joined(tag, number)));
          }
        });
    return summary.toByteArray();
  }

  private static byte[] event(double time, long step, byte[] what) {
    ByteBuffer wallTime = littleEndian(9).put(key(1, FIXED64)).putDouble(time);
    ByteArrayOutputStream steps = new ByteArrayOutputStream();
    steps.write(key(2, VARINT));
    addVarint(steps, step);
    return joined(wallTime.array(), joined(steps.toByteArray(), what));
  }

  private static byte[] bytesField(int number, byte[] bytes) {
    ByteArrayOutputStream field = new ByteArrayOutputStream();
    field.write(key(number, BYTES));
    addVarint(field, bytes.length);
    field.writeBytes(bytes);
    return field.toByteArray();
  }

  private static byte[] fixed32Field(int number, int bits) {
    return littleEndian(5).put(key(number, FIXED32)).putInt(bits).array();
  }

  private static byte key(int number, int type) {
    return (byte) (number << 3 | type);
  }

  private static void addVarint(ByteArrayOutputStream out, long value) {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      out.write((int) (rest & 0x7f | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }

  private static void addRecord(ByteArrayOutputStream file, byte[] data) {
    byte[] length = littleEndian(8).putLong(data.length).array();
    file.writeBytes(length);
    file.writeBytes(littleEndian(4).putInt(maskedCrc(length)).array());
    file.writeBytes(data);
    file.writeBytes(littleEndian(4).putInt(maskedCrc(data)).array());
  }

  static int maskedCrc(byte[] data) {
    CRC32C crc = new CRC32C();
    crc.update(data);
    return Integer.rotateRight((int) crc.getValue(), 15) + MASK_DELTA;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] joined(byte[] first, byte[] second) {
    return littleEndian(first.length + second.length).put(first).put(second).array();
  }

  private static ByteBuffer littleEndian(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }
}
