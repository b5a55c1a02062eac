// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;

/**
 * A library that does the work of the benchmarks. Made in a process of its own by its class name,
 * with its name in the results as the only argument of the constructor.
 */
public interface Contender {
  /** Version and, where the library tells it, what it runs on this CPU. */
  String version();

  /** Sets the number of threads that compute; called once, before anything else. */
  void threads(int count);

  /** Prepares predictions of the first {@code batch} inputs of the workload. */
  Prediction prediction(Work work, int batch) throws IOException;

  /** Makes what predicts from the file of a published model, and closes it; the seconds it took. */
  default double load(Work work) throws IOException {
    throw new UnsupportedOperationException("loads no published models");
  }

  /**
   * Prepares training on the workload's examples. Calls {@link PeakMemory#start} between loading
   * these and building the network.
   */
  default Training training(Work work, int batch) throws IOException {
    throw new UnsupportedOperationException("does not train");
  }

  /**
   * Trains the head of the network on its trunk (workload X), which stays as it is; the examples in
   * their order in every epoch.
   *
   * @param variant how the trunk is run: "cached" once, "naive" in every epoch
   */
  default Transfer transfer(Work work, String variant) throws IOException {
    throw new UnsupportedOperationException("does not train");
  }

  /**
   * What workload X took and gave.
   *
   * @param seconds on the wall
   * @param losses of each epoch: the mean over examples, each taken before its step's update
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Transfer(double seconds, double[] losses) {}

  /** Predicts the same inputs again and again. */
  interface Prediction extends AutoCloseable {
    /** From Java memory to Java memory. */
    void run();

    /** The outputs of the last run, {@code [batch, outputs]}. */
    float[] outputs();

    /** Another caller of the same predictor, with inputs and outputs of its own. */
    default Prediction sharing() {
      throw new UnsupportedOperationException("no shared predictor");
    }

    @Override
    void close();
  }

  /** Training, step after step, on eight batches in turn. */
  interface Training extends AutoCloseable {
    /** Runs steps and writes the nanoseconds and the loss of each. */
    void steps(int count, long[] nanos, double[] losses);

    @Override
    void close();
  }
}
