// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Semaphore;

/** Reads bodies of requests. */
final class Questions {
  /** Bytes of a number in JSON, what is around it included: floats need up to 16 digits. */
  private static final int JSON_BYTES_PER_NUMBER = 32;

  /** Bytes around all numbers. */
  private static final int JSON_BYTES_AROUND = 4096;

  /** More text than any network reads, and than rows have. */
  private static final int MOST_TEXT_BYTES = 1 << 20;

  /**
   * Pixels of a picture: a phone's has up to 50 million. A decoded one takes up to 8 bytes for
   * each, two at once then half of the heap.
   */
  static final long MOST_PIXELS = Math.min(50_000_000, Runtime.getRuntime().maxMemory() / 32);

  private static final Semaphore DECODING = new Semaphore(2);

  private Questions() {}

  /** Returns how many bytes a legal body may need. */
  static long mostBytes(InputForm form, int inputSize) {
    long numbers = (long) JSON_BYTES_PER_NUMBER * inputSize + JSON_BYTES_AROUND;
    if (form instanceof InputForm.Pictures) {
      return Long.MAX_VALUE;
    }
    return form instanceof InputForm.Numbers ? numbers : Math.max(numbers, MOST_TEXT_BYTES);
  }

  /**
   * Reads a body: numbers as JSON or raw bytes, or what the model takes beside them.
   *
   * @throws RequestException 400 if it is damaged, 415 if it is of another type
   */
  static Question read(Engine.Model model, String contentType, byte[] body) {
    String type = mediaType(contentType);
    InputForm form = model.form();
    if (type.equals("application/octet-stream")) {
      return raw(body, model.inputSize());
    } else if (type.equals("application/json")) {
      return json(body, model.inputSize(), form);
    } else if (type.startsWith("image/") && form instanceof InputForm.Pictures pictures) {
      return picture(pictures, body);
    } else if (type.equals("text/plain") && form instanceof InputForm.Texts) {
      return new Question.Text(utf8(body));
    }
    throw new RequestException(
        415,
        "expected content of type application/json or application/octet-stream"
            + (form instanceof InputForm.Pictures ? ", or image/… for the file of a picture" : "")
            + (form instanceof InputForm.Texts ? ", or text/plain" : ""));
  }

  /** Returns type and subtype in lower case, without parameters such as a charset. */
  static String mediaType(String contentType) {
    if (contentType == null) {
      return "";
    }
    int end = contentType.indexOf(';');
    String type = end < 0 ? contentType : contentType.substring(0, end);
    return type.strip().toLowerCase(Locale.ROOT);
  }

  private static Question raw(byte[] body, int size) {
    if (body.length == size) {
      return new Question.Pixels(body);
    } else if (body.length == size * (long) Float.BYTES) {
      float[] input = new float[size];
      ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(input);
      for (int i = 0; i < size; i++) {
        requireFinite(input[i], i);
      }
      return new Question.Values(input);
    }
    throw new RequestException(
        400,
        "expected "
            + size
            + " bytes (pixels) or "
            + size * (long) Float.BYTES
            + " (little-endian floats), got "
            + body.length);
  }

  private static Question picture(InputForm.Pictures pictures, byte[] body) {
    DECODING.acquireUninterruptibly();
    try {
      return new Question.Values(pictures.reader().read(body));
    } catch (IllegalArgumentException error) {
      throw new RequestException(400, "picture: " + error.getMessage());
    } finally {
      DECODING.release();
    }
  }

  private static String utf8(byte[] body) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
    } catch (CharacterCodingException error) {
      throw new RequestException(400, "expected a text in UTF-8");
    }
  }

  /** Reads {@code [numbers…]} or an object of one field: input, text or row. */
  private static Question json(byte[] body, int size, InputForm form) {
    try (JsonParser parser = Json.FACTORY.createParser(body)) {
      JsonToken first = parser.nextToken();
      Question question = null;
      if (first == JsonToken.START_ARRAY) {
        question = new Question.Values(readNumbers(parser, size));
      } else if (first == JsonToken.START_OBJECT) {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          if (question != null) {
            throw new RequestException(
                400, "expected one field once, got \"" + parser.currentName() + "\", too");
          }
          question = field(parser, size, form);
        }
      }
      if (question == null) {
        throw new RequestException(400, "expected " + expected(form));
      }
      if (parser.nextToken() != null) {
        throw new RequestException(400, "expected nothing after the input");
      }
      return question;
    } catch (JsonProcessingException error) {
      throw new RequestException(400, "expected JSON: " + error.getOriginalMessage());
    } catch (IOException error) {
      throw new RequestException(400, "expected JSON: " + error.getMessage());
    }
  }

  private static String expected(InputForm form) {
    String numbers = "an array of numbers or {\"input\": [numbers]}";
    if (form instanceof InputForm.Texts) {
      return "{\"text\": \"…\"}, " + numbers;
    }
    return form instanceof InputForm.Rows ? "{\"row\": {\"column\": value}}, " + numbers : numbers;
  }

  private static Question field(JsonParser parser, int size, InputForm form) throws IOException {
    String name = parser.currentName();
    JsonToken value = parser.nextToken();
    if (name.equals("input")) {
      if (value != JsonToken.START_ARRAY) {
        throw new RequestException(400, "input: expected an array of numbers");
      }
      return new Question.Values(readNumbers(parser, size));
    } else if (name.equals("text") && form instanceof InputForm.Texts) {
      if (value != JsonToken.VALUE_STRING) {
        throw new RequestException(400, "text: expected a string");
      }
      return new Question.Text(parser.getText());
    } else if (name.equals("row") && form instanceof InputForm.Rows) {
      if (value != JsonToken.START_OBJECT) {
        throw new RequestException(400, "row: expected an object of values by column");
      }
      return new Question.Row(readRow(parser));
    }
    throw new RequestException(400, "expected " + expected(form) + ", got \"" + name + "\"");
  }

  private static Map<String, Object> readRow(JsonParser parser) throws IOException {
    Map<String, Object> row = new LinkedHashMap<>();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String column = parser.currentName();
      Object value =
          switch (parser.nextToken()) {
            case VALUE_NULL -> null;
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_STRING -> parser.getText();
            case VALUE_NUMBER_INT -> parser.getNumberValue();
            case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            default ->
                throw new RequestException(
                    400, "row: column \"" + column + "\": expected one value, or null");
          };
      if (row.containsKey(column)) {
        throw new RequestException(400, "row: expected column \"" + column + "\" once, got more");
      }
      row.put(column, value);
    }
    return row;
  }

  private static float[] readNumbers(JsonParser parser, int size) throws IOException {
    float[] input = new float[size];
    int count = 0;
    for (JsonToken token = parser.nextToken(); token != JsonToken.END_ARRAY; count++) {
      if (token == null || !token.isNumeric()) {
        throw new RequestException(
            400, "input: expected " + size + " numbers, got something else at index " + count);
      }
      if (count < size) {
        input[count] = requireFinite(parser.getFloatValue(), count);
      }
      token = parser.nextToken();
    }
    if (count != size) {
      throw new RequestException(400, "input: expected " + size + " numbers, got " + count);
    }
    return input;
  }

  private static float requireFinite(float number, int index) {
    if (!Float.isFinite(number)) {
      throw new RequestException(
          400, "input: expected finite numbers, got " + number + " at index " + index);
    }
    return number;
  }
}
