// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DatasetTest {
  /** Example i has the inputs 10 i and 10 i + 1, the class i % 3 and the label i % 2. */
  private static Dataset numbered(int size) {
    float[] inputs = new float[2 * size];
    int[] classes = new int[size];
    for (int i = 0; i < size; i++) {
      inputs[2 * i] = 10 * i;
      inputs[2 * i + 1] = 10 * i + 1;
      classes[i] = i % 3;
    }
    return Datasets.ofClasses(inputs, Shape.vector(2), classes);
  }

  /** Returns which examples of {@link #numbered} a data set consists of. */
  private static List<Integer> numbers(Dataset data) {
    return IntStream.range(0, data.size())
        .mapToObj(i -> (int) Datasets.input(data, i)[0] / 10)
        .toList();
  }

  @Test
  void readsArraysAndBuffers() {
    float[] values = {9, 9, 1, 2, 3, 4};
    FloatBuffer heap = FloatBuffer.wrap(values).position(2);
    FloatBuffer direct =
        ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder()).asFloatBuffer();
    direct.put(values, 2, 4).flip();
    for (FloatBuffer buffer : List.of(heap, direct)) {
      Dataset data =
          Datasets.withClasses(Datasets.of(buffer, Shape.vector(2)), "a", new int[] {1, -1});
      assertEquals(2, data.size());
      assertArrayEquals(new float[] {3, 4}, Datasets.input(data, 1));
      assertArrayEquals(new float[] {-1}, Datasets.target(data, "a", 1));
      assertTrue(data.isStable());
    }
    Dataset rows = Datasets.of(new float[][] {{1, 2}, {3, 4}}, new float[][] {{0}, {Float.NaN}});
    assertArrayEquals(new float[] {3, 4}, Datasets.input(rows, 1));
    assertArrayEquals(new float[] {Float.NaN}, Datasets.target(rows, "", 1));
    Dataset classes = Datasets.ofClasses(new float[][] {{1, 2}, {3, 4}}, new int[] {2, -1});
    assertEquals(Shape.vector(2), classes.inputShape());
    assertArrayEquals(new float[] {1, 2}, Datasets.input(classes, 0));
    assertArrayEquals(new float[] {2}, Datasets.target(classes, "", 0));
    assertEquals(List.of(Target.classes("")), classes.targets());
  }

  @Test
  void refusesLengthsThatDoNotFit() {
    float[] five = new float[5];
    Shape two = Shape.vector(2);
    assertThrows(ShapeException.class, () -> Datasets.of(five, two));
    float[] four = new float[4];
    assertThrows(ShapeException.class, () -> Datasets.of(four, two, new float[3][1]));
    assertThrows(ShapeException.class, () -> Datasets.of(four, two, new float[2][0]));
    assertThrows(ShapeException.class, () -> Datasets.of(four, two, new float[][] {{1}, {1, 2}}));
    assertThrows(ShapeException.class, () -> Datasets.ofClasses(four, two, new int[1]));
    assertThrows(
        ShapeException.class, () -> Datasets.of(new float[][] {{1}, {1, 2}}, new float[2][1]));
    assertThrows(ShapeException.class, () -> Datasets.of(new float[0][], new float[0][]));
    assertThrows(ShapeException.class, () -> Datasets.ofClasses(new float[3][1], new int[2]));
    assertThrows(IndexOutOfBoundsException.class, () -> Datasets.input(numbered(3), 3));
    assertThrows(IndexOutOfBoundsException.class, () -> Datasets.input(numbered(3), -1));
    assertThrows(IllegalArgumentException.class, () -> Datasets.target(numbered(3), "other", 0));
  }

  @Test
  void picksAndOrders() {
    Dataset data = numbered(10);
    assertEquals(List.of(4, 4, 0), numbers(Datasets.subset(data, 4, 4, 0)));
    assertEquals(List.of(3, 4), numbers(Datasets.range(data, 3, 5)));
    assertEquals(List.of(), numbers(Datasets.range(data, 5, 5)));
    assertArrayEquals(new float[] {1}, Datasets.target(Datasets.range(data, 3, 5), "", 1));
    assertThrows(IndexOutOfBoundsException.class, () -> Datasets.subset(data, 10));
    assertThrows(IndexOutOfBoundsException.class, () -> Datasets.range(data, 5, 11));
    assertThrows(IndexOutOfBoundsException.class, () -> Datasets.range(data, 5, 4));
    List<Integer> shuffled = numbers(Datasets.shuffle(data, 1));
    assertNotEquals(numbers(data), shuffled);
    assertEquals(new TreeSet<>(numbers(data)), new TreeSet<>(shuffled));
    assertEquals(shuffled, numbers(Datasets.shuffle(data, 1)));
    assertNotEquals(shuffled, numbers(Datasets.shuffle(data, 2)));
  }

  @Test
  void splitsIntoPartsWithoutCommonExamples() {
    Dataset data = numbered(31);
    for (Split split :
        List.of(Datasets.split(data, 0.3, 5), Datasets.splitStratified(data, 0.3, 5))) {
      assertEquals(9, split.first().size());
      Set<Integer> all = new TreeSet<>(numbers(split.first()));
      all.addAll(numbers(split.second()));
      assertEquals(31, all.size());
    }
    assertEquals(0, Datasets.split(data, 0, 1).first().size());
    assertEquals(31, Datasets.split(data, 1, 1).first().size());
    assertThrows(IllegalArgumentException.class, () -> Datasets.split(data, 1.1, 1));
    assertThrows(IllegalArgumentException.class, () -> Datasets.split(data, Double.NaN, 1));
  }

  @Test
  void stratifiesClasses() {
    Dataset data = numbered(300);
    Dataset few = Datasets.fewShot(data, 30, 7);
    int[] counts = new int[3];
    numbers(few).forEach(i -> counts[i % 3]++);
    assertArrayEquals(new int[] {10, 10, 10}, counts);
    assertEquals(numbers(few), numbers(Datasets.fewShot(data, 30, 7)));
    assertNotEquals(numbers(few), numbers(Datasets.fewShot(data, 30, 8)));

    Dataset perLabel = Datasets.fewShotPerLabel(data, 4, 7);
    int[] exact = new int[3];
    numbers(perLabel).forEach(i -> exact[i % 3]++);
    assertArrayEquals(new int[] {4, 4, 4}, exact);
  }

  /** Shares that are no whole numbers: none is far from its own, none goes without. */
  @Test
  void stratifiesClassesWhoseSharesAreFractions() {
    for (int[] wanted : new int[][] {{10, 100, 15}, {10, 100, 25}, {10, 12, 96}, {100, 12, 960}}) {
      int classes = wanted[0];
      int size = classes * wanted[1];
      int[] answers = IntStream.range(0, size).map(i -> i % classes).toArray();
      Dataset data = Datasets.ofClasses(new float[size], Shape.vector(1), answers);
      for (int seed = 0; seed < 5; seed++) {
        Dataset few = Datasets.fewShot(data, wanted[2], seed);
        int[] counts = new int[classes];
        for (int i = 0; i < few.size(); i++) {
          counts[(int) Datasets.target(few, "", i)[0]]++;
        }
        double share = (double) wanted[2] / classes;
        for (int count : counts) {
          assertEquals(share, count, 0.95, () -> Arrays.toString(wanted) + Arrays.toString(counts));
        }
      }
    }
  }

  /** Where labels depend on each other: near to what choosing label by label would allow. */
  @Test
  void stratifiesManyLabels() {
    Random random = new Random(5);
    float[][] labels = new float[1000][14];
    for (float[] row : labels) {
      boolean isLikely = random.nextBoolean();
      for (int j = 0; j < row.length; j++) {
        boolean isYes = random.nextDouble() < (isLikely ? 0.05 : 0.012) * (j + 1);
        row[j] = random.nextDouble() < 0.3 ? Float.NaN : isYes ? 1 : 0;
      }
    }
    Dataset data = Datasets.of(new float[1000], Shape.vector(1), labels);
    for (int count : new int[] {100, 500, 800}) {
      Dataset first = Datasets.fewShot(data, count, 1);
      assertEquals(count, first.size());
      for (int j = 0; j < 14; j++) {
        for (int answer = 0; answer < 2; answer++) {
          double expected = count(data, j, answer) * count / 1000.0;
          assertEquals(expected, count(first, j, answer), 5, "label " + j + ", answer " + answer);
        }
      }
    }
  }

  private static int count(Dataset data, int label, int answer) {
    return (int)
        IntStream.range(0, data.size())
            .filter(i -> Datasets.target(data, "", i)[label] == answer)
            .count();
  }

  @Test
  void stratifiesPartlyLabelledEntries() {
    // Label 0: every tenth yes, half unlabelled. Label 1: every second yes.
    int size = 400;
    float[][] labels = new float[size][];
    for (int i = 0; i < size; i++) {
      float rare = i % 10 == 0 ? 1 : 0;
      labels[i] = new float[] {(i / 10) % 2 == 0 ? Float.NaN : rare, (i / 5) % 2};
    }
    Dataset data = Datasets.of(new float[size * 2], Shape.vector(2), labels);
    Dataset few = Datasets.fewShot(data, 40, 3);
    int[] yes = new int[2];
    int known = 0;
    for (int i = 0; i < few.size(); i++) {
      float[] target = Datasets.target(few, "", i);
      yes[0] += target[0] == 1 ? 1 : 0;
      yes[1] += target[1] == 1 ? 1 : 0;
      known += Float.isNaN(target[0]) ? 0 : 1;
    }
    assertEquals(40, few.size());
    assertEquals(2, yes[0], 1);
    assertEquals(20, yes[1], 1);
    assertEquals(20, known, 2);
    assertThrows(IllegalArgumentException.class, () -> Datasets.fewShot(data, 401, 1));
    assertThrows(IllegalArgumentException.class, () -> Datasets.fewShot(data, 0, 1));
    assertThrows(
        IllegalStateException.class, () -> Datasets.fewShot(Datasets.withoutTargets(data), 2, 1));
  }

  @Test
  void joinsDataSetsOfDifferentTasks() {
    Dataset first = Datasets.forTask(numbered(3), "kind");
    Dataset second =
        Datasets.withTargets(
            Datasets.withoutTargets(numbered(2)), "ripe", new float[][] {{1, 0}, {Float.NaN, 1}});
    Dataset both = Datasets.concat(first, second);
    assertEquals(5, both.size());
    assertEquals(List.of(0, 1, 2, 0, 1), numbers(both));
    assertEquals(List.of(Target.classes("kind"), Target.numbers("ripe", 2)), both.targets());
    assertArrayEquals(new float[] {2}, Datasets.target(both, "kind", 2));
    assertArrayEquals(new float[] {-1}, Datasets.target(both, "kind", 3));
    assertArrayEquals(new float[] {Float.NaN, Float.NaN}, Datasets.target(both, "ripe", 2));
    assertArrayEquals(new float[] {Float.NaN, 1}, Datasets.target(both, "ripe", 4));
    assertTrue(both.isStable());
  }

  @Test
  void refusesToJoinWhatDiffers() {
    Dataset data = numbered(2);
    assertThrows(
        ShapeException.class, () -> Datasets.concat(data, Datasets.reshape(data, Shape.of(2, 1))));
    Dataset other = Datasets.withTargets(data, "", new float[2][3]);
    assertThrows(ShapeException.class, () -> Datasets.concat(data, other));
    assertThrows(IllegalArgumentException.class, () -> Datasets.concat());
  }

  @Test
  void mapsPurely() {
    Dataset data = numbered(4);
    Dataset doubled =
        Datasets.map(
            data,
            input -> {
              input[0] *= 2;
              return input;
            });
    assertArrayEquals(new float[] {40, 21}, Datasets.input(doubled, 2));
    assertArrayEquals(new float[] {20, 21}, Datasets.input(data, 2));
    assertTrue(doubled.isStable());
    Dataset sums = Datasets.map(data, Shape.vector(1), input -> new float[] {input[0] + input[1]});
    assertArrayEquals(new float[] {41}, Datasets.input(sums, 2));
    Dataset wrong = Datasets.map(data, input -> new float[3]);
    assertThrows(ShapeException.class, () -> Datasets.input(wrong, 0));
    assertThrows(ShapeException.class, () -> Datasets.input(Datasets.map(data, input -> null), 0));
    assertEquals(Shape.of(2, 1), Datasets.reshape(data, Shape.of(2, 1)).inputShape());
    assertThrows(ShapeException.class, () -> Datasets.reshape(data, Shape.vector(3)));
  }

  @Test
  void augmentsAnewInEachEpoch() {
    Dataset data = Datasets.range(numbered(4), 1, 3);
    Dataset noisy =
        Datasets.subset(
            Datasets.augment(
                data,
                9,
                (input, random) -> {
                  input[0] += (float) random.nextDouble();
                  return input;
                }),
            1,
            0);
    assertFalse(noisy.isStable());
    float first = Datasets.input(noisy.atEpoch(0), 0)[0];
    assertEquals(first, Datasets.input(noisy.atEpoch(0), 0)[0]);
    assertNotEquals(first, Datasets.input(noisy.atEpoch(1), 0)[0]);
    assertNotEquals(first - 20, Datasets.input(noisy.atEpoch(0), 1)[0] - 10);
    assertFalse(Datasets.concat(data, noisy).isStable());
    assertNotEquals(
        Datasets.input(Datasets.concat(data, noisy).atEpoch(1), 2)[0],
        Datasets.input(Datasets.concat(data, noisy).atEpoch(2), 2)[0]);
    assertSame(data, data.atEpoch(3));
  }

  @Test
  void renamesTasks() {
    Dataset data = Datasets.forTask(numbered(3), "kind");
    assertArrayEquals(new float[] {1}, Datasets.target(data, "kind", 1));
    assertThrows(IllegalArgumentException.class, () -> Datasets.target(data, "", 1));
    Dataset two = Datasets.withTargets(data, "more", new float[3][2]);
    assertEquals(2, two.targets().size());
    assertThrows(IllegalStateException.class, () -> Datasets.forTask(two, "x"));
    assertEquals(List.of(), Datasets.withoutTargets(two).targets());
    Dataset replaced = Datasets.withClasses(data, "kind", new int[] {2, 2, 2});
    assertEquals(1, replaced.targets().size());
    assertArrayEquals(new float[] {2}, Datasets.target(replaced, "kind", 0));
  }

  @Test
  void shufflesEvenly() {
    int[][] counts = new int[4][4];
    for (int epoch = 0; epoch < 4000; epoch++) {
      int[] order = Shuffle.permutation(4, 11, epoch);
      for (int i = 0; i < 4; i++) {
        counts[i][order[i]]++;
      }
    }
    List<Integer> all = new ArrayList<>();
    for (int[] row : counts) {
      for (int count : row) {
        all.add(count);
        assertEquals(1000, count, 150, () -> all.toString());
      }
    }
  }

  @Test
  void foldsHoldOutEachExampleOnce() {
    Dataset data = numbered(31);
    for (List<Split> folds :
        List.of(Datasets.folds(data, 4, 5), Datasets.foldsStratified(data, 4, 5))) {
      assertEquals(4, folds.size());
      List<Integer> heldOut = new ArrayList<>();
      for (Split fold : folds) {
        assertEquals(8, fold.second().size(), 1);
        assertEquals(31, fold.first().size() + fold.second().size());
        Set<Integer> all = new TreeSet<>(numbers(fold.first()));
        all.addAll(numbers(fold.second()));
        assertEquals(31, all.size());
        heldOut.addAll(numbers(fold.second()));
      }
      assertEquals(new TreeSet<>(numbers(data)), new TreeSet<>(heldOut));
      assertEquals(31, heldOut.size());
    }
    assertEquals(
        numbers(Datasets.folds(data, 4, 5).get(2).first()),
        numbers(Datasets.folds(data, 4, 5).get(2).first()));
    assertNotEquals(
        numbers(Datasets.folds(data, 4, 5).get(2).second()),
        numbers(Datasets.folds(data, 4, 6).get(2).second()));
    assertEquals(31, Datasets.folds(data, 31, 1).size());
    assertThrows(IllegalArgumentException.class, () -> Datasets.folds(data, 1, 5));
    assertThrows(IllegalArgumentException.class, () -> Datasets.folds(data, 32, 5));
    assertThrows(
        IllegalStateException.class,
        () -> Datasets.foldsStratified(Datasets.withoutTargets(data), 4, 5));
  }

  @Test
  void stratifiedFoldsKeepTheSharesOfRareClasses() {
    int[] classes =
        IntStream.range(0, 500).map(i -> i % 50 == 0 ? 2 : i % 5 == 0 ? 1 : 0).toArray();
    Dataset data = Datasets.ofClasses(new float[500], Shape.vector(1), classes);
    for (Split fold : Datasets.foldsStratified(data, 5, 3)) {
      int[] counts = new int[3];
      for (int i = 0; i < fold.second().size(); i++) {
        counts[(int) Datasets.target(fold.second(), "", i)[0]]++;
      }
      assertArrayEquals(new int[] {80, 18, 2}, counts);
    }
  }

  @Test
  void cacheReadsEachExampleOnce() {
    int[] reads = new int[3];
    Dataset base = numbered(3);
    Dataset counting =
        new DerivedDataset(base) {
          @Override
          public void readInput(int index, float[] destination, int offset) {
            reads[index]++;
            super.readInput(index, destination, offset);
          }

          @Override
          public boolean isStable() {
            return false;
          }

          @Override
          Dataset over(Dataset other) {
            throw new AssertionError();
          }
        };
    Dataset cached = Datasets.cache(counting);
    for (int pass = 0; pass < 3; pass++) {
      for (int i = 0; i < 3; i++) {
        assertArrayEquals(Datasets.input(base, i), Datasets.input(cached, i));
        assertArrayEquals(Datasets.target(base, "", i), Datasets.target(cached, "", i));
      }
    }
    assertArrayEquals(new int[] {1, 1, 1}, reads);
    assertFalse(counting.isStable());
    assertTrue(cached.isStable());
    assertEquals(base.targets(), cached.targets());
    Dataset partly = Datasets.cache(Datasets.concat(base, Datasets.withoutTargets(numbered(1))));
    assertArrayEquals(new float[] {-1}, Datasets.target(partly, "", 3));
    assertThrows(IndexOutOfBoundsException.class, () -> Datasets.input(cached, 3));
  }

  private record Fruit(float weight, float width, String color, Boolean isRipe) {}

  @Test
  void readsObjectsByFunctions() {
    List<Fruit> fruits =
        new ArrayList<>(
            List.of(
                new Fruit(3, 4, "red", true),
                new Fruit(5, 6, "green", null),
                new Fruit(7, 8, "red", false)));
    Shape shape = Shape.vector(2);
    Dataset inputs = Datasets.from(fruits, shape, fruit -> new float[] {fruit.weight, fruit.width});
    assertArrayEquals(new float[] {5, 6}, Datasets.input(inputs, 1));
    assertEquals(List.of(), inputs.targets());
    Dataset labels =
        Datasets.from(
            fruits,
            shape,
            fruit -> new float[] {fruit.weight, fruit.width},
            Target.numbers("ripe", List.of("ripe")),
            fruit -> fruit.isRipe == null ? null : new float[] {fruit.isRipe ? 1 : 0});
    assertArrayEquals(new float[] {1}, Datasets.target(labels, "ripe", 0));
    assertArrayEquals(new float[] {Float.NaN}, Datasets.target(labels, "ripe", 1));
    List<String> colors = List.of("green", "red");
    Dataset classes =
        Datasets.fromClasses(
            fruits,
            shape,
            fruit -> new float[] {fruit.weight, fruit.width},
            Target.classes("", colors),
            fruit -> colors.indexOf(fruit.color));
    assertArrayEquals(new float[] {0}, Datasets.target(classes, "", 1));
    assertTrue(classes.isStable());
    fruits.clear();
    assertEquals(3, classes.size());
    assertArrayEquals(new float[] {7, 8}, Datasets.input(classes, 2));
    assertEquals(
        "3 examples [2] with classes [green, red]: part of a list",
        Datasets.shuffle(classes, 1).toString());

    Dataset wrong = Datasets.from(List.of(1, 2), shape, number -> new float[number]);
    assertEquals(
        "input of example 0: expected 2 values, got 1",
        assertThrows(ShapeException.class, () -> Datasets.input(wrong, 0)).getMessage());
    Dataset nothing = Datasets.from(List.of(1, 2), shape, number -> null);
    assertEquals(
        "input of example 1: expected 2 values, got null",
        assertThrows(ShapeException.class, () -> Datasets.input(nothing, 1)).getMessage());
    Target numbers = Target.numbers("", 1);
    assertThrows(
        IllegalArgumentException.class,
        () -> Datasets.fromClasses(List.of(1), shape, x -> null, numbers, x -> 1));
    assertThrows(
        IllegalArgumentException.class,
        () -> Datasets.from(List.of(1), shape, x -> null, Target.classes(""), x -> null));
  }

  @Test
  void saysWhatItIs() {
    Dataset data = numbered(10);
    assertEquals("10 examples [2] with classes: an array", data.toString());
    assertEquals(
        "1 example [2] with classes: part of augmentation, seed 9, of map of an array",
        Datasets.subset(Datasets.augment(Datasets.map(data, x -> x), 9, (x, random) -> x), 4)
            .toString());
    assertEquals(
        "4 examples [1] with 2 numbers of task \"ripe\" [sweet, red] and classes of task \"kind\":"
            + " 2 parts: an array of rows",
        Datasets.concat(
                Datasets.withTargets(
                    Datasets.withoutTargets(Datasets.of(new float[2][1], new float[2][1])),
                    "ripe",
                    List.of("sweet", "red"),
                    new float[2][2]),
                Datasets.forTask(Datasets.ofClasses(new float[2][1], new int[2]), "kind"))
            .toString());
    assertEquals(
        "10 examples [2] without targets: cache of an array",
        Datasets.cache(Datasets.withoutTargets(data)).toString());
  }

  @Test
  void namesWhatIsNull() {
    String message =
        assertThrows(
                NullPointerException.class,
                () -> Datasets.of(new float[][] {{1}, null}, new float[2][1]))
            .getMessage();
    assertEquals("inputs: row of example 1", message);
    message =
        assertThrows(
                NullPointerException.class,
                () -> Datasets.of(new float[2][1], new float[][] {{1}, null}))
            .getMessage();
    assertEquals("targets: row of example 1", message);
    assertThrows(
        NullPointerException.class, () -> Datasets.of(new float[][] {null}, new float[1][1]));
    message =
        assertThrows(NullPointerException.class, () -> Datasets.concat(numbered(1), null))
            .getMessage();
    assertEquals("parts", message);
    message =
        assertThrows(
                NullPointerException.class,
                () -> Datasets.from(Arrays.asList(1, null), Shape.vector(1), x -> new float[1]))
            .getMessage();
    assertEquals("items: an item", message);
    message =
        assertThrows(
                NullPointerException.class,
                () -> Datasets.withNames(numbered(1), "", Arrays.asList("a", null)))
            .getMessage();
    assertEquals("names", message);
    message =
        assertThrows(IllegalArgumentException.class, () -> Datasets.target(numbered(1), "no", 0))
            .getMessage();
    assertEquals("task: expected that of one of the targets [classes], got \"no\"", message);
  }
}
