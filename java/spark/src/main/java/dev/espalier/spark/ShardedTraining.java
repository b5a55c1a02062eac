// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.AdamW;
import dev.espalier.DataParallelTrainer;
import dev.espalier.Network;
import dev.espalier.Schedule;
import dev.espalier.Trainer;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.broadcast.Broadcast;
import scala.Tuple2;

/**
 * The task of a worker in a barrier stage: it has the rows of some shards, computes their
 * gradients, and takes the same steps as all others. The first worker returns the trained network's
 * file.
 *
 * @param model the network with its new heads
 * @param frozenThrough layer that stays as it is, with what it is computed from; "" if none does
 * @param learningRate at the beginning; it falls to 0 by a cosine
 * @param epochs of all rows
 * @param checkpoints where the first worker writes how far training is
 */
record ShardedTraining(
    Broadcast<byte[]> model,
    String frozenThrough,
    ShardPlan plan,
    double learningRate,
    int epochs,
    Duration timeout,
    WorkerSecret secret,
    WorkerCheckpoints checkpoints)
    implements Serializable {
  /** Trains; returns the network's file on the first worker, nothing on others. */
  Iterator<byte[]> call(Iterator<Tuple2<Long, byte[]>> rows) throws IOException {
    BarrierTaskContext task = BarrierTaskContext.get();
    int rank = task.partitionId();
    int workers = task.getTaskInfos().length;
    String host = task.getTaskInfos()[rank].address().replaceFirst(":\\d+$", "");
    try (WorkerLinks links = new WorkerLinks(rank, workers, host, secret, timeout);
        Network network = Network.load(model.value())) {
      links.connect(task.allGather(links.address()));
      if (!frozenThrough.isEmpty()) {
        network.freezeThrough(frozenThrough);
      }
      Worker worker = new Worker(links, rank, workers, network, rows);
      worker.train(TaskThreads.of(task));
      return rank == 0
          ? List.of(ModelContent.bytes(network)).iterator()
          : List.<byte[]>of().iterator();
    }
  }

  private final class Worker {
    private final WorkerLinks links;
    private final int rank;
    private final int firstShard;
    private final int endShard;
    private final Network network;
    private final ShardRows rows;
    private final int[] firstRow; // in `rows`, by shard of this worker

    Worker(
        WorkerLinks links,
        int rank,
        int workers,
        Network network,
        Iterator<Tuple2<Long, byte[]>> records) {
      this.links = links;
      this.rank = rank;
      this.network = network;
      firstShard = plan.firstShard(rank, workers);
      endShard = plan.firstShard(rank + 1, workers);
      rows = new ShardRows(network.inputShape(), network.tasks());
      List<Tuple2<Long, byte[]>> all = new ArrayList<>();
      records.forEachRemaining(all::add);
      // Shard by shard, in the order of all rows.
      all.sort(
          Comparator.comparingLong((Tuple2<Long, byte[]> record) -> record._1() % plan.shards())
              .thenComparing(Tuple2::_1));
      all.forEach(record -> rows.add(record._2()));
      firstRow = new int[endShard - firstShard + 1];
      for (int shard = firstShard; shard < endShard; shard++) {
        firstRow[shard - firstShard + 1] = firstRow[shard - firstShard] + plan.rowsOf(shard);
      }
      if (rows.size() != firstRow[endShard - firstShard]) {
        throw new IllegalStateException(
            "expected " + firstRow[endShard - firstShard] + " rows, got " + rows.size());
      }
    }

    void train(int threads) throws IOException {
      long stepsPerEpoch = plan.stepsPerEpoch();
      Trainer settings =
          Trainer.of(network)
              .optimizer(AdamW.withLearningRate(learningRate))
              .schedule(Schedule.cosine())
              .batchSize(plan.batchSize())
              .steps(epochs * stepsPerEpoch)
              .threads(threads)
              .seed(plan.seed());
      try (DataParallelTrainer trainer = DataParallelTrainer.of(settings, rows, plan.shardSize())) {
        resume(trainer);
        int[][] orders = new int[endShard - firstShard][];
        for (long step = trainer.steps(); step < epochs * stepsPerEpoch; step++) {
          int epoch = (int) (step / stepsPerEpoch);
          if (orders[0] == null || step % stepsPerEpoch == 0) {
            for (int shard = firstShard; shard < endShard; shard++) {
              orders[shard - firstShard] = plan.order(shard, epoch);
            }
          }
          step(trainer, orders, step % stepsPerEpoch);
          if (rank == 0 && checkpoints.isDue(step + 1)) {
            checkpoints.write(trainer);
          }
        }
      }
    }

    private void step(DataParallelTrainer trainer, int[][] orders, long step) throws IOException {
      long[] totals = new long[trainer.totalsSize()];
      int[][] batch = new int[orders.length][];
      for (int i = 0; i < orders.length; i++) {
        int shard = firstShard + i;
        int begin = plan.begin(shard, step);
        batch[i] = new int[plan.begin(shard, step + 1) - begin];
        for (int k = 0; k < batch[i].length; k++) {
          batch[i][k] = firstRow[i] + orders[i][begin + k];
        }
        if (batch[i].length > 0) {
          trainer.addTotals(batch[i], totals);
        }
      }
      long[] whole = links.sum(totals);
      ShardTree tree = new ShardTree(plan.shards());
      for (int i = 0; i < batch.length; i++) {
        int shard = firstShard + i;
        float[] gradients =
            batch[i].length == 0
                ? new float[trainer.gradientsSize()]
                : trainer.gradients(whole, plan.place(shard, step), batch[i]);
        tree.add(new ShardTree.Part(shard, shard + 1, gradients));
      }
      trainer.apply(whole, links.sum(tree, trainer.gradientsSize()));
    }

    /** Goes on from where an attempt before this one was, if it left anything. */
    private void resume(DataParallelTrainer trainer) throws IOException {
      byte[] found = links.broadcast(rank == 0 ? checkpoints.read() : new byte[0]);
      if (found.length == 0) {
        return;
      }
      Path file = Files.createTempFile("espalier", ".checkpoint");
      try {
        Files.write(file, found);
        trainer.resume(file);
      } finally {
        Files.deleteIfExists(file);
      }
    }
  }
}
