// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.TransferBuilder;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction1;

/**
 * Trains a network with new heads on rows that stay on the executors, data-parallel.
 *
 * @param layer that the heads stand on
 * @param frozenThrough layer that stays as it is, with what it is computed from; "" if none does
 * @param epochs of all rows
 * @param batchSize rows a step
 * @param shards that a batch is cut into
 * @param workers tasks that train at once; 0 for as many as run at once, up to the shards
 * @param timeout of a worker that waits for others
 * @param checkpointFolder "" for none
 * @param checkpointSteps between two
 */
record DataParallelFit(
    String layer,
    String frozenThrough,
    double learningRate,
    int epochs,
    int batchSize,
    int shards,
    int workers,
    long seed,
    Duration timeout,
    String checkpointFolder,
    int checkpointSteps) {
  /** What Spark calls in a barrier stage, which has no way in for Java's functions. */
  private static final class Task
      extends AbstractFunction1<Iterator<Tuple2<Long, byte[]>>, Iterator<byte[]>>
      implements Serializable {
    private static final long serialVersionUID = 1;

    private final ShardedTraining training;

    Task(ShardedTraining training) {
      this.training = training;
    }

    @Override
    public Iterator<byte[]> apply(Iterator<Tuple2<Long, byte[]>> rows) {
      try {
        return CollectionConverters.asScala(training.call(CollectionConverters.asJava(rows)));
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }
  }

  /** Sends the rows of a shard to who computes it. */
  private static final class ByShard extends Partitioner {
    private static final long serialVersionUID = 1;

    private final ShardPlan plan;
    private final int workers;

    ByShard(ShardPlan plan, int workers) {
      this.plan = plan;
      this.workers = workers;
    }

    @Override
    public int numPartitions() {
      return workers;
    }

    @Override
    public int getPartition(Object row) {
      return plan.worker((Long) row, workers);
    }
  }

  /**
   * Trains.
   *
   * @param backbone whose heads are replaced
   * @param rows with inputs and answers
   * @param inputCols what an input is made of
   * @param problems what becomes of rows without an input
   * @throws IllegalArgumentException if there are fewer rows than shards
   */
  ModelContent fit(
      ModelContent backbone,
      Dataset<?> rows,
      String[] inputCols,
      TargetColumns targets,
      ProblemPolicy problems) {
    if (batchSize < shards) {
      throw new IllegalArgumentException(
          "trainingBatchSize: expected at least one row for each of "
              + shards
              + " shards, got "
              + batchSize);
    }
    SparkSession session = rows.sparkSession();
    Map<String, List<String>> classNames = new LinkedHashMap<>();
    for (String column : targets.classes()) {
      List<Row> kinds =
          rows.select(LabelledRows.column(rows.toDF(), column)).distinct().collectAsList();
      classNames.put(
          column,
          LabelledRows.classNames(
              column, kinds.stream().map(row -> LabelledRows.kind(row.get(0)))));
    }
    JavaRDD<byte[]> examples =
        examples(backbone, rows, inputCols, targets, classNames, problems)
            .persist(StorageLevel.MEMORY_AND_DISK());
    try (Network whole = whole(backbone, targets.heads(classNames))) {
      long count = examples.count();
      if (count < shards) {
        throw new IllegalArgumentException(
            "rows: expected at least " + shards + " to train on, one a shard, got " + count);
      }
      return train(session, examples, count, whole);
    } finally {
      examples.unpersist();
    }
  }

  private ModelContent train(
      SparkSession session, JavaRDD<byte[]> examples, long count, Network whole) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
    ShardPlan plan = new ShardPlan(count, shards, batchSize, seed);
    int slots = context.defaultParallelism() / context.getConf().getInt("spark.task.cpus", 1);
    int tasks = workers > 0 ? workers : Math.max(1, Math.min(shards, slots));
    // An order that follows from what the rows are alone: those of one digest are alike.
    JavaPairRDD<Long, byte[]> numbered =
        examples
            .mapToPair(bytes -> new Tuple2<>(digest(bytes), bytes))
            .sortByKey(true)
            .values()
            .zipWithIndex()
            .mapToPair(Tuple2::swap)
            .partitionBy(new ByShard(plan, tasks));
    Broadcast<byte[]> model = context.broadcast(ModelContent.bytes(whole));
    WorkerCheckpoints checkpoints =
        checkpointFolder.isEmpty()
            ? WorkerCheckpoints.none()
            : WorkerCheckpoints.in(
                checkpointFolder + "/" + UUID.randomUUID(),
                checkpointSteps,
                session.sessionState().newHadoopConf());
    ShardedTraining training =
        new ShardedTraining(
            model,
            frozenThrough,
            plan,
            learningRate,
            epochs,
            timeout,
            WorkerSecret.draw(),
            checkpoints);
    try {
      List<byte[]> trained =
          numbered
              .rdd()
              .barrier()
              .mapPartitions(
                  new Task(training), false, ClassTag$.MODULE$.<byte[]>apply(byte[].class))
              .toJavaRDD()
              .repartition(1) // Spark starts a barrier stage anew only where another one follows
              .collect();
      return ModelContent.of(trained.get(0));
    } finally {
      checkpoints.delete();
      model.destroy();
    }
  }

  /** Returns the rows as numbers. */
  private static JavaRDD<byte[]> examples(
      ModelContent backbone,
      Dataset<?> rows,
      String[] inputCols,
      TargetColumns targets,
      Map<String, List<String>> classNames,
      ProblemPolicy problems) {
    StructType schema = rows.schema();
    InputColumns inputs = InputColumns.of(schema, inputCols, backbone);
    List<String> numbers = new ArrayList<>(targets.labels());
    numbers.addAll(targets.values());
    TrainingExamples reading =
        new TrainingExamples(
            backbone.digest(),
            backbone.broadcast(rows.sparkSession()),
            backbone.inputSize(),
            inputs,
            numbers,
            positions(schema, numbers),
            targets.labels().size(),
            positions(schema, targets.classes()),
            List.copyOf(classNames.values()),
            problems);
    return PassedRows.of(rows, inputs).rows().mapPartitions(reading, Encoders.BINARY()).toJavaRDD();
  }

  private static List<Integer> positions(StructType schema, List<String> columns) {
    return columns.stream().map(name -> InputColumns.position(schema, name)).toList();
  }

  private Network whole(ModelContent backbone, Map<String, Head> heads) {
    try (Network source = Network.load(backbone.bytes())) {
      TransferBuilder transfer = source.transfer();
      source.tasks().forEach(task -> transfer.dropHead(task.name()));
      heads.forEach((name, head) -> transfer.head(name, layer, head));
      return transfer.build(seed);
    }
  }

  private static String digest(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException error) {
      throw new IllegalStateException(error); // every Java has it
    }
  }
}
