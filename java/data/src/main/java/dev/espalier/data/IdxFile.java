// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.Shape;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Reads IDX files of unsigned bytes: two bytes 0, the type 8, the rank, the dimensions as
 * big-endian 32-bit numbers, then the values. Gzip is recognized by its magic number.
 */
final class IdxFile {
  private static final int UNSIGNED_BYTE = 8;

  private final int[] dimensions;
  private final byte[] values;

  private IdxFile(int[] dimensions, byte[] values) {
    this.dimensions = dimensions;
    this.values = values;
  }

  /** Returns the first dimension. */
  int count() {
    return dimensions[0];
  }

  byte[] values() {
    return values;
  }

  /** Returns the shape of what the first dimension counts. */
  Shape shape(Path file) {
    try {
      return dimensions.length == 3
          ? Shape.image(1, dimensions[1], dimensions[2])
          : Shape.of(Arrays.copyOfRange(dimensions, 1, dimensions.length));
    } catch (IllegalArgumentException error) {
      throw new IllegalArgumentException(file + ": " + error.getMessage(), error);
    }
  }

  /** Reads a file of {@code leastRank} to {@code mostRank} dimensions. */
  static IdxFile read(Path file, int leastRank, int mostRank) {
    try (BufferedInputStream raw = new BufferedInputStream(Files.newInputStream(file))) {
      raw.mark(2);
      boolean isGzip = raw.read() == 0x1f && raw.read() == 0x8b;
      raw.reset();
      InputStream content = isGzip ? new GZIPInputStream(raw, 1 << 16) : raw;
      return read(file, content, leastRank, mostRank);
    } catch (EOFException | ZipException error) {
      throw new IllegalArgumentException(
          file
              + ": truncated or damaged, "
              + (error.getMessage() == null
                  ? "expected a gzip header, got the end of the file"
                  : error.getMessage()),
          error);
    } catch (IOException | RuntimeException error) {
      throw FileErrors.unreadable(file, error);
    }
  }

  /** Reads four bytes of a header, which begin at byte {@code position}. */
  private static int number(Path file, InputStream content, int position) throws IOException {
    byte[] bytes = content.readNBytes(Integer.BYTES);
    if (bytes.length < Integer.BYTES) {
      throw new IllegalArgumentException(
          file
              + ": truncated, expected a header of at least "
              + (position + Integer.BYTES)
              + " bytes, got "
              + (position + bytes.length));
    }
    return ByteBuffer.wrap(bytes).getInt();
  }

  private static IdxFile read(Path file, InputStream content, int leastRank, int mostRank)
      throws IOException {
    int magic = number(file, content, 0);
    int rank = magic & 0xff;
    if (magic >>> 8 != UNSIGNED_BYTE || rank < leastRank || rank > mostRank) {
      throw new IllegalArgumentException(
          String.format(
              "%s: expected an IDX file of unsigned bytes with %d to %d dimensions, got the magic"
                  + " number 0x%08x",
              file, leastRank, mostRank, magic));
    }
    int[] dimensions = new int[rank];
    long count = 1;
    for (int i = 0; i < rank; i++) {
      dimensions[i] = number(file, content, Integer.BYTES * (1 + i));
      count = dimensions[i] < 0 ? Long.MAX_VALUE : count * dimensions[i];
      // Not above 2^31 times 2^31, so that the product never overflows.
      if (count > Integer.MAX_VALUE - 8) {
        throw new IllegalArgumentException(
            file
                + ": expected at most 2^31 - 9 values, got dimensions "
                + Arrays.toString(Arrays.copyOf(dimensions, i + 1)));
      }
    }
    // Reads as it comes, so that a header that promises too much allocates nothing.
    byte[] values = content.readNBytes((int) count);
    if (values.length != count) {
      throw new IllegalArgumentException(
          file
              + ": truncated, expected "
              + count
              + " values for dimensions "
              + Arrays.toString(dimensions)
              + ", got "
              + values.length);
    }
    if (content.read() >= 0) {
      throw new IllegalArgumentException(
          file
              + ": expected the end after "
              + count
              + " values for dimensions "
              + Arrays.toString(dimensions)
              + ", got more");
    }
    return new IdxFile(dimensions, values);
  }
}
