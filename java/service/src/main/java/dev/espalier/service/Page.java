// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.espalier.Task;
import dev.espalier.data.ColumnRole;
import dev.espalier.data.TableInputs;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Locale;

/**
 * The page to try a model with: one file that asks for nothing but this service's answers. What a
 * model file says is data in it, never markup or script: JSON in a script element of another type,
 * with every {@code <} escaped, which the page's own script writes as text. That script alone has
 * the number that the policy of the page asks for.
 */
final class Page {
  private static final String TEMPLATE = read("page.html");
  private static final SecureRandom RANDOM = new SecureRandom();

  private Page() {}

  private static String read(String name) {
    try (InputStream stream = Page.class.getResourceAsStream(name)) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException error) {
      throw new UncheckedIOException(name, error);
    }
  }

  /** Answers with the page of the model that serves now. */
  static void write(Context context, Engine engine) {
    byte[] random = new byte[18];
    RANDOM.nextBytes(random);
    String nonce = Base64.getEncoder().encodeToString(random);
    context.contentType("text/html; charset=utf-8");
    context.header("Cache-Control", "no-store");
    context.header("X-Content-Type-Options", "nosniff");
    context.header("Referrer-Policy", "no-referrer");
    context.header(
        "Content-Security-Policy",
        "default-src 'none'; connect-src 'self'; img-src blob: data:; base-uri 'none';"
            + " form-action 'none'; frame-ancestors 'none'; script-src 'nonce-"
            + nonce
            + "'; style-src 'nonce-"
            + nonce
            + "'");
    String model = engine.answer(Page::describe);
    context.result(TEMPLATE.replace("{{nonce}}", nonce).replace("{{model}}", model));
  }

  /** Returns what the page has to know, as JSON that may stand in a script element. */
  static String describe(Engine.Model model) {
    byte[] text =
        Json.write(
            json -> {
              json.writeStartObject();
              json.writeObjectFieldStart("form");
              writeForm(json, model);
              json.writeEndObject();
              json.writeArrayFieldStart("tasks");
              for (Task task : model.tasks()) {
                writeTask(json, task);
              }
              json.writeEndArray();
              json.writeEndObject();
            });
    return new String(text, StandardCharsets.UTF_8).replace("<", "\\u003c");
  }

  private static void writeForm(JsonGenerator json, Engine.Model model) throws IOException {
    InputForm form = model.form();
    json.writeNumberField("size", model.inputSize());
    if (form instanceof InputForm.Pictures pictures) {
      json.writeStringField("kind", "picture");
      json.writeStringField("reads", pictures.reader().toString());
    } else if (form instanceof InputForm.Texts texts) {
      json.writeStringField("kind", "text");
      json.writeStringField("reads", texts.inputs().toString());
    } else if (form instanceof InputForm.Rows rows) {
      json.writeStringField("kind", "row");
      json.writeArrayFieldStart("columns");
      for (String column : rows.inputs().columnNames()) {
        writeColumn(json, rows.inputs(), column);
      }
      json.writeEndArray();
    } else {
      json.writeStringField("kind", "numbers");
    }
  }

  private static void writeColumn(JsonGenerator json, TableInputs inputs, String column)
      throws IOException {
    ColumnRole role = inputs.role(column);
    json.writeStartObject();
    json.writeStringField("name", column);
    json.writeStringField("role", role.name().toLowerCase(Locale.ROOT));
    json.writeArrayFieldStart("categories");
    for (String category : inputs.categories(column)) {
      json.writeString(category);
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void writeTask(JsonGenerator json, Task task) throws IOException {
    json.writeStartObject();
    json.writeStringField("name", task.name());
    json.writeStringField("kind", Answers.kind(task));
    json.writeArrayFieldStart("labels");
    for (String label : task.outputNames()) {
      json.writeString(label);
    }
    json.writeEndArray();
    if (task.kind() == Task.Kind.LABELS) {
      json.writeArrayFieldStart("thresholds");
      for (double threshold : task.thresholds()) {
        json.writeNumber(threshold);
      }
      json.writeEndArray();
    }
    json.writeEndObject();
  }
}
