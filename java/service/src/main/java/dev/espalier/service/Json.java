// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** JSON as all requests read and write it. */
final class Json {
  // Buffers are pooled for all threads: by default each thread has its own, which a virtual thread
  // would make for a single request.
  static final JsonFactory FACTORY =
      JsonFactory.builder().recyclerPool(JsonRecyclerPools.sharedConcurrentDequePool()).build();

  private Json() {}

  /** What writes one value. */
  interface Writer {
    void write(JsonGenerator json) throws IOException;
  }

  /** Returns JSON in UTF-8. */
  static byte[] write(Writer writer) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(512);
    try (JsonGenerator json = FACTORY.createGenerator(out)) {
      writer.write(json);
    } catch (IOException error) {
      throw new UncheckedIOException(error); // memory takes everything
    }
    return out.toByteArray();
  }

  /** Writes a number, null if it is none that JSON has. */
  static void writeNumber(JsonGenerator json, float value) throws IOException {
    if (Float.isFinite(value)) {
      json.writeNumber(value);
    } else {
      json.writeNull();
    }
  }
}
