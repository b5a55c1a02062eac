// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.CRC32;

/**
 * Keeps what trainings of a study gave, a file each, named after its fingerprint: a study that was
 * cut short goes on where it was. A file is written whole or not at all, and never written over.
 *
 * <p>The form: "espalier cell 1" and a line end; then, big-endian, steps (int64), seconds (double),
 * parameters (int64), microseconds (double), rows and columns (int32), the logits (float each), and
 * the CRC-32 of all before it (int64).
 */
final class CellFolder {
  private static final byte[] MAGIC =
      "espalier cell 1\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
  private static final int NUMBERS = 4 * Long.BYTES + 2 * Integer.BYTES;

  private final Path folder;

  /** Makes the folder, if it is not there. */
  CellFolder(Path folder) {
    this.folder = folder;
    try {
      Files.createDirectories(folder);
    } catch (IOException error) {
      throw new UncheckedIOException(
          "folder: expected a folder, or that one can be made: " + error, error);
    }
  }

  private Path file(String fingerprint) {
    return folder.resolve(fingerprint + ".cell");
  }

  /** Returns what is kept of a training of so many examples to judge by. */
  Optional<CellOutputs> read(String fingerprint, int rows) {
    Path file = file(fingerprint);
    try {
      if (!Files.exists(file)) {
        return Optional.empty();
      }
      byte[] bytes = Files.readAllBytes(file);
      int body = bytes.length - Long.BYTES;
      CRC32 sum = new CRC32();
      sum.update(bytes, 0, Math.max(0, body));
      boolean isWhole =
          body >= MAGIC.length + NUMBERS
              && Arrays.equals(bytes, 0, MAGIC.length, MAGIC, 0, MAGIC.length)
              && in(bytes, body).readLong() == sum.getValue();
      CellOutputs outputs = isWhole ? parse(in(bytes, MAGIC.length), body) : null;
      if (outputs == null || outputs.logits().length != rows) {
        throw new IllegalStateException(
            file
                + ": expected what a study kept of "
                + rows
                + " examples, got "
                + (isWhole
                    ? "that of others"
                    : "a damaged or foreign file of " + bytes.length + " bytes")
                + "; delete it to compute it again");
      }
      return Optional.of(outputs);
    } catch (IOException error) {
      throw new UncheckedIOException(file + ": " + error.getMessage(), error);
    }
  }

  private static DataInputStream in(byte[] bytes, int from) {
    return new DataInputStream(new ByteArrayInputStream(bytes, from, bytes.length - from));
  }

  /** Returns null where the sizes do not agree. */
  private static @org.jspecify.annotations.Nullable CellOutputs parse(DataInputStream in, int body)
      throws IOException {
    long steps = in.readLong();
    double seconds = in.readDouble();
    long parameters = in.readLong();
    double microseconds = in.readDouble();
    long rows = in.readInt();
    long columns = in.readInt();
    if (rows < 0
        || columns < 0
        || rows * columns != (body - MAGIC.length - NUMBERS) / (double) Float.BYTES) {
      return null;
    }
    float[][] logits = new float[(int) rows][(int) columns];
    for (float[] row : logits) {
      for (int c = 0; c < row.length; c++) {
        row[c] = in.readFloat();
      }
    }
    return new CellOutputs(logits, steps, seconds, parameters, microseconds);
  }

  /** Keeps what a training gave. */
  void write(String fingerprint, CellOutputs outputs) {
    Path file = file(fingerprint);
    try {
      Path partial = Files.createTempFile(folder, fingerprint, ".partial");
      try {
        Files.write(partial, bytes(outputs));
        Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(partial);
      }
    } catch (IOException error) {
      throw new UncheckedIOException(file + ": " + error.getMessage(), error);
    }
  }

  private static byte[] bytes(CellOutputs outputs) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.write(MAGIC);
    out.writeLong(outputs.steps());
    out.writeDouble(outputs.seconds());
    out.writeLong(outputs.parameters());
    out.writeDouble(outputs.microseconds());
    out.writeInt(outputs.logits().length);
    out.writeInt(outputs.logits().length == 0 ? 0 : outputs.logits()[0].length);
    for (float[] row : outputs.logits()) {
      for (float logit : row) {
        out.writeFloat(logit);
      }
    }
    CRC32 sum = new CRC32();
    sum.update(bytes.toByteArray());
    out.writeLong(sum.getValue());
    return bytes.toByteArray();
  }
}
