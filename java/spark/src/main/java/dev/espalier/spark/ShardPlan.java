// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.io.Serializable;
import java.util.Random;

/**
 * Which rows are in which shard of which batch. Row {@code i} of all rows, in their order, belongs
 * to shard {@code i mod shards} in each epoch, so that no row moves between executors; each epoch
 * has an order of its own within a shard.
 *
 * @param rows of all shards
 * @param shards of a batch
 * @param batchSize rows of a batch, at most
 * @param seed of the orders
 */
record ShardPlan(long rows, int shards, int batchSize, long seed) implements Serializable {
  /** Returns the number of rows of a shard. */
  int rowsOf(int shard) {
    return (int) (rows / shards + (shard < rows % shards ? 1 : 0));
  }

  long stepsPerEpoch() {
    return (rows + batchSize - 1) / batchSize;
  }

  /** Returns the most rows that a shard has in a batch. */
  int shardSize() {
    return (int) ((rowsOf(0) + stepsPerEpoch() - 1) / stepsPerEpoch());
  }

  /** Returns the place, in the shard's order, of the first of its rows in a batch. */
  int begin(int shard, long step) {
    return (int) (rowsOf(shard) * step / stepsPerEpoch());
  }

  /** Returns the place in a batch of the first row of a shard; of all shards, the batch's size. */
  int place(int shard, long step) {
    int place = 0;
    for (int i = 0; i < shard; i++) {
      place += begin(i, step + 1) - begin(i, step);
    }
    return place;
  }

  /** Returns the order of a shard's rows in an epoch. */
  int[] order(int shard, int epoch) {
    int[] order = new int[rowsOf(shard)];
    // Java's own generator is the same everywhere, by its specification.
    Random random = new Random(seed * 31 + epoch * 1_000_003L + shard * 7_919L);
    for (int i = 0; i < order.length; i++) {
      int other = random.nextInt(i + 1);
      order[i] = order[other];
      order[other] = i;
    }
    return order;
  }

  /** Returns the first shard of a worker; of all workers, the number of shards. */
  int firstShard(int worker, int workers) {
    return (int) ((long) shards * worker / workers);
  }

  /** Returns who computes the shard of a row. */
  int worker(long row, int workers) {
    int shard = (int) (row % shards);
    int worker = (int) ((long) shard * workers / shards);
    while (firstShard(worker + 1, workers) <= shard) {
      worker++;
    }
    return worker;
  }
}
