// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The first call of a predictor is prepared: it takes at most three times as long as later ones. In
 * fresh virtual machines, whose own warm-up is kept apart by another predictor that goes first.
 */
@Timeout(600)
class FirstCallTest {
  /** So many have to say so of each form, of as many as that takes. */
  private static final int ENOUGH_MACHINES = 3;

  private static final int MOST_MACHINES = 60;

  /** What the library may add. */
  private static final double MOST = 3;

  enum Form {
    BUFFERS,
    ARRAYS,
    PIXELS,
    SECOND_THREAD
  }

  /**
   * What the library does slows down each first call, in every machine and with every predictor;
   * what else runs on the computer only some.
   */
  @Test
  void takesAtMostThreeTimesTheMedian() {
    Map<Form, Integer> fast = new EnumMap<>(Form.class);
    Map<Form, List<String>> figures = new EnumMap<>(Form.class);
    int machines = 0;
    do {
      String[] numbers = ChildJvm.run(FirstCalls.class, List.of("-Xmx64m")).lastLine().split(" ");
      assertEquals(1 + 2 * Form.values().length, numbers.length);
      for (Form form : Form.values()) {
        long first = Long.parseLong(numbers[1 + 2 * form.ordinal()]);
        long later = Long.parseLong(numbers[2 + 2 * form.ordinal()]);
        fast.merge(form, first <= MOST * later ? 1 : 0, Integer::sum);
        figures.computeIfAbsent(form, key -> new ArrayList<>()).add(first + " of " + later);
      }
      machines++;
    } while (machines < MOST_MACHINES && Collections.min(fast.values()) < ENOUGH_MACHINES);
    System.out.println("first calls, and later ones, in ns: " + figures);
    assertTrue(Collections.min(fast.values()) >= ENOUGH_MACHINES, figures::toString);
  }

  /**
   * The virtual machine tells when it looks a native function up: for no form after the warm-up.
   */
  @Test
  void noFormLinksItsFunctionLater() {
    List<String> lines =
        ChildJvm.run(EachForm.class, List.of("-Xmx64m", "-Xlog:jni+resolve=debug"))
            .output()
            .lines()
            .toList();
    int made = lines.indexOf(EachForm.MADE);
    String linked = "Bridge.predictor";
    assertTrue(lines.subList(0, made).stream().anyMatch(line -> line.contains(linked)));
    assertEquals(
        List.of(),
        lines.subList(made, lines.size()).stream().filter(l -> l.contains(linked)).toList());
    assertEquals(EachForm.CALLED, lines.get(lines.size() - 1));
  }

  /** Calls each form once. */
  static final class EachForm {
    static final String MADE = "made";
    static final String CALLED = "called";

    public static void main(String[] arguments) {
      FloatBuffer input = FirstCalls.direct(64);
      FloatBuffer output = FirstCalls.direct(2);
      Predictor predictor;
      try (Network network = Dots.labeller(1)) {
        predictor = network.predictor();
      }
      System.out.println(MADE);
      predictor.predict(input, output);
      predictor.predict(new float[64]);
      predictor.predictPixels(ByteBuffer.allocateDirect(64), output);
      predictor.predictPixels(new byte[64]);
      System.out.println(CALLED);
    }
  }

  /** The first predictor of a virtual machine may be one that takes no pixels. */
  @Test
  void aPredictorOfIntegersMayBeTheFirst() {
    assertEquals("0.5", ChildJvm.run(OfIntegers.class, List.of("-Xmx64m")).lastLine());
  }

  /** Predicts from ids, in a network that answers 0.5 whatever they are. */
  static final class OfIntegers {
    public static void main(String[] arguments) {
      try (Network network =
              Network.builder(Input.integers("ids", Shape.vector(3)))
                  .embedding("words", 5, 2, LayerOptions.defaults())
                  .head("known", Head.labels("yes"))
                  .build(1)
                  .setParameter("heads.known.dense.weight", new float[6])
                  .setParameter("heads.known.dense.bias", new float[1]);
          Predictor predictor = network.predictor()) {
        InputValues ids = InputValues.of("ids", 1, 2, 3);
        System.out.println(predictor.predictNamed(ids).values("known")[0]);
      }
    }
  }

  /** Prints the cold first call, then for each form the first call and the median later one. */
  static final class FirstCalls {
    private static final int INPUT = 784;
    private static final int BATCH = 64;
    private static final int LATER = 1000;
    private static final int LATER_THREADS = 31;
    private static final int WARM_UP = 3000;

    /** So many each have a first call, and the shortest counts: see {@link #shortest}. */
    private static final int PREDICTORS = 3;

    private final FloatBuffer input = direct(INPUT);
    private final FloatBuffer output = direct(10);
    private final float[] inputArray = new float[INPUT];
    private final float[] outputArray = new float[10];
    private final ByteBuffer pixels = ByteBuffer.allocateDirect(INPUT);
    private final FloatBuffer batchInput = direct(BATCH * INPUT);
    private final FloatBuffer batchOutput = direct(BATCH * 10);

    public static void main(String[] arguments) throws InterruptedException {
      new FirstCalls().run();
    }

    private static FloatBuffer direct(int size) {
      return ByteBuffer.allocateDirect(4 * size).order(ByteOrder.nativeOrder()).asFloatBuffer();
    }

    private static Network network(int width) {
      return Network.builder(Shape.vector(INPUT))
          .dense(width)
          .relu()
          .dense(128)
          .relu()
          .head("output", Head.classes(10))
          .build(1);
    }

    private void run() throws InterruptedException {
      List<Long> figures = new ArrayList<>();
      try (Network other = network(64);
          Predictor predictor = other.predictor()) {
        figures.add(nanos(predictor, Form.BUFFERS));
        for (int i = 0; i < WARM_UP; i++) {
          for (Form form : Form.values()) {
            nanos(predictor, form);
          }
        }
        beside(predictor);
      }
      try (Network network = network(256)) {
        for (Form form : List.of(Form.BUFFERS, Form.ARRAYS, Form.PIXELS)) {
          figures.addAll(
              shortest(
                  network,
                  predictor -> List.of(nanos(predictor, form), medianLater(predictor, form))));
        }
        figures.addAll(shortest(network, this::secondThread));
      }
      figures.forEach(figure -> System.out.print(figure + " "));
      System.out.println();
    }

    private interface Trial {
      /** The first call, and the median later one. */
      List<Long> run(Predictor predictor) throws InterruptedException;
    }

    /**
     * The trial, of several predictors, with the shortest first call. A thread that is moved to
     * another CPU between making a predictor and calling it, or gives way to a compiler of the
     * virtual machine, finds caches cold: 60 µs for 20.
     */
    private static List<Long> shortest(Network network, Trial trial) throws InterruptedException {
      List<List<Long>> trials = new ArrayList<>();
      for (int i = 0; i < PREDICTORS; i++) {
        try (Predictor predictor = network.predictor()) {
          trials.add(trial.run(predictor));
        }
      }
      return Collections.min(trials, Comparator.comparing(figures -> figures.get(0)));
    }

    private long medianLater(Predictor predictor, Form form) {
      long[] later = new long[LATER];
      for (int i = 0; i < LATER; i++) {
        later[i] = nanos(predictor, form);
      }
      Arrays.sort(later);
      return later[LATER / 2];
    }

    private long nanos(Predictor predictor, Form form) {
      long start = System.nanoTime();
      switch (form) {
        case BUFFERS, SECOND_THREAD -> predictor.predict(input, output);
        case ARRAYS -> predictor.predict(inputArray, outputArray);
        case PIXELS -> predictor.predictPixels(pixels, output);
      }
      return System.nanoTime() - start;
    }

    /**
     * The first call of the first thread that comes while another one is inside, and the median of
     * those of threads that come later: caches of another CPU, which are cold for each of them, are
     * not the library's doing. Buffers would be, so there must be some already.
     */
    private List<Long> secondThread(Predictor predictor) throws InterruptedException {
      long prepared = predictor.statistics().workspaces();
      long first = beside(predictor);
      long[] later = new long[LATER_THREADS];
      for (int i = 0; i < LATER_THREADS; i++) {
        later[i] = beside(predictor);
      }
      Arrays.sort(later);
      long made = predictor.statistics().workspaces() - prepared;
      if (prepared != Espalier.threads() || (prepared > 1 && made > 0)) {
        throw new AssertionError(prepared + " sets of buffers, then " + made + " more");
      }
      return List.of(first, later[LATER_THREADS / 2]);
    }

    private long beside(Predictor predictor) throws InterruptedException {
      AtomicBoolean isInside = new AtomicBoolean();
      AtomicBoolean isOver = new AtomicBoolean();
      long[] first = new long[1];
      Thread second =
          new Thread(
              () -> {
                while (!isInside.get()) {
                  Thread.onSpinWait();
                }
                first[0] = nanos(predictor, Form.SECOND_THREAD);
                isOver.set(true);
              });
      second.start();
      isInside.set(true);
      while (!isOver.get()) {
        predictor.predict(batchInput, batchOutput);
      }
      second.join();
      return first[0];
    }
  }
}
