// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.LoadOptions;
import dev.espalier.Prediction;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/**
 * Answers raw rows, as {@link TableInputs} that the model file has turn them into inputs:
 *
 * <pre>{@code
 * try (RowPredictor predictor = RowPredictor.load(Path.of("model.safetensors"))) {
 *   Prediction prediction = predictor.predictRow(Map.of("age", 63, "sex", "f"));
 * }
 * }</pre>
 *
 * <p>Any number of threads may predict, and close, at the same time.
 *
 * @since 0.1
 */
public final class RowPredictor implements AutoCloseable {
  private final Predictor predictor;
  private final TableInputs inputs;

  private RowPredictor(Predictor predictor) {
    this.predictor = predictor;
    try {
      inputs = TableInputs.of(predictor);
    } catch (RuntimeException | Error error) {
      predictor.close();
      throw error;
    }
  }

  /**
   * Loads a model that {@link TableInputs#storeIn} was called for.
   *
   * @param model a file that {@link dev.espalier.Network#save} wrote
   * @return the predictor, to be closed by the caller
   * @throws IllegalArgumentException if it has no inputs of a table, or damaged ones
   * @throws dev.espalier.ModelFileException if it is no valid model; {@link Predictor#load(Path)}
   *     has the other exceptions
   */
  public static RowPredictor load(Path model) {
    return load(model, PredictorOptions.defaults());
  }

  /**
   * As {@link #load(Path)}, with its exceptions and with options.
   *
   * @param model a file that {@link dev.espalier.Network#save} wrote
   * @param options batch size, kind of output, heads, threads
   * @return the predictor, to be closed by the caller
   */
  public static RowPredictor load(Path model, PredictorOptions options) {
    return load(model, options, LoadOptions.defaults());
  }

  /**
   * As {@link #load(Path, PredictorOptions)}, with limits of one's own.
   *
   * @param model a file that {@link dev.espalier.Network#save} wrote
   * @param options batch size, kind of output, heads, threads
   * @param limits on the work, memory and layers that the file may ask for
   * @return the predictor, to be closed by the caller
   */
  public static RowPredictor load(Path model, PredictorOptions options, LoadOptions limits) {
    return new RowPredictor(Predictor.load(model, options, limits));
  }

  /**
   * Predicts for one row and answers by names.
   *
   * @param row as for {@link TableInputs#row}
   * @return the answers
   * @throws IllegalArgumentException as {@link TableInputs#row} throws
   * @throws dev.espalier.ClosedException if this predictor is closed
   */
  public Prediction predictRow(Map<String, ?> row) {
    return predictor.predictNamed(inputs.row(Objects.requireNonNull(row, "row")));
  }

  /**
   * Returns what rows become.
   *
   * @return the inputs of the model
   */
  public TableInputs inputs() {
    return inputs;
  }

  /**
   * Returns what answers inputs.
   *
   * @return the predictor, which this one closes
   */
  public Predictor predictor() {
    return predictor;
  }

  /** Returns the predictor. */
  @Override
  public String toString() {
    return "RowPredictor[" + predictor + "]";
  }

  /** Frees the native memory once no call runs any more. Never waits; further calls do nothing. */
  @Override
  public void close() {
    predictor.close();
  }
}
