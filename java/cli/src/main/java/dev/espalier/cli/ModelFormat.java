// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.EspalierException;
import dev.espalier.ImportOptions;
import dev.espalier.Network;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;

/** The kinds of model files, told by what is in them, not by what they are called. */
enum ModelFormat {
  ESPALIER,
  ONNX,
  TFLITE;

  /** What messages of the library call the options that commands have by other names. */
  private static final String OPTIONS = "ImportOptions";

  private static final int TFLITE_MARK_AT = 4;
  private static final byte[] TFLITE_MARK = "TFL3".getBytes(StandardCharsets.US_ASCII);
  private static final long MOST_HEADER_BYTES = 1L << 32;
  private static final int ONNX_VERSION_FIELD = 0x08;

  /** Looks at the first bytes, and refuses what is no model, with what it seems to be. */
  static ModelFormat of(Path file) {
    if (Files.isDirectory(file)) {
      throw new CommandFailure(file + ": expected a model file, got a folder");
    }
    try (InputStream stream = Files.newInputStream(file)) {
      return of(file, stream.readNBytes(FileKind.LOOKED_AT), Files.size(file));
    } catch (NoSuchFileException error) {
      throw new CommandFailure(file + ": there is no such file", error);
    } catch (IOException error) {
      throw new UncheckedIOException(file + ": " + error.getMessage(), error);
    }
  }

  private static ModelFormat of(Path file, byte[] start, long size) {
    if (start.length >= TFLITE_MARK_AT + TFLITE_MARK.length
        && ByteBuffer.wrap(start, TFLITE_MARK_AT, TFLITE_MARK.length)
            .equals(ByteBuffer.wrap(TFLITE_MARK))) {
      return TFLITE;
    }
    if (start.length > Long.BYTES && start[Long.BYTES] == '{') {
      long header = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
      if (header > 0 && header < MOST_HEADER_BYTES) {
        if (header > size - Long.BYTES) {
          throw new CommandFailure(
              String.format(
                  Locale.ROOT,
                  "%s: expected a whole model file, got one that was cut short: its header has %,d"
                      + " bytes, the file %,d; copy or download it again",
                  file,
                  header,
                  size));
        }
        return ESPALIER;
      }
    }
    FileKind kind = FileKind.of(start);
    boolean isNamedOnnx = file.toString().toLowerCase(Locale.ROOT).endsWith(".onnx");
    boolean beginsAsOnnx = start.length > 0 && start[0] == ONNX_VERSION_FIELD;
    if (kind == FileKind.OTHER && (isNamedOnnx || beginsAsOnnx)) {
      return ONNX;
    }
    throw new CommandFailure(
        file + ": expected a model of Espalier, ONNX or TensorFlow Lite, got " + kind.words());
  }

  /** Refuses a file that is no model that train, adapt or import saved. */
  static void requireEspalier(Path file) {
    ModelFormat format = of(file);
    if (format != ESPALIER) {
      throw new CommandFailure(
          file
              + ": expected a model of Espalier, got "
              + format.words()
              + "; espalier import "
              + file
              + " -o model.safetensors makes one of it, espalier adapt DATA --backbone "
              + file
              + " teaches it your labels");
    }
  }

  /** Reads a network of any of these kinds; the options are for those of other programs. */
  static Network read(Path file, ImportOptions options) {
    try {
      return switch (of(file)) {
        case ESPALIER -> Network.load(file);
        case ONNX -> Network.importOnnx(file, options);
        case TFLITE -> Network.importTflite(file, options);
      };
    } catch (EspalierException | IllegalArgumentException error) {
      String message = String.valueOf(error.getMessage());
      if (!message.contains(OPTIONS)) {
        throw error;
      }
      throw new CommandFailure(message.replace(OPTIONS, "--dimension or --input-shape"), error);
    }
  }

  /** Returns what people call it. */
  String words() {
    return switch (this) {
      case ESPALIER -> "a model of Espalier";
      case ONNX -> "an ONNX model";
      case TFLITE -> "a TensorFlow Lite model";
    };
  }
}
