// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Streams that users may hand over, and how networks are written. */
final class HostileStreams {
  private HostileStreams() {}

  /** Adds them to the arguments of each type. */
  static void addTo(Map<Class<?>, List<Supplier<?>>> arguments) {
    arguments.put(
        InputStream.class,
        Hostile.list(
            () -> new ByteArrayInputStream(new byte[9000]),
            InputStream::nullInputStream,
            Lying::new,
            () -> null));
    arguments.put(
        OutputStream.class,
        Hostile.list(ByteArrayOutputStream::new, HostileStreams::closed, () -> null));
    arguments.put(
        SaveOptions.class,
        Hostile.list(
            SaveOptions::defaults, () -> SaveOptions.defaults().int8Weights(), () -> null));
    arguments.put(
        OnnxExportOptions.class,
        Hostile.list(
            OnnxExportOptions::defaults,
            () -> OnnxExportOptions.defaults().heads("side").logits().layers("nonsense"),
            () -> null));
  }

  private static OutputStream closed() {
    OutputStream stream = OutputStream.nullOutputStream();
    try {
      stream.close();
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return stream;
  }

  /** Says that it read more than there was room for. */
  private static final class Lying extends InputStream {
    @Override
    public int read() throws IOException {
      throw new IOException("mine");
    }

    @Override
    public int read(byte[] bytes) {
      return bytes.length + 1;
    }
  }
}
