// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import javax.imageio.stream.ImageInputStreamImpl;

/** The bytes of a file for ImageIO, which would copy them otherwise. */
final class ByteArrayStream extends ImageInputStreamImpl {
  private final byte[] bytes;

  ByteArrayStream(byte[] bytes) {
    this.bytes = bytes;
  }

  @Override
  public int read() {
    bitOffset = 0;
    return streamPos < bytes.length ? bytes[(int) streamPos++] & 0xFF : -1;
  }

  @Override
  public int read(byte[] destination, int offset, int length) {
    bitOffset = 0;
    if (streamPos >= bytes.length) {
      return -1;
    }
    int count = (int) Math.min(length, bytes.length - streamPos);
    System.arraycopy(bytes, (int) streamPos, destination, offset, count);
    streamPos += count;
    return count;
  }

  @Override
  public long length() {
    return bytes.length;
  }
}
