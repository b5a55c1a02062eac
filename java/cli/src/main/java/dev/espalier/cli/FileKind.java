// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HexFormat;

/** What a file that is no model seems to be, told by its first bytes, and what takes it. */
enum FileKind {
  EMPTY("nothing: the file is empty", "copy or download it again"),
  ZIP(
      "a zip archive, as PyTorch (.pt) and Keras (.keras) save",
      "export the network to ONNX there, or unpack the archive"),
  PICKLE("a pickle of Python, as old PyTorch saves", "export the network to ONNX there"),
  HDF5("HDF5, as Keras (.h5) saves", "export the network to ONNX or TensorFlow Lite there"),
  GGUF("GGUF", "take the same network as ONNX"),
  GZIP("a gzip archive", "unpack it"),
  PICTURE("a picture", "espalier predict MODEL PICTURE answers it"),
  PDF("a PDF", "name a model file"),
  TOKENIZER("a tokenizer", "adapt and train take it by --tokenizer"),
  JSON("JSON", "name a model file, as train, adapt and import save"),
  PAGE("a page of the web", "download the file itself"),
  LFS("a pointer of Git LFS", "fetch the file itself: git lfs pull"),
  CSV(
      "a table",
      "espalier data FILE says what is in it, train and adapt learn from it, predict MODEL FILE"
          + " answers it"),
  TEXT("a text", "espalier predict MODEL FILE answers its lines"),
  OTHER("something else", "name a model file");

  /** As many bytes as are looked at. */
  static final int LOOKED_AT = 4096;

  private static final String[] PICTURES = {
    "ffd8ff", "89504e47", "47494638", "424d", "49492a00", "4d4d002a"
  };

  private final String words;
  private final String advice;

  FileKind(String words, String advice) {
    this.words = words;
    this.advice = advice;
  }

  /** Returns what a file seems to be. */
  static FileKind of(Path file) {
    if (Files.isDirectory(file)) {
      throw new CommandFailure(file + ": expected a file, got a folder");
    }
    try (InputStream stream = Files.newInputStream(file)) {
      return of(stream.readNBytes(LOOKED_AT));
    } catch (NoSuchFileException error) {
      throw new CommandFailure(file + ": there is no such file", error);
    } catch (AccessDeniedException error) {
      throw new CommandFailure(file + ": no permission", error);
    } catch (IOException error) {
      throw new UncheckedIOException(file + ": " + error.getMessage(), error);
    }
  }

  /** Returns what begins so. */
  static FileKind of(byte[] start) {
    if (start.length == 0) {
      return EMPTY;
    }
    String hex = HexFormat.of().formatHex(start, 0, Math.min(start.length, 16));
    if (hex.startsWith("504b0304")) {
      return ZIP;
    }
    if (hex.matches("800[2-5].*")) {
      return PICKLE;
    }
    if (hex.startsWith("894844460d0a1a0a")) {
      return HDF5;
    }
    if (hex.startsWith("47475546")) {
      return GGUF;
    }
    if (hex.startsWith("1f8b")) {
      return GZIP;
    }
    if (hex.startsWith("25504446")) {
      return PDF;
    }
    boolean isWebP = hex.matches("52494646.{8}57454250.*");
    for (String mark : PICTURES) {
      if (isWebP || hex.startsWith(mark)) {
        return PICTURE;
      }
    }
    String text = text(start);
    return text == null ? OTHER : of(text);
  }

  private static FileKind of(String text) {
    String start = text.stripLeading();
    if (start.startsWith("version https://git-lfs")) {
      return LFS;
    }
    if (start.startsWith("{") || start.startsWith("[")) {
      return start.contains("\"added_tokens\"") || start.contains("\"truncation\"")
          ? TOKENIZER
          : JSON;
    }
    if (start.regionMatches(true, 0, "<!doctype", 0, 9)
        || start.regionMatches(true, 0, "<html", 0, 5)) {
      return PAGE;
    }
    String[] lines = start.split("\\R", 3);
    int separators = separators(lines[0]);
    return separators > 0 && lines.length > 1 && separators(lines[1]) > 0 ? CSV : TEXT;
  }

  private static int separators(String line) {
    return (int) line.chars().filter(letter -> ",;\t".indexOf(letter) >= 0).count();
  }

  /** Returns bytes as a text, which may be cut within a letter; null if they are none. */
  private static String text(byte[] bytes) {
    CharsetDecoder decoder =
        StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT);
    CharBuffer letters = CharBuffer.allocate(bytes.length);
    boolean isText = !decoder.decode(ByteBuffer.wrap(bytes), letters, false).isError();
    String text = letters.flip().toString();
    boolean hasControls =
        text.chars()
            .anyMatch(letter -> Character.isISOControl(letter) && !Character.isWhitespace(letter));
    return isText && !hasControls ? text : null;
  }

  /** Says whether lines can be read of it. */
  boolean isText() {
    return switch (this) {
      case EMPTY, TOKENIZER, JSON, PAGE, LFS, CSV, TEXT -> true;
      default -> false;
    };
  }

  /** Says what it is, and what to do with it. */
  String words() {
    return words + "; " + advice;
  }
}
