// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import de.siegmar.fastcsv.writer.CsvWriter;
import de.siegmar.fastcsv.writer.LineDelimiter;
import dev.espalier.Prediction;
import dev.espalier.Task;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes answers, a line for each input. */
interface AnswerWriter {
  /** Writes what a model says. */
  void answer(String input, Prediction prediction);

  /** Writes that an input can't be read, so that lines stay beside each other. */
  void failed(String input, String message);

  /**
   * Writes CSV with a header: the input; of each task what the model says, then the probability of
   * each label or class, or the value.
   */
  static AnswerWriter csv(PrintWriter out, List<Task> tasks) {
    CsvWriter csv = CsvWriter.builder().bufferSize(0).lineDelimiter(LineDelimiter.LF).build(out);
    List<String> header = new ArrayList<>(List.of("input"));
    for (Task task : tasks) {
      if (task.kind() != Task.Kind.VALUES) {
        header.add(task.name());
      }
      names(task).forEach(name -> header.add(task.name() + "/" + name));
    }
    csv.writeRecord(header);
    return new AnswerWriter() {
      @Override
      public void answer(String input, Prediction prediction) {
        List<String> fields = new ArrayList<>(List.of(input));
        for (Task task : tasks) {
          switch (task.kind()) {
            case LABELS -> fields.add(String.join("; ", prediction.labels(task.name())));
            case CLASSES -> fields.add(prediction.best(task.name()));
            default -> {}
          }
          for (float value : prediction.values(task.name())) {
            fields.add(Float.toString(value));
          }
        }
        csv.writeRecord(fields);
      }

      @Override
      public void failed(String input, String message) {
        String[] fields = new String[header.size()];
        java.util.Arrays.fill(fields, "");
        fields[0] = input;
        csv.writeRecord(fields);
      }
    };
  }

  /** Writes JSON lines: {@code {"input": …, TASK: {"answer": …, "probabilities": {…}}}}. */
  static AnswerWriter jsonLines(PrintWriter out) {
    return new AnswerWriter() {
      @Override
      public void answer(String input, Prediction prediction) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("input", input);
        for (Task task : prediction.tasks()) {
          Map<String, Object> values = new LinkedHashMap<>();
          float[] numbers = prediction.values(task.name());
          List<String> names = names(task);
          for (int i = 0; i < numbers.length; i++) {
            values.put(names.get(i), numbers[i]);
          }
          line.put(
              task.name(),
              switch (task.kind()) {
                case LABELS -> said(prediction.labels(task.name()), values);
                case CLASSES -> said(prediction.best(task.name()), values);
                case VALUES -> values;
              });
        }
        out.println(Json.line(line));
      }

      @Override
      public void failed(String input, String message) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("input", input);
        line.put("error", message);
        out.println(Json.line(line));
      }
    };
  }

  private static Map<String, Object> said(Object answer, Map<String, Object> probabilities) {
    Map<String, Object> said = new LinkedHashMap<>();
    said.put("answer", answer);
    said.put("probabilities", probabilities);
    return said;
  }

  private static List<String> names(Task task) {
    List<String> names = new ArrayList<>(task.outputNames());
    for (int i = names.size(); i < task.width(); i++) {
      names.add(Integer.toString(i));
    }
    return names;
  }
}
