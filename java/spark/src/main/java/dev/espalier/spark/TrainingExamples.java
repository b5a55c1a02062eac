// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.PredictorOptions;
import java.nio.FloatBuffer;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;
import org.jspecify.annotations.Nullable;
import scala.Tuple3;

/**
 * Turns the rows of a partition into what {@link ShardRows} takes: input and answers as numbers.
 *
 * @param digest of the model
 * @param model its file, which says how inputs are read
 * @param inputSize values of an example's input
 * @param numberNames columns of labels, then of values
 * @param numbers where they are
 * @param labels how many of these are labels
 * @param classes columns of classes
 * @param classNames names of the classes of each of them, in their order
 */
record TrainingExamples(
    String digest,
    Broadcast<byte[]> model,
    int inputSize,
    InputColumns inputs,
    List<String> numberNames,
    List<Integer> numbers,
    int labels,
    List<Integer> classes,
    List<List<String>> classNames,
    ProblemPolicy problems)
    implements MapPartitionsFunction<Tuple3<Row, float[], double[]>, byte[]> {
  @Override
  public Iterator<byte[]> call(Iterator<Tuple3<Row, float[], double[]>> rows) {
    SharedPredictor shared =
        SharedPredictor.acquire(digest, PredictorOptions.defaults().maxBatchSize(1), model::value);
    TaskContext task = TaskContext.get();
    if (task != null) {
      TaskCompletionListener release = ended -> shared.release();
      task.addTaskCompletionListener(release);
    }
    return new Examples(rows, new InputReader(inputs, shared));
  }

  private final class Examples implements Iterator<byte[]> {
    private final Iterator<Tuple3<Row, float[], double[]>> rows;
    private final InputReader reader;
    private final FloatBuffer input = FloatBuffer.allocate(inputSize);
    private byte @Nullable [] next;
    private long rowsRead;

    Examples(Iterator<Tuple3<Row, float[], double[]>> rows, InputReader reader) {
      this.rows = rows;
      this.reader = reader;
    }

    @Override
    public boolean hasNext() {
      while (next == null && rows.hasNext()) {
        Tuple3<Row, float[], double[]> row = rows.next();
        String problem = reader.read(row, input, 0);
        rowsRead++;
        if (problem == null) {
          next = example(row._1());
        } else if (problems == ProblemPolicy.ERROR) {
          throw new IllegalArgumentException(place() + problem);
        }
      }
      return next != null;
    }

    @Override
    public byte[] next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      byte[] example = next;
      next = null;
      return example;
    }

    private byte[] example(Row row) {
      int values = numbers.size() - labels;
      float[] example = new float[inputSize + numbers.size() + classes.size()];
      input.get(0, example, 0, inputSize);
      int at = inputSize;
      for (int i = 0; i < labels; i++) {
        example[at++] = number(row, i);
      }
      for (int i = 0; i < classes.size(); i++) {
        Object kind = LabelledRows.kind(row.get(classes.get(i)));
        example[at++] = kind == null ? -1 : classNames.get(i).indexOf(LabelledRows.name(kind));
      }
      for (int i = 0; i < values; i++) {
        example[at++] = number(row, labels + i);
      }
      return ShardRows.bytes(example);
    }

    private float number(Row row, int index) {
      Object value = row.get(numbers.get(index));
      float number = Float.NaN; // nobody said
      if (value instanceof Number known) {
        number = known.floatValue();
      } else if (value instanceof Boolean isTrue) {
        number = isTrue ? 1 : 0;
      }
      try {
        LabelledRows.requireAnswer(numberNames.get(index), number, index < labels);
      } catch (IllegalArgumentException error) {
        throw new IllegalArgumentException(place() + error.getMessage(), error);
      }
      return number;
    }

    private String place() {
      TaskContext task = TaskContext.get();
      return "row "
          + (rowsRead - 1)
          + (task == null ? "" : " of partition " + task.partitionId())
          + ", from 0: ";
    }
  }
}
