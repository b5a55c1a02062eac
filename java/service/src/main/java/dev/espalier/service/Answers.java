// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.espalier.Task;
import java.io.IOException;
import java.util.Locale;

/** Bodies of answers. */
final class Answers {
  private Answers() {}

  /** Writes the answer, each value by the names of its task and label. */
  static byte[] write(Engine.Answer answer) {
    return Json.write(
        json -> {
          json.writeStartObject();
          json.writeObjectFieldStart("tasks");
          int position = 0;
          for (Task task : answer.tasks()) {
            json.writeObjectFieldStart(task.name());
            writeTask(json, task, answer.values(), position);
            json.writeEndObject();
            position += task.width();
          }
          json.writeEndObject();
          json.writeEndObject();
        });
  }

  private static void writeTask(JsonGenerator json, Task task, float[] values, int first)
      throws IOException {
    json.writeStringField("kind", kind(task));
    if (task.kind() == Task.Kind.CLASSES) {
      json.writeStringField("best", best(task, values, first));
    } else if (task.kind() == Task.Kind.LABELS) {
      writeTrue(json, task, values, first);
    }
    json.writeObjectFieldStart(task.kind() == Task.Kind.VALUES ? "values" : "probabilities");
    for (int i = 0; i < task.width(); i++) {
      json.writeFieldName(task.outputNames().get(i));
      Json.writeNumber(json, values[first + i]);
    }
    json.writeEndObject();
  }

  /** Returns the kind of a task as answers have it. */
  static String kind(Task task) {
    return task.kind().name().toLowerCase(Locale.ROOT);
  }

  static byte[] writeError(String message) {
    return Json.write(
        json -> {
          json.writeStartObject();
          json.writeStringField("error", message);
          json.writeEndObject();
        });
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
