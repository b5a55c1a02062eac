// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * How a stored picture has to be turned to stand upright, as cameras write it: the tag 0x0112 of
 * Exif 2.32 in JPEG, PNG, WebP and TIFF. What is damaged says nothing, and the picture stays as it
 * is stored.
 */
final class ExifOrientation {
  /** As stored. */
  static final int UPRIGHT = 1;

  private static final int TAG = 0x0112;
  private static final int SHORT = 3;
  private static final byte[] EXIF = "Exif\0\0".getBytes(StandardCharsets.US_ASCII);

  private ExifOrientation() {}

  /** Returns the orientation of a file: 1 to 8. */
  static int of(byte[] file) {
    try {
      int tiff = findTiff(ByteBuffer.wrap(file));
      return tiff < 0 ? UPRIGHT : orientation(file, tiff);
    } catch (IndexOutOfBoundsException | IllegalArgumentException damaged) {
      return UPRIGHT;
    }
  }

  /** Whether the stored rows of an orientation are columns of the upright picture. */
  static boolean isTransposed(int orientation) {
    return orientation >= 5;
  }

  /** Returns where the TIFF structure begins that has the tag; -1 without one. */
  private static int findTiff(ByteBuffer file) {
    if (startsWith(file, 0, 0xFF, 0xD8)) {
      return findInJpeg(file);
    }
    if (startsWith(file, 0, 0x89, 'P', 'N', 'G')) {
      return findChunk(file, 8, "eXIf", true);
    }
    if (startsWith(file, 0, 'R', 'I', 'F', 'F') && startsWith(file, 8, 'W', 'E', 'B', 'P')) {
      return findChunk(file.order(ByteOrder.LITTLE_ENDIAN), 12, "EXIF", false);
    }
    return startsWith(file, 0, 'I', 'I', 42, 0) || startsWith(file, 0, 'M', 'M', 0, 42) ? 0 : -1;
  }

  private static boolean startsWith(ByteBuffer file, int at, int... bytes) {
    for (int i = 0; i < bytes.length; i++) {
      if (at + i >= file.limit() || (file.get(at + i) & 0xFF) != bytes[i]) {
        return false;
      }
    }
    return true;
  }

  /** Looks through the segments before the pixels. */
  private static int findInJpeg(ByteBuffer file) {
    int at = 2;
    while (at + 4 <= file.limit() && (file.get(at) & 0xFF) == 0xFF) {
      int marker = file.get(at + 1) & 0xFF;
      if (marker == 0xFF) {
        at++; // a byte to fill up
        continue;
      }
      if (marker == 0xDA) {
        return -1;
      }
      if (marker == 0xE1 && isExif(file, at + 4)) {
        return at + 4 + EXIF.length;
      }
      at += 2 + (file.getShort(at + 2) & 0xFFFF);
    }
    return -1;
  }

  private static boolean isExif(ByteBuffer file, int at) {
    for (int i = 0; i < EXIF.length; i++) {
      if (file.get(at + i) != EXIF[i]) {
        return false;
      }
    }
    return true;
  }

  /** Looks through the chunks of PNG (length, name, content, checksum) or RIFF (name first). */
  private static int findChunk(ByteBuffer file, int first, String name, boolean isPng) {
    byte[] wanted = name.getBytes(StandardCharsets.US_ASCII);
    long at = first;
    while (at + 8 <= file.limit()) {
      int chunk = (int) at;
      int nameAt = isPng ? chunk + 4 : chunk;
      long length = file.getInt(isPng ? chunk : chunk + 4) & 0xFFFFFFFFL;
      if (startsWith(file, nameAt, wanted[0], wanted[1], wanted[2], wanted[3])) {
        // Some programs write the marker of JPEG into other files, too.
        return isExif(file, chunk + 8) ? chunk + 8 + EXIF.length : chunk + 8;
      }
      at += 8 + length + (isPng ? 4 : length & 1);
    }
    return -1;
  }

  /** Reads the first directory. */
  private static int orientation(byte[] file, int start) {
    ByteBuffer tiff = ByteBuffer.wrap(file, start, file.length - start).slice();
    if (startsWith(tiff, 0, 'I', 'I')) {
      tiff.order(ByteOrder.LITTLE_ENDIAN);
    } else if (!startsWith(tiff, 0, 'M', 'M')) {
      return UPRIGHT;
    }
    int directory = tiff.getInt(4);
    int entries = tiff.getShort(directory) & 0xFFFF;
    for (int i = 0; i < entries; i++) {
      int entry = directory + 2 + 12 * i;
      if ((tiff.getShort(entry) & 0xFFFF) == TAG && tiff.getShort(entry + 2) == SHORT) {
        int orientation = tiff.getShort(entry + 8) & 0xFFFF;
        return orientation >= 1 && orientation <= 8 ? orientation : UPRIGHT;
      }
    }
    return UPRIGHT;
  }
}
