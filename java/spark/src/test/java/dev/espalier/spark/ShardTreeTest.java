// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Who computes what, and in which order it is added up. */
class ShardTreeTest {
  private static float[] shard(int number) {
    Random random = new Random(number);
    float[] values = new float[50];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(6)));
    }
    return values;
  }

  private static float[] recursive(int first, int end) {
    if (end - first == 1) {
      return shard(first);
    }
    int middle = (first + end) / 2;
    float[] left = recursive(first, middle);
    float[] right = recursive(middle, end);
    for (int i = 0; i < left.length; i++) {
      left[i] += right[i];
    }
    return left;
  }

  @Test
  void theOrderOfAddingFollowsFromTheNumberOfShards() {
    for (int shards : new int[] {1, 2, 3, 5, 8, 13}) {
      float[] expected = recursive(0, shards);
      for (int turn = 0; turn < 20; turn++) {
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < shards; i++) {
          order.add(i);
        }
        Collections.shuffle(order, new Random(turn));
        ShardTree tree = new ShardTree(shards);
        order.forEach(i -> tree.add(new ShardTree.Part(i, i + 1, shard(i))));
        assertArrayEquals(expected, tree.sum());
      }
    }
  }

  @Test
  void whatIsMissingIsNoSum() {
    ShardTree tree = new ShardTree(4);
    assertThrows(IllegalStateException.class, tree::sum);
    tree.add(new ShardTree.Part(0, 1, shard(0)));
    tree.add(new ShardTree.Part(1, 2, shard(1)));
    assertEquals(1, tree.parts().size());
    assertThrows(IllegalStateException.class, tree::sum);
  }

  @Test
  void eachRowIsInOneBatchOfAnEpoch() {
    for (long rows : new long[] {8, 9, 70, 1001}) {
      for (int batch : new int[] {8, 20, 64}) {
        ShardPlan plan = new ShardPlan(rows, 8, batch, 3);
        long all = 0;
        for (int shard = 0; shard < 8; shard++) {
          int[] order = plan.order(shard, 2);
          assertEquals(order.length, Arrays.stream(order).distinct().count());
          assertEquals(order.length, plan.rowsOf(shard));
          assertEquals(0, plan.begin(shard, 0));
          assertEquals(plan.rowsOf(shard), plan.begin(shard, plan.stepsPerEpoch()));
          all += plan.rowsOf(shard);
        }
        assertEquals(rows, all);
        for (long step = 0; step < plan.stepsPerEpoch(); step++) {
          int size = plan.place(8, step);
          assertTrue(size >= 1 && size <= batch + 8, "" + size);
          for (int shard = 0; shard < 8; shard++) {
            int count = plan.begin(shard, step + 1) - plan.begin(shard, step);
            assertTrue(count <= plan.shardSize(), count + " of " + plan.shardSize());
          }
        }
      }
    }
  }

  @Test
  void eachShardHasOneWorker() {
    ShardPlan plan = new ShardPlan(100, 8, 16, 0);
    for (int workers = 1; workers <= 8; workers++) {
      TreeSet<Integer> busy = new TreeSet<>();
      for (long row = 0; row < 100; row++) {
        int worker = plan.worker(row, workers);
        int shard = (int) (row % 8);
        assertTrue(plan.firstShard(worker, workers) <= shard);
        assertTrue(shard < plan.firstShard(worker + 1, workers));
        busy.add(worker);
      }
      assertEquals(workers, busy.size());
    }
  }
}
