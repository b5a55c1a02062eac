// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.espalier.Task;
import dev.espalier.data.PictureReader;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.imageio.ImageIO;

/**
 * Which parts of an input one answer depends on: by how much it falls where a part is covered
 * (Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014, section 4.2). A
 * part of a picture is a square, whose pixels get the picture's mean; of a text a word, which is
 * left out; of a row a column, which becomes blank.
 */
final class Occlusion {
  /** Rows and columns of the map of a picture. */
  private static final int GRID = 8;

  /** A square covers so many cells of the map each way, so that neighbors share what they hide. */
  private static final int SQUARE = 2;

  private static final int MOST_WORDS = 128;

  private final Engine.Model model;
  private final int output;
  private final long deadline;

  /** Explains the answer at that place of all values, until a time of {@link System#nanoTime}. */
  private Occlusion(Engine.Model model, int output, long deadline) {
    this.model = model;
    this.output = output;
    this.deadline = deadline;
  }

  /**
   * Explains the answer to one question, and writes that as JSON.
   *
   * @throws RequestException 400 if there is no such label, or the model takes numbers alone; 503
   *     if it takes too long
   */
  static byte[] explain(
      Engine.Model model, Question question, String task, String label, long nanos) {
    Occlusion occlusion =
        new Occlusion(model, output(model.tasks(), task, label), System.nanoTime() + nanos);
    InputForm form = model.form();
    if (form instanceof InputForm.Pictures pictures) {
      float[] input =
          question instanceof Question.Pixels
              ? refuse("the picture as a file, or its values")
              : question.input(form);
      return occlusion.picture(pictures.reader(), input);
    } else if (question instanceof Question.Text text) {
      return occlusion.text(text.text());
    } else if (question instanceof Question.Row row) {
      return occlusion.row(row.row());
    }
    return refuse(form instanceof InputForm.Numbers ? "pictures, texts or rows" : form.describe());
  }

  private static <T> T refuse(String expected) {
    throw new RequestException(400, "explain: expected " + expected + ", got numbers");
  }

  private static int output(List<Task> tasks, String name, String label) {
    int position = 0;
    for (Task task : tasks) {
      if (task.name().equals(name)) {
        int index = task.outputNames().indexOf(label);
        if (index < 0) {
          throw new RequestException(
              400, "label: expected one of " + task.outputNames() + ", got " + label);
        }
        return position + index;
      }
      position += task.width();
    }
    throw new RequestException(
        400, "task: expected one of " + tasks.stream().map(Task::name).toList() + ", got " + name);
  }

  private float value(float[] input) {
    if (System.nanoTime() - deadline > 0) {
      throw new RequestException(503, "explaining takes too long");
    }
    return model.predict(input).values()[output];
  }

  private float value(Question question) {
    return value(question.input(model.form()));
  }

  private byte[] picture(PictureReader reader, float[] input) {
    int[] shape = reader.inputShape().dims();
    int rows = Math.min(GRID, shape[1]);
    int columns = Math.min(GRID, shape[2]);
    float whole = value(input);
    // A square at each place where it covers a cell or more; those at the edges cover less.
    double[] sums = new double[rows * columns];
    int[] counts = new int[rows * columns];
    float[] means = means(input, shape);
    for (int top = 1 - SQUARE; top < rows; top++) {
      for (int left = 1 - SQUARE; left < columns; left++) {
        int bottom = Math.min(rows, top + SQUARE);
        int right = Math.min(columns, left + SQUARE);
        float[] covered = input.clone();
        cover(
            covered,
            shape,
            means,
            Math.max(0, top) * shape[1] / rows,
            bottom * shape[1] / rows,
            Math.max(0, left) * shape[2] / columns,
            right * shape[2] / columns);
        float fall = whole - value(covered);
        for (int row = Math.max(0, top); row < bottom; row++) {
          for (int column = Math.max(0, left); column < right; column++) {
            sums[row * columns + column] += fall;
            counts[row * columns + column]++;
          }
        }
      }
    }
    String png = png(reader.show(input));
    return Json.write(
        json -> {
          start(json, "picture", whole);
          json.writeStringField("picture", "data:image/png;base64," + png);
          json.writeNumberField("rows", rows);
          json.writeNumberField("columns", columns);
          json.writeArrayFieldStart("falls");
          for (int i = 0; i < sums.length; i++) {
            Json.writeNumber(json, (float) (sums[i] / counts[i]));
          }
          json.writeEndArray();
          json.writeEndObject();
        });
  }

  private static float[] means(float[] input, int[] shape) {
    int area = shape[1] * shape[2];
    float[] means = new float[shape[0]];
    for (int channel = 0; channel < shape[0]; channel++) {
      double sum = 0;
      for (int i = channel * area; i < (channel + 1) * area; i++) {
        sum += input[i];
      }
      means[channel] = (float) (sum / area);
    }
    return means;
  }

  private static void cover(
      float[] input, int[] shape, float[] means, int top, int bottom, int left, int right) {
    for (int channel = 0; channel < shape[0]; channel++) {
      for (int y = top; y < bottom; y++) {
        int row = (channel * shape[1] + y) * shape[2];
        Arrays.fill(input, row + left, row + right, means[channel]);
      }
    }
  }

  private static String png(BufferedImage picture) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      ImageIO.write(picture, "png", out);
    } catch (IOException error) {
      throw new IllegalStateException(error); // memory takes everything
    }
    return Base64.getEncoder().encodeToString(out.toByteArray());
  }

  private byte[] text(String text) {
    float whole = value(new Question.Text(text));
    List<int[]> words = words(text);
    float[] falls = new float[words.size()];
    for (int i = 0; i < falls.length; i++) {
      int[] word = words.get(i);
      falls[i] =
          whole - value(new Question.Text(text.substring(0, word[0]) + text.substring(word[1])));
    }
    return Json.write(
        json -> {
          start(json, "text", whole);
          json.writeArrayFieldStart("parts");
          int at = 0;
          for (int i = 0; i < falls.length; i++) {
            part(json, text.substring(at, words.get(i)[0]), Float.NaN);
            part(json, text.substring(words.get(i)[0], words.get(i)[1]), falls[i]);
            at = words.get(i)[1];
          }
          part(json, text.substring(at), Float.NaN);
          json.writeEndArray();
          json.writeEndObject();
        });
  }

  /** Returns where the first words begin and end. */
  private static List<int[]> words(String text) {
    BreakIterator breaks = BreakIterator.getWordInstance(Locale.ROOT);
    breaks.setText(text);
    List<int[]> words = new ArrayList<>();
    int start = breaks.first();
    for (int end = breaks.next();
        end != BreakIterator.DONE && words.size() < MOST_WORDS;
        start = end, end = breaks.next()) {
      if (Character.isLetterOrDigit(text.codePointAt(start))) {
        words.add(new int[] {start, end});
      }
    }
    return words;
  }

  private static void part(JsonGenerator json, String text, float fall) throws IOException {
    if (!text.isEmpty()) {
      json.writeStartObject();
      json.writeStringField("text", text);
      json.writeFieldName("fall");
      Json.writeNumber(json, fall);
      json.writeEndObject();
    }
  }

  private byte[] row(Map<String, Object> row) {
    float whole = value(new Question.Row(row));
    Map<String, Float> falls = new HashMap<>();
    List<String> columns = ((InputForm.Rows) model.form()).inputs().columnNames();
    for (String column : columns) {
      if (row.get(column) != null) {
        Map<String, Object> covered = new HashMap<>(row);
        covered.put(column, null);
        falls.put(column, whole - value(new Question.Row(covered)));
      }
    }
    return Json.write(
        json -> {
          start(json, "row", whole);
          json.writeArrayFieldStart("parts");
          for (String column : columns) {
            part(json, column, falls.getOrDefault(column, Float.NaN));
          }
          json.writeEndArray();
          json.writeEndObject();
        });
  }

  private static void start(JsonGenerator json, String kind, float whole) throws IOException {
    json.writeStartObject();
    json.writeStringField("kind", kind);
    json.writeFieldName("value");
    Json.writeNumber(json, whole);
  }
}
