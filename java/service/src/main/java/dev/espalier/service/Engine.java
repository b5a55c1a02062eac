// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import dev.espalier.Instrument;
import dev.espalier.Task;
import java.io.IOException;
import java.util.List;
import java.util.function.Function;

/**
 * What answers the service's requests: a model in memory, replaceable while requests run. Any
 * number of threads may use one.
 *
 * @since 0.1
 */
public interface Engine extends AutoCloseable {
  /**
   * Values by task, side by side.
   *
   * @param tasks what was asked
   * @param values in the order of the tasks and their labels
   */
  record Answer(List<Task> tasks, float[] values) {}

  /** One model: what it takes and what it says do not change, whatever replaces it. */
  interface Model {
    /**
     * Returns the number of values of one input.
     *
     * @return at least 1
     */
    int inputSize();

    /**
     * Returns what requests may send.
     *
     * @return numbers, unless a model says more
     */
    default InputForm form() {
      return new InputForm.Numbers(inputSize());
    }

    /**
     * Returns what is asked of an input.
     *
     * @return the tasks, in order
     */
    List<Task> tasks();

    /**
     * Answers one input.
     *
     * @param input its values
     * @return the answer
     */
    Answer predict(float[] input);

    /**
     * Answers one picture whose pixels are bytes, 0 to 255.
     *
     * @param pixels a byte for each value
     * @return the answer
     */
    Answer predictPixels(byte[] pixels);
  }

  /**
   * Runs a request with the model that serves now. The request has to change nothing: it is run
   * again with the next model if this one is replaced just before it predicts.
   *
   * @param <R> what a request makes
   * @param request asks one model
   * @return what the request made
   */
  <R> R answer(Function<Model, R> request);

  /**
   * Reads the model's file again; requests that run meanwhile end with the former model. When it
   * returns, what serves is the file as it was at this call, or later.
   *
   * @throws IOException if it can't be read
   * @throws IllegalArgumentException if the new model takes other inputs or answers other tasks:
   *     callers rely on those. The former one goes on
   */
  void reload() throws IOException;

  /**
   * Tells what is served and how.
   *
   * @return a few lines for people
   */
  String describe();

  /**
   * Returns figures for the metrics, read whenever those are asked for; they go on when the model
   * is replaced.
   *
   * @return the instruments
   */
  List<Instrument> instruments();

  @Override
  void close();
}
