// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.NativeHandle;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Model files that come and go as streams, piece by piece: nothing but the network is held, however
 * large it is.
 */
final class ModelStream {
  static final int PIECE_BYTES = 1 << 16;

  private ModelStream() {}

  /** Reads a network from a stream up to its end; does not close it. */
  static NativeHandle read(InputStream stream, LoadOptions options) {
    try {
      return readAll(stream, options);
    } catch (IOException error) {
      throw new UncheckedIOException(
          "expected a stream that can be read to its end, got an error: " + error.getMessage(),
          error);
    }
  }

  /** Reads a network from a file of any file system. */
  static NativeHandle read(Path file, LoadOptions options) {
    try (InputStream stream = Files.newInputStream(file)) {
      return readAll(stream, options);
    } catch (ModelFileException error) {
      throw new ModelFileException(file.toUri() + ": " + error.getMessage(), error);
    } catch (IOException | RuntimeException error) {
      throw FileErrors.unreadable(file, error);
    }
  }

  private static NativeHandle readAll(InputStream stream, LoadOptions options) throws IOException {
    String limits = options.toJson();
    try (NativeHandle reader = NativeHandle.create(() -> Bridge.modelReaderCreate(limits))) {
      byte[] piece = new byte[PIECE_BYTES];
      for (int count = next(stream, piece); count > 0; count = next(stream, piece)) {
        int bytes = count;
        reader.run(id -> Bridge.modelReaderWrite(id, piece, bytes));
      }
      return NativeHandle.create(() -> reader.getLong(Bridge::modelReaderFinish));
    }
  }

  /**
   * Returns how many bytes were read to the start of {@code piece}, 0 only at the end. Holds a
   * stream to its contract: one that gives 0 bytes is asked for a single one, which it has to give.
   */
  static int next(InputStream stream, byte[] piece) throws IOException {
    int count = stream.read(piece);
    if (count < -1 || count > piece.length) {
      throw new IOException(
          "expected read(byte[]) to return -1 to " + piece.length + ", got " + count);
    }
    if (count != 0) {
      return Math.max(count, 0);
    }
    int value = stream.read();
    if (value < -1 || value > 255) {
      throw new IOException("expected read() to return -1 to 255, got " + value);
    }
    piece[0] = (byte) value;
    return value < 0 ? 0 : 1;
  }

  /** Writes a network to a stream, which it flushes and does not close. */
  static void write(NativeHandle network, OutputStream stream, SaveOptions options) {
    try {
      writeAll(network, stream, options);
    } catch (IOException error) {
      throw new UncheckedIOException(
          "expected a stream that can be written, got an error: " + error.getMessage(), error);
    }
  }

  /**
   * Writes a network to a file of any file system: beside it first, then in its place, so that a
   * former file is replaced as a whole or stays.
   */
  static void write(NativeHandle network, Path file, SaveOptions options) {
    try {
      Path folder = file.toAbsolutePath().getParent();
      if (folder == null) {
        throw FileErrors.folder(file);
      }
      Path beside = Files.createTempFile(folder, ".espalier-", ".tmp");
      try {
        try (OutputStream stream = Files.newOutputStream(beside)) {
          writeAll(network, stream, options);
        }
        replace(beside, file);
      } finally {
        Files.deleteIfExists(beside);
      }
    } catch (IOException | RuntimeException error) {
      throw FileErrors.unwritable(file, error);
    }
  }

  private static void writeAll(NativeHandle network, OutputStream stream, SaveOptions options)
      throws IOException {
    boolean isInt8 = options.isInt8Weights();
    try (NativeHandle writer =
        network.get(id -> NativeHandle.create(() -> Bridge.modelWriterCreate(id, isInt8)))) {
      byte[] piece = new byte[PIECE_BYTES];
      int count;
      while ((count = (int) writer.getLong(id -> Bridge.modelWriterRead(id, piece))) > 0) {
        stream.write(piece, 0, count);
      }
      stream.flush();
    }
  }

  private static void replace(Path from, Path to) throws IOException {
    if (Files.isDirectory(to)) {
      throw FileErrors.folder(to);
    }
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException | UnsupportedOperationException error) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
