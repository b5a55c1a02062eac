// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import dev.espalier.Input;
import dev.espalier.ModelFileException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * {@link TextInputs} as text, a line each: what it is and its version; what each input is, in their
 * order; the most tokens of a text; whether special tokens are added; the tokenizer's file, gzip in
 * Base64.
 *
 * <pre>
 * espalier texts 1
 * IDS LENGTH
 * 64
 * true
 * H4sIAAAA…
 * </pre>
 */
final class StoredTextInputs {
  private static final String TITLE = "espalier texts 1";
  private static final int LINES = 5;
  private static final String PROBE =
      "Grafting: an apple tree (1,234 €), naïve Übung 東京\ttwice twice";

  private StoredTextInputs() {}

  static String write(TextInputs inputs, byte[] tokenizerJson) {
    Tokenizer tokenizer = inputs.tokenizer();
    String text =
        String.join(
            "\n",
            TITLE,
            inputs.values().stream().map(TextValue::name).collect(Collectors.joining(" ")),
            Integer.toString(tokenizer.maxLength().orElseThrow()),
            Boolean.toString(tokenizer.addsSpecials()),
            Base64.getEncoder().encodeToString(compressed(tokenizerJson)));
    Tokenizer.load(tokenizerJson); // has the better message
    TextInputs read = read(text, inputs.inputs());
    if (read.paddingId() != inputs.paddingId()
        || read.tokenizer().vocabularySize() != tokenizer.vocabularySize()
        || !Arrays.equals(read.rows(PROBE), inputs.rows(PROBE))) {
      throw new IllegalArgumentException(
          "tokenizerJson: expected the file that the tokenizer was read from, got that of another"
              + " one");
    }
    return text;
  }

  private static byte[] compressed(byte[] bytes) {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (GZIPOutputStream stream = new GZIPOutputStream(compressed)) {
      stream.write(bytes);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    return compressed.toByteArray();
  }

  /** Throws an {@link IllegalArgumentException} that says what is wrong, and in which line. */
  static TextInputs read(String text, List<Input> inputs) {
    String[] lines = text.split("\n", -1);
    if (!lines[0].equals(TITLE)) {
      throw error(1, '"' + TITLE + '"', lines[0]);
    }
    if (lines.length != LINES) {
      throw error(lines.length, LINES + " lines", lines.length + "");
    }
    Map<String, TextValue> values = values(lines[1], inputs);
    Tokenizer tokenizer = tokenizer(lines[4]);
    if (!lines[3].equals("true") && !lines[3].equals("false")) {
      throw error(4, "true or false", lines[3]);
    }
    tokenizer = lines[3].equals("true") ? tokenizer : tokenizer.withoutSpecialTokens();
    int most = number(lines[2]);
    if (!tokenizer.maxLength().equals(OptionalInt.of(most))) {
      tokenizer = tokenizer.truncated(most);
    }
    return TextInputs.of(tokenizer, inputs, values);
  }

  private static Map<String, TextValue> values(String line, List<Input> inputs) {
    String[] names = line.split(" ", -1);
    if (names.length != inputs.size()) {
      throw error(2, "what each of " + inputs + " is", line);
    }
    Map<String, TextValue> values = new LinkedHashMap<>();
    for (int i = 0; i < names.length; i++) {
      String name = names[i];
      TextValue value =
          Arrays.stream(TextValue.values())
              .filter(one -> one.name().equals(name))
              .findFirst()
              .orElseThrow(() -> error(2, "some of " + Arrays.toString(TextValue.values()), line));
      values.put(inputs.get(i).name(), value);
    }
    return values;
  }

  private static int number(String line) {
    try {
      int number = Integer.parseInt(line);
      if (number > 0) {
        return number;
      }
    } catch (NumberFormatException notNumber) {
      // Reported below.
    }
    throw error(3, "a number of tokens", line);
  }

  private static Tokenizer tokenizer(String line) {
    try (InputStream json =
        new GZIPInputStream(new ByteArrayInputStream(Base64.getDecoder().decode(line)))) {
      return Tokenizer.load(json);
    } catch (IOException | UncheckedIOException | IllegalArgumentException | ModelFileException e) {
      throw new IllegalArgumentException(
          "metadata \""
              + TextInputs.METADATA_KEY
              + "\", line 5: expected the file of a tokenizer, gzip in Base64: "
              + e.getMessage(),
          e);
    }
  }

  private static IllegalArgumentException error(int line, String expected, String got) {
    return new IllegalArgumentException(
        "metadata \""
            + TextInputs.METADATA_KEY
            + "\", line "
            + line
            + ": expected "
            + expected
            + ", got \""
            + (got.length() > 60 ? got.substring(0, 60) + "…" : got)
            + '"');
  }
}
