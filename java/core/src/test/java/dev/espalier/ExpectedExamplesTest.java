// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Data sets hear what is going to be read. */
class ExpectedExamplesTest {
  /** Notes what it hears, and what of it is read. */
  private static final class Noting implements Dataset {
    private final List<int[]> heard = new ArrayList<>();
    private final List<Integer> read = new ArrayList<>();

    @Override
    public int size() {
      return 20;
    }

    @Override
    public Shape inputShape() {
      return Shape.vector(2);
    }

    @Override
    public void readInput(int index, float[] destination, int offset) {
      int[] last = heard.get(heard.size() - 1);
      assertTrue(Arrays.stream(last).anyMatch(i -> i == index), index + " was not expected");
      read.add(index);
      destination[offset] = index;
      destination[offset + 1] = 1;
    }

    @Override
    public List<Target> targets() {
      return List.of(Target.numbers("", 1));
    }

    @Override
    public boolean readTarget(String task, int index, float[] destination, int offset) {
      destination[offset] = index % 2;
      return true;
    }

    @Override
    public void expect(int[] examples) {
      heard.add(examples.clone());
    }
  }

  private static Network network() {
    return Network.builder(Shape.vector(2)).head("odd", Head.labels("odd")).build(1);
  }

  @Test
  void trainingSaysThePresentBatchAndTheNextOne() {
    for (boolean isPrefetching : new boolean[] {true, false}) {
      Noting data = new Noting();
      try (Network network = network()) {
        Trainer.of(network)
            .batchSize(8)
            .epochs(1)
            .seed(3)
            .prefetch(isPrefetching)
            .fit(Datasets.forTask(data, "odd"));
      }
      assertEquals(20, data.read.size());
      int[] order = data.read.stream().mapToInt(i -> i).toArray();
      assertEquals(3, data.heard.size());
      assertArrayEquals(Arrays.copyOfRange(order, 0, 16), data.heard.get(0));
      assertArrayEquals(Arrays.copyOfRange(order, 8, 20), data.heard.get(1));
      assertArrayEquals(Arrays.copyOfRange(order, 16, 20), data.heard.get(2));
    }
  }

  @Test
  void viewsPassItOn() {
    Noting first = new Noting();
    Noting second = new Noting();
    Dataset joined = Datasets.concat(first, Datasets.map(second, values -> values));
    Dataset view = Datasets.subset(joined, 25, 3, 22, 0);
    view.expect(new int[] {3, 2, 1, 0});
    assertArrayEquals(new int[] {0, 3}, first.heard.get(0));
    assertArrayEquals(new int[] {2, 5}, second.heard.get(0));
    Dataset pair = InputDatasets.join(InputDatasets.named("a", first), named(second));
    pair.expect(new int[] {7});
    assertArrayEquals(new int[] {7}, first.heard.get(1));
    assertArrayEquals(new int[] {7}, second.heard.get(1));
  }

  private static Dataset named(Dataset data) {
    return InputDatasets.named("b", Datasets.withoutTargets(data));
  }

  @Test
  void evaluationsSayItToo() {
    Noting data = new Noting();
    try (Network network = network()) {
      network.evaluate(Datasets.forTask(data, "odd"));
      assertEquals(20, data.read.size());
    }
  }
}
