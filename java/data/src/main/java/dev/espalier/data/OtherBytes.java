// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where a file stops being UTF-8. */
final class OtherBytes {
  private static final int BUFFER_SIZE = 1 << 13;

  private OtherBytes() {}

  /**
   * Returns for example {@code ", line 2: expected UTF-8, got the byte 0xfc"}; without the place,
   * if the file can't be read again.
   */
  static String place(Path file) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer bytes = ByteBuffer.allocate(BUFFER_SIZE);
    CharBuffer letters = CharBuffer.allocate(BUFFER_SIZE); // no byte is more than a letter
    Lines lines = new Lines();
    try (InputStream stream = Files.newInputStream(file)) {
      boolean isEnd = false;
      while (!isEnd) {
        int read = stream.readNBytes(bytes.array(), bytes.position(), bytes.remaining());
        isEnd = read < bytes.remaining();
        bytes.position(bytes.position() + read).flip();
        CoderResult result = decoder.decode(bytes, letters, isEnd);
        lines.count(letters.flip());
        if (result.isError()) {
          return String.format(
              ", line %d: expected UTF-8, got the byte 0x%02x",
              lines.number, bytes.get(bytes.position()));
        }
        letters.clear();
        bytes.compact();
      }
    } catch (IOException gone) {
      // What is known without it is said.
    }
    return ": expected UTF-8, got other bytes";
  }

  /** Counts the ends of lines: of Unix, Windows and old Macs. */
  private static final class Lines {
    private long number = 1;
    private char last;

    void count(CharBuffer letters) {
      while (letters.hasRemaining()) {
        char letter = letters.get();
        if (letter == '\r' || letter == '\n' && last != '\r') {
          number++;
        }
        last = letter;
      }
    }
  }
}
