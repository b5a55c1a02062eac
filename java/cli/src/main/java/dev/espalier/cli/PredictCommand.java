// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Prediction;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Answers pictures, texts, rows or numbers. */
@Command(
    abbreviateSynopsis = true,
    name = "predict",
    header = "Answers pictures, texts, rows or numbers.",
    description =
        "A line for each input, CSV unless --json says otherwise: what the model says, and how"
            + " likely each answer is. Reads, if no input is named, standard input: names of"
            + " pictures, a text a line, a CSV of rows with a header, or numbers between commas, as"
            + " the model says itself.",
    footer = {
      "",
      "  espalier predict model.safetensors pictures/ > answers.csv",
      "  find . -name '*.jpg' | espalier predict model.safetensors --json"
    })
final class PredictCommand implements Callable<Integer> {
  private static final int BATCH = 32;

  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "MODEL", description = "A model that adapt or train saved.")
  private Path file;

  @Parameters(
      index = "1..*",
      paramLabel = "INPUT",
      description = "Pictures or folders of them; else files of texts, rows or numbers.")
  private List<Path> paths = List.of();

  @Option(
      names = {"--text", "--column"},
      paramLabel = "COLUMN",
      description = "Texts: the input is a CSV with a header, whose column has the texts.")
  private String textColumn;

  @Option(
      names = "--id",
      paramLabel = "COLUMN",
      description =
          "Column of a CSV that names the input in the answer. Default: the line's number.")
  private String idColumn;

  @Mixin private PrecisionOption precision;
  @Mixin private JsonOption json;

  private boolean hasFailed;

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    ModelFormat.requireEspalier(file);
    PredictorOptions options = precision.of(PredictorOptions.defaults());
    try (Predictor predictor = Predictor.load(file, options)) {
      if (predictor.tasks().isEmpty()) {
        throw new CommandFailure(
            file + ": expected a model with tasks, got a backbone: adapt it first");
      }
      AnswerWriter writer =
          json.isGiven() ? AnswerWriter.jsonLines(out) : AnswerWriter.csv(out, predictor.tasks());
      RawInputs inputs = new RawInputs(predictor, textColumn, idColumn);
      List<Path> sources = new ArrayList<>(paths);
      if (sources.isEmpty()) {
        sources.add(null); // standard input
      }
      for (Path source : sources) {
        try (RawInputs.Source items = inputs.open(source)) {
          answer(predictor, items, writer, out);
        } catch (UncheckedIOException error) {
          String from = RawInputs.name(source);
          throw new CommandFailure(from + ": " + FailureMessage.message(error), error);
        }
      }
    }
    return hasFailed ? 1 : 0;
  }

  private void answer(
      Predictor predictor, RawInputs.Source items, AnswerWriter writer, PrintWriter out)
      throws IOException {
    Iterator<RawInputs.Item> rest = items.items();
    while (rest.hasNext()) {
      List<RawInputs.Item> batch = new ArrayList<>();
      do {
        batch.add(rest.next());
      } while (batch.size() < BATCH && !items.wouldWait() && rest.hasNext());
      answer(predictor, batch, writer);
      out.flush();
      if (out.checkError()) {
        return; // nobody reads any more
      }
    }
  }

  /** Makes inputs side by side; one that can't be read keeps none of the others from an answer. */
  private void answer(Predictor predictor, List<RawInputs.Item> batch, AnswerWriter writer) {
    List<Object> inputs =
        batch.parallelStream()
            .map(
                item -> {
                  try {
                    return (Object) item.input().get();
                  } catch (RuntimeException error) {
                    return error;
                  }
                })
            .toList();
    int size = predictor.inputSize();
    List<float[]> readable =
        inputs.stream().filter(float[].class::isInstance).map(float[].class::cast).toList();
    float[] rows = new float[Math.multiplyExact(readable.size(), size)];
    for (int i = 0; i < readable.size(); i++) {
      System.arraycopy(readable.get(i), 0, rows, i * size, size);
    }
    Iterator<Prediction> answers =
        readable.isEmpty()
            ? List.<Prediction>of().iterator()
            : predictor.named(predictor.predict(rows)).iterator();
    for (int i = 0; i < inputs.size(); i++) {
      String name = batch.get(i).name();
      if (inputs.get(i) instanceof RuntimeException error) {
        hasFailed = true;
        String message = FailureMessage.message(error);
        String place = batch.get(i).place();
        spec.commandLine()
            .getErr()
            .println("predict: " + (place.isEmpty() ? "" : place + ": ") + message);
        writer.failed(name, message);
      } else {
        writer.answer(name, answers.next());
      }
    }
  }
}
