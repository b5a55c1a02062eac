// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.NativeHandle;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.LongUnaryOperator;

/** Models of other formats from files and streams, which native code turns into networks. */
final class ForeignImport {
  /** ONNX's name in the bridge. */
  static final String ONNX = "onnx";

  /** That of TensorFlow Lite. */
  static final String TFLITE = "tflite";

  private ForeignImport() {}

  static Network read(String format, Path file, ImportOptions options) {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(options, "options");
    if (file.getFileSystem() == FileSystems.getDefault()) {
      String path = file.toAbsolutePath().toString();
      try (NativeHandle importer = importer(format, options)) {
        return finish(importer, id -> Bridge.foreignImporterRead(id, path), options);
      }
    }
    try (InputStream stream = Files.newInputStream(file)) {
      return readAll(format, stream, options);
    } catch (ModelFileException error) {
      throw new ModelFileException(file.toUri() + ": " + error.getMessage(), error);
    } catch (IOException | RuntimeException error) {
      throw FileErrors.unreadable(file, error);
    }
  }

  /** Reads a stream up to its end; does not close it. */
  static Network read(String format, InputStream stream, ImportOptions options) {
    Objects.requireNonNull(stream, "stream");
    Objects.requireNonNull(options, "options");
    try {
      return readAll(format, stream, options);
    } catch (IOException error) {
      throw new UncheckedIOException(
          "expected a stream that can be read to its end, got an error: " + error.getMessage(),
          error);
    }
  }

  private static Network readAll(String format, InputStream stream, ImportOptions options)
      throws IOException {
    try (NativeHandle importer = importer(format, options)) {
      byte[] piece = new byte[ModelStream.PIECE_BYTES];
      for (int count = ModelStream.next(stream, piece);
          count > 0;
          count = ModelStream.next(stream, piece)) {
        int bytes = count;
        importer.run(id -> Bridge.foreignImporterWrite(id, piece, bytes));
      }
      return finish(importer, Bridge::foreignImporterFinish, options);
    }
  }

  private static NativeHandle importer(String format, ImportOptions options) {
    String json = options.toJson();
    return NativeHandle.create(() -> Bridge.foreignImporterCreate(format, json));
  }

  private static Network finish(
      NativeHandle importer, LongUnaryOperator make, ImportOptions options) {
    Network network = new Network(NativeHandle.create(() -> importer.getLong(make)));
    try {
      options.accept(new ImportReport(importer.get(Bridge::foreignImporterReport)));
      return network;
    } catch (RuntimeException | Error error) {
      network.close();
      throw error;
    }
  }
}
