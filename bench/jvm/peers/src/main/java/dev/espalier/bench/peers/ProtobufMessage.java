// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.peers;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** A message in protobuf's wire format, written field by field under the numbers of its schema. */
final class ProtobufMessage {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final CodedOutputStream out = CodedOutputStream.newInstance(bytes);

  ProtobufMessage number(int field, long value) {
    return write(() -> out.writeInt64(field, value));
  }

  ProtobufMessage real(int field, float value) {
    return write(() -> out.writeFloat(field, value));
  }

  ProtobufMessage text(int field, String value) {
    return write(() -> out.writeString(field, value));
  }

  ProtobufMessage bytes(int field, byte[] value) {
    return write(() -> out.writeByteArray(field, value));
  }

  ProtobufMessage message(int field, ProtobufMessage value) {
    return bytes(field, value.bytes());
  }

  byte[] bytes() {
    write(out::flush);
    return bytes.toByteArray();
  }

  private ProtobufMessage write(Write write) {
    try {
      write.run();
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return this;
  }

  private interface Write {
    void run() throws IOException;
  }
}
