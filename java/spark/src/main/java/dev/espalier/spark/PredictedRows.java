// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.jspecify.annotations.Nullable;
import scala.Tuple3;
import scala.Tuple4;

/**
 * The rows of a partition with what a network answers, predicted batch by batch as they are asked
 * for. The task may end while another thread, one that feeds a program of Python, still asks.
 */
final class PredictedRows implements Iterator<Tuple4<Row, float[], double[], Row>>, AutoCloseable {
  private final PredictionPlan plan;
  private final int[] kept;
  private final SharedPredictor shared;
  private final BatchBuffers buffers;
  private final Iterator<Tuple3<Row, float[], double[]>> rows;
  private final InputReader reader;
  private final float[] answers;
  private final Object[] cells;
  private final List<Tuple3<Row, float[], double[]>> batch = new ArrayList<>();
  private final List<@Nullable String> problems = new ArrayList<>();
  private int next; // in the batch
  private int answered; // rows of the batch, before the next, that the network answered
  private long rowsRead;
  private boolean isClosed;

  PredictedRows(
      PredictionPlan plan,
      int[] kept,
      SharedPredictor shared,
      BatchBuffers buffers,
      Iterator<Tuple3<Row, float[], double[]>> rows) {
    this.plan = plan;
    this.kept = kept;
    this.shared = shared;
    this.buffers = buffers;
    this.rows = rows;
    reader = new InputReader(plan.inputs(), shared);
    answers = new float[shared.predictor().outputSize()];
    cells = new Object[plan.outputs().size() + (plan.tellsProblems() ? 1 : 0)];
  }

  @Override
  public synchronized boolean hasNext() {
    while (next == batch.size() && !isClosed) {
      if (!rows.hasNext()) {
        close();
      } else {
        predictBatch();
      }
    }
    return !isClosed && next < batch.size();
  }

  @Override
  public synchronized Tuple4<Row, float[], double[], Row> next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    String problem = problems.get(next);
    if (problem == null) {
      buffers.outputs().get(answered * answers.length, answers);
      answered++;
    }
    for (int i = 0; i < plan.outputs().size(); i++) {
      cells[i] = problem == null ? plan.outputs().get(i).value(answers) : null;
    }
    if (plan.tellsProblems()) {
      cells[cells.length - 1] = problem;
    }
    Tuple3<Row, float[], double[]> row = batch.get(next);
    batch.set(next++, null); // free for the collector
    return new Tuple4<>(row._1(), row._2(), row._3(), RowFactory.create(cells.clone()));
  }

  private Row rest(Row row) {
    Object[] values = new Object[Math.max(1, kept.length)]; // at least a null: PredictedColumns
    for (int i = 0; i < kept.length; i++) {
      values[i] = row.get(kept[i]);
    }
    return RowFactory.create(values);
  }

  private void predictBatch() {
    batch.clear();
    problems.clear();
    next = 0;
    answered = 0;
    int inputSize = shared.predictor().inputSize();
    int fine = 0;
    while (batch.size() < buffers.rows() && rows.hasNext()) {
      Tuple3<Row, float[], double[]> row = rows.next();
      String problem = reader.read(row, buffers.inputs(), fine * inputSize);
      rowsRead++;
      if (problem == null) {
        fine++;
      } else if (plan.problems() == ProblemPolicy.ERROR) {
        throw new IllegalArgumentException(place() + problem);
      } else if (plan.problems() == ProblemPolicy.SKIP) {
        continue;
      }
      batch.add(plan.dropsInputs() ? new Tuple3<>(rest(row._1()), null, null) : row);
      problems.add(problem);
    }
    if (fine > 0) {
      shared
          .predictor()
          .predict(
              buffers.inputs().slice(0, fine * inputSize),
              buffers.outputs().slice(0, fine * answers.length));
    }
  }

  private String place() {
    TaskContext task = TaskContext.get();
    return "row "
        + (rowsRead - 1)
        + (task == null ? "" : " of partition " + task.partitionId())
        + ", from 0: ";
  }

  /** Ends the part in the predictor; further calls do nothing. */
  @Override
  public synchronized void close() {
    if (!isClosed) {
      isClosed = true;
      shared.giveBack(buffers);
      shared.release();
    }
  }
}
