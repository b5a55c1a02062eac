// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples.service;

import dev.espalier.Task;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** What answers the service's requests: a model in memory, replaceable while requests run. */
public interface Engine extends AutoCloseable {
  /** Values by task, side by side in the order of the tasks and their labels. */
  record Answer(List<Task> tasks, float[] values) {}

  /** Returns the number of values of one input of the model that serves now. */
  int inputSize();

  /** Answers one input. */
  Answer predict(float[] input);

  /** Answers one picture whose pixels are bytes, 0 to 255. */
  Answer predictPixels(byte[] pixels);

  /** Reads the model's file again; requests that run meanwhile end with the former model. */
  void reload() throws IOException;

  /** Returns a few lines for people on what is served and how. */
  String describe();

  /** Returns figures for the metrics, by their names in Prometheus' manner. */
  Map<String, Double> figures();

  @Override
  void close();
}
