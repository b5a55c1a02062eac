// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.PredictorOptions;
import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;
import scala.Tuple3;
import scala.Tuple4;

/**
 * Predicts for the rows of a partition.
 *
 * @param kept positions of the columns that come back
 * @param model the model's file
 * @param inputSize values of an example's input
 * @param outputSize values of its answers
 */
@SuppressWarnings("ArrayRecordComponent")
record PredictRows(
    PredictionPlan plan, int[] kept, Broadcast<byte[]> model, int inputSize, int outputSize)
    implements MapPartitionsFunction<
        Tuple3<Row, float[], double[]>, Tuple4<Row, float[], double[], Row>> {
  @Override
  public Iterator<Tuple4<Row, float[], double[], Row>> call(
      Iterator<Tuple3<Row, float[], double[]>> rows) {
    PredictorOptions options = plan.options(inputSize, outputSize);
    SharedPredictor shared = SharedPredictor.acquire(plan.digest(), options, model::value);
    PredictedRows predicted;
    try {
      predicted =
          new PredictedRows(plan, kept, shared, shared.borrowBuffers(options.maxBatchSize()), rows);
    } catch (RuntimeException | Error error) {
      shared.release();
      throw error;
    }
    TaskContext task = TaskContext.get();
    if (task != null) {
      TaskCompletionListener close = ended -> predicted.close();
      task.addTaskCompletionListener(close);
    }
    return predicted;
  }
}
