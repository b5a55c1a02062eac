// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Data sets of users that do not keep what they promise are refused; nothing stale is trained. */
class DatasetPromisesTest {
  /** 30 examples of 4 inputs and 3 labels; each test breaks one promise. */
  private static class Honest implements Dataset {
    @Override
    public int size() {
      return 30;
    }

    @Override
    public Shape inputShape() {
      return Shape.vector(4);
    }

    @Override
    public void readInput(int index, float[] destination, int offset) {
      for (int j = 0; j < inputShape().size(); j++) {
        destination[offset + j] = index % 3 == j ? 1 : 0;
      }
    }

    @Override
    public List<Target> targets() {
      return List.of(Target.numbers("", 3));
    }

    @Override
    public boolean readTarget(String task, int index, float[] destination, int offset) {
      for (int j = 0; j < targets().get(0).width(); j++) {
        destination[offset + j] = index % 3 == j ? 1 : 0;
      }
      return true;
    }
  }

  private static String refusal(Class<? extends RuntimeException> type, Dataset data) {
    try (Network network =
        Network.builder(Shape.vector(4)).head("label", Head.labels("a", "b", "c")).build(1)) {
      Trainer trainer = Trainer.of(network).batchSize(7).epochs(3);
      return assertThrows(type, () -> trainer.fit(data)).getMessage();
    }
  }

  private static Dataset viewing(Dataset view) {
    return new Honest() {
      @Override
      public Dataset atEpoch(int epoch) {
        return epoch == 0 ? this : view;
      }
    };
  }

  @Test
  void aViewHasToBeOfTheSameForm() {
    Dataset honest = new Honest();
    assertEquals(
        "atEpoch(1): expected inputs [4] as before, got [2]",
        refusal(
            ShapeException.class,
            viewing(Datasets.map(honest, Shape.vector(2), x -> new float[] {x[0], x[1]}))));
    assertEquals(
        "atEpoch(1): expected the targets of before, [3 numbers], got [2 numbers]",
        refusal(
            IllegalStateException.class,
            viewing(Datasets.withTargets(honest, "", new float[30][2]))));
    assertEquals(
        "atEpoch(1): expected the targets of before, [3 numbers], got []",
        refusal(IllegalStateException.class, viewing(Datasets.withoutTargets(honest))));
    assertEquals(
        "atEpoch(1): expected the targets of before, [3 numbers], got [3 numbers [c, b, a]]",
        refusal(
            IllegalStateException.class,
            viewing(Datasets.withNames(honest, "", List.of("c", "b", "a")))));
    assertEquals(
        "atEpoch(1): expected the 30 examples of before, got 29",
        refusal(IllegalStateException.class, viewing(Datasets.range(honest, 0, 29))));
    assertEquals(
        "atEpoch(1): expected a data set, got null",
        refusal(IllegalStateException.class, viewing(null)));
  }

  @Test
  void aViewBelowOthersHasToBeOfTheSameForm() {
    Dataset honest = new Honest();
    Dataset small = viewing(Datasets.map(honest, Shape.vector(2), x -> new float[] {x[0], x[1]}));
    String expected = "atEpoch(1): expected inputs [4] as before, got [2]";
    // Each gives inputs of the right size, whatever it gets.
    UnaryOperator<float[]> padded = x -> Arrays.copyOf(x, 4);
    assertEquals(expected, refusal(ShapeException.class, Datasets.map(small, padded)));
    assertEquals(
        expected,
        refusal(ShapeException.class, Datasets.augment(small, 1, (x, random) -> padded.apply(x))));
    assertEquals(expected, refusal(ShapeException.class, Datasets.shuffle(small, 1)));
    assertEquals(expected, refusal(ShapeException.class, Datasets.concat(honest, small)));
    assertEquals(
        "atEpoch(1): expected the 30 examples of before, got 29",
        refusal(
            IllegalStateException.class,
            Datasets.shuffle(viewing(Datasets.range(honest, 0, 29)), 1)));
    assertEquals(
        "atEpoch(1): expected a data set, got null",
        refusal(IllegalStateException.class, Datasets.shuffle(viewing(null), 1)));
  }

  @Test
  void aSizeThatGrowsIsNamedWithBothNumbers() {
    Dataset growing =
        new Honest() {
          @Override
          public Dataset atEpoch(int epoch) {
            size = 31;
            return this;
          }

          private int size = 30;

          @Override
          public int size() {
            return size;
          }
        };
    assertEquals(
        "atEpoch(0): expected the 30 examples of before, got 31",
        refusal(IllegalStateException.class, growing));
  }

  @Test
  void inputsLeftOutAreNotThoseOfTheExampleBefore() {
    Dataset partial =
        new Honest() {
          @Override
          public void readInput(int index, float[] destination, int offset) {
            super.readInput(index, destination, offset);
            if (index == 11) {
              destination[offset + 3] = Float.NaN;
            }
          }
        };
    List<Dataset> all = new ArrayList<>();
    all.add(partial);
    all.add(
        new Honest() {
          @Override
          public void readInput(int index, float[] destination, int offset) {
            if (index == 11) {
              destination[offset] = 1; // and nothing else
            } else {
              super.readInput(index, destination, offset);
            }
          }
        });
    for (Dataset data : all) {
      assertEquals(
          "example 11: expected finite inputs, got NaN or an infinity, or readInput wrote nothing",
          refusal(NonFiniteException.class, data));
    }
  }

  @Test
  void targetsLeftOutAreNotThoseOfTheExampleBefore() {
    Dataset labels =
        new Honest() {
          @Override
          public boolean readTarget(String task, int index, float[] destination, int offset) {
            if (index != 11) {
              return super.readTarget(task, index, destination, offset);
            }
            destination[offset] = 1;
            return true;
          }
        };
    assertEquals(
        "task \"label\", example 11: expected 0 to 1, or NaN for \"b\", got Infinity, or readTarget"
            + " wrote nothing",
        refusal(IllegalArgumentException.class, labels));
    assertEquals(
        refusal(IllegalArgumentException.class, labels),
        refusal(IllegalArgumentException.class, Datasets.cache(labels)));
    Dataset classes =
        new Honest() {
          @Override
          public List<Target> targets() {
            return List.of(Target.classes(""));
          }

          @Override
          public boolean readTarget(String task, int index, float[] destination, int offset) {
            if (index != 11) {
              destination[offset] = index % 2;
            }
            return true;
          }
        };
    try (Network network = Network.builder(Shape.vector(4)).head("odd", Head.classes(2)).build(1)) {
      assertEquals(
          "task \"odd\", example 11: expected a class from 0 to 1, or -1, got Infinity, or"
              + " readTarget wrote nothing",
          assertThrows(IllegalArgumentException.class, () -> Trainer.of(network).fit(classes))
              .getMessage());
    }
  }

  @Test
  void nullsAreNamed() {
    Dataset noTargets =
        new Honest() {
          @Override
          public List<Target> targets() {
            return null;
          }
        };
    assertEquals("data: targets()", refusal(NullPointerException.class, noTargets));
    Dataset nullTarget =
        new Honest() {
          @Override
          public List<Target> targets() {
            List<Target> list = new ArrayList<>();
            list.add(null);
            return list;
          }
        };
    assertEquals("data: an entry of targets()", refusal(NullPointerException.class, nullTarget));
    Dataset noShape =
        new Honest() {
          @Override
          public Shape inputShape() {
            return null;
          }
        };
    assertEquals("data: inputShape()", refusal(NullPointerException.class, noShape));
    Dataset twice =
        new Honest() {
          @Override
          public List<Target> targets() {
            return List.of(Target.numbers("label", 3), Target.numbers("label", 3));
          }
        };
    String message = refusal(IllegalArgumentException.class, twice);
    assertTrue(message.endsWith("got 3 numbers of task \"label\" twice"), message);
  }
}
