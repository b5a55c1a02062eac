// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import dev.espalier.Task;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Bodies of requests and answers. */
final class Requests {
  // Buffers are pooled for all threads: by default each thread has its own, which a virtual thread
  // would make for a single request.
  private static final JsonFactory JSON =
      JsonFactory.builder().recyclerPool(JsonRecyclerPools.sharedConcurrentDequePool()).build();

  /** Bytes of a number in JSON, what is around it included: floats need up to 16 digits. */
  private static final int JSON_BYTES_PER_NUMBER = 32;

  /** Bytes around all numbers. */
  private static final int JSON_BYTES_AROUND = 4096;

  private Requests() {}

  /** Returns how many bytes a legal body may need: JSON needs most. */
  static long mostBytes(int inputSize) {
    return (long) JSON_BYTES_PER_NUMBER * inputSize + JSON_BYTES_AROUND;
  }

  /** Answers a body, raw bytes or JSON, with one model from its input size to its values. */
  static Engine.Answer answer(Engine.Model model, String contentType, byte[] body) {
    String type = mediaType(contentType);
    int size = model.inputSize();
    if (type.equals("application/octet-stream")) {
      if (body.length == size) {
        return model.predictPixels(body);
      } else if (body.length == size * (long) Float.BYTES) {
        float[] input = new float[size];
        ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(input);
        for (int i = 0; i < size; i++) {
          requireFinite(input[i], i);
        }
        return model.predict(input);
      }
      throw new RequestException(
          400,
          "expected "
              + size
              + " bytes (pixels) or "
              + size * (long) Float.BYTES
              + " (little-endian floats), got "
              + body.length);
    } else if (type.equals("application/json")) {
      return model.predict(readInput(body, size));
    }
    throw new RequestException(
        415, "expected content of type application/json or application/octet-stream");
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

  /** Reads {@code [numbers…]} or {@code {"input": [numbers…]}}. */
  static float[] readInput(byte[] body, int size) {
    try (JsonParser parser = JSON.createParser(body)) {
      JsonToken first = parser.nextToken();
      float[] input = null;
      if (first == JsonToken.START_ARRAY) {
        input = readNumbers(parser, size);
      } else if (first == JsonToken.START_OBJECT) {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          if (!parser.currentName().equals("input") || input != null) {
            throw new RequestException(
                400, "expected the field \"input\" once, got \"" + parser.currentName() + "\"");
          }
          if (parser.nextToken() != JsonToken.START_ARRAY) {
            throw new RequestException(400, "input: expected an array of numbers");
          }
          input = readNumbers(parser, size);
        }
      }
      if (input == null) {
        throw new RequestException(400, "expected an array of numbers or {\"input\": [numbers]}");
      }
      if (parser.nextToken() != null) {
        throw new RequestException(400, "expected nothing after the input");
      }
      return input;
    } catch (JsonProcessingException error) {
      throw new RequestException(400, "expected JSON: " + error.getOriginalMessage());
    } catch (IOException error) {
      throw new RequestException(400, "expected JSON: " + error.getMessage());
    }
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

  /** Writes the answer, each value by the names of its task and label. */
  static byte[] write(Engine.Answer answer) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream(512);
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      json.writeObjectFieldStart("tasks");
      int position = 0;
      for (Task task : answer.tasks()) {
        json.writeObjectFieldStart(task.name());
        json.writeStringField("kind", task.kind().name().toLowerCase(Locale.ROOT));
        if (task.kind() == Task.Kind.CLASSES) {
          json.writeStringField("best", best(task, answer.values(), position));
        } else if (task.kind() == Task.Kind.LABELS) {
          writeTrue(json, task, answer.values(), position);
        }
        json.writeObjectFieldStart(task.kind() == Task.Kind.VALUES ? "values" : "probabilities");
        for (String label : task.outputNames()) {
          json.writeFieldName(label);
          float value = answer.values()[position++];
          if (Float.isFinite(value)) {
            json.writeNumber(value);
          } else {
            json.writeNull();
          }
        }
        json.writeEndObject();
        json.writeEndObject();
      }
      json.writeEndObject();
      json.writeEndObject();
    }
    return out.toByteArray();
  }

  static byte[] writeError(String message) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(128);
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("error", message);
      json.writeEndObject();
    } catch (IOException error) {
      throw new UncheckedIOException(error); // memory takes everything
    }
    return out.toByteArray();
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Names the labels whose probabilities reach their thresholds. */
  private static void writeTrue(JsonGenerator json, Task task, float[] values, int first)
      throws IOException {
    json.writeArrayFieldStart("true");
    for (int i = 0; i < task.width(); i++) {
      if (values[first + i] >= task.thresholds().get(i)) {
        json.writeString(task.outputNames().get(i));
      }
    }
    json.writeEndArray();
  }

  /** Names the class of the largest probability; NaN counts as smallest. */
  private static String best(Task task, float[] values, int first) {
    int best = 0;
    for (int i = 1; i < task.width(); i++) {
      float former = values[first + best];
      best = values[first + i] > former || Float.isNaN(former) ? i : best;
    }
    return task.outputNames().get(best);
  }
}
