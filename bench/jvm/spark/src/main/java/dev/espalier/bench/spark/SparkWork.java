// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.spark;

import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Rows, and three ways to their features, which are the same. */
interface SparkWork extends AutoCloseable {
  /** Rows that a network answers at once. */
  int BATCH = 32;

  /** The column of this library's features. */
  String FEATURES = "features";

  /** Returns the workload's name. */
  String name();

  /** Returns how many rows there are. */
  int count();

  /** Returns the rows: {@code id}, and the input. */
  Dataset<Row> rows(SparkSession session);

  /** Returns what {@code EspalierModel} makes of rows, with {@link #FEATURES}. */
  Dataset<Row> espalier(Dataset<Row> rows);

  /** Returns what ONNX Runtime makes of rows: features alone. */
  Dataset<float[]> onnxRuntime(Dataset<Row> rows);

  /** Computes the features of rows by a predictor on this thread. */
  void withoutSpark(int first, int end);

  @Override
  void close();
}
