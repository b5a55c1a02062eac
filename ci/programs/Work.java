// SPDX-License-Identifier: Apache-2.0
import dev.espalier.BatchingOptions;
import dev.espalier.BatchingPredictor;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Espalier;
import dev.espalier.Head;
import dev.espalier.NativeMemoryException;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.Shape;
import dev.espalier.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** What a service does, with convolutions: one verb after the other, each with a line. */
public class Work {
  private static final Shape IMAGE = Shape.image(3, 32, 32);
  private static final int COUNT = 64;

  public static void main(String[] arguments) throws IOException {
    for (String verb : arguments) {
      String[] words = verb.split("=");
      switch (words[0]) {
        case "threads" -> Espalier.setThreads(Integer.parseInt(words[1]));
        case "images" -> images(Path.of(words[1]));
        case "small" -> small();
        case "products" -> products();
        case "large" -> large();
        case "hoard" -> hoard();
        case "refusal" -> refusal();
        default -> throw new IllegalArgumentException(verb);
      }
    }
  }

  /** Trains, saves, loads and predicts, from floats and from pixels, alone and in a batch. */
  private static void images(Path model) throws IOException {
    byte[] pixels = new byte[COUNT * 3072];
    new Random(1).nextBytes(pixels);
    float[] inputs = new float[pixels.length];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = pixels[i] & 0xff;
    }
    int[] classes = new int[COUNT];
    Arrays.setAll(classes, i -> i % 2);
    try (Network network =
        Network.builder(IMAGE)
            .normalize(128, 64)
            .conv2d("first", 32, 3)
            .relu()
            .conv2d("second", 64, 3)
            .relu()
            .maxPool2d(2)
            .dense("third", 64)
            .head("x", Head.classes(2))
            .build(1)) {
      Trainer.of(network).epochs(1).batchSize(32).fit(Datasets.ofClasses(inputs, IMAGE, classes));
      network.save(model);
    }
    PredictorOptions options = PredictorOptions.defaults().pixels(1, 0);
    try (Network network = Network.load(model);
        Predictor predictor = network.predictor(options)) {
      float[] batch = predictor.predict(inputs);
      float[] single = predictor.predict(Arrays.copyOf(inputs, 3072));
      if (!Arrays.equals(batch, predictor.predictPixels(pixels))
          || !Arrays.equals(single, Arrays.copyOf(batch, 2))) {
        throw new AssertionError(Arrays.toString(batch));
      }
      System.out.println(
          "images: " + Espalier.threads() + " wanted, " + threads() + " threads of the system");
    }
    maps();
  }

  /** An exception of the library's, which passes through its own frames. */
  private static void refusal() throws IOException {
    Path file = Files.createTempFile("no", "model");
    try (Network network = Network.load(file)) {
      throw new AssertionError(network.summary());
    } catch (RuntimeException refused) {
      System.out.println("refusal: " + refused.getClass().getSimpleName());
    } finally {
      Files.delete(file);
    }
  }

  /** A thousand small predictions. */
  private static void small() throws IOException {
    try (Network network =
            Network.builder(Shape.vector(784))
                .dense(256)
                .relu()
                .head("x", Head.classes(10))
                .build(1);
        Predictor predictor = network.predictor()) {
      long before = threads();
      for (int i = 0; i < 1000; i++) {
        predictor.predict(new float[784]);
      }
      System.out.println("small: " + (threads() - before) + " threads more");
    }
    maps();
  }

  /** One step of matrix products that OpenBLAS serves. */
  private static void products() throws IOException {
    int size = 2048;
    Shape shape = Shape.vector(size);
    try (Network network =
        Network.builder(shape).dense(size).relu().head("x", Head.classes(2)).build(1)) {
      Dataset data = Datasets.ofClasses(new float[size * size], shape, new int[size]);
      Trainer.of(network).steps(1).batchSize(size).fit(data);
    }
    maps();
  }

  /** A model of 500 MB, which a limit may refuse but not kill; then a small one. */
  private static void large() throws IOException {
    try (Network network =
        Network.builder(Shape.vector(11200)).dense(11200).head("x", Head.classes(2)).build(1)) {
      System.out.println("large: " + (network.nativeBytes() >> 20) + " MB");
    } catch (NativeMemoryException refused) {
      System.out.println("large: " + refused);
    }
    small();
  }

  /** Takes all threads that the system gives, then none; with and without the library wants one. */
  private static void hoard() {
    List<Thread> hoarded = takeThreads();
    refused(() -> tiny().close());
    giveBack(hoarded);
    try (Network network = tiny();
        Predictor predictor = network.predictor()) {
      hoarded = takeThreads();
      refused(() -> BatchingPredictor.of(predictor, BatchingOptions.defaults()));
      giveBack(hoarded);
      try (BatchingPredictor batching =
          BatchingPredictor.of(predictor, BatchingOptions.defaults())) {
        batching.predict(new float[3]);
        System.out.println("hoard: answers");
      }
    }
  }

  private static Network tiny() {
    return Network.builder(Shape.vector(3)).head("x", Head.classes(2)).build(1);
  }

  private static void refused(Runnable action) {
    try {
      action.run();
      System.out.println("hoard: done");
    } catch (RuntimeException | Error error) {
      System.out.println("hoard: " + error.getClass().getSimpleName());
    }
  }

  private static List<Thread> takeThreads() {
    List<Thread> threads = new ArrayList<>();
    while (true) {
      Thread thread = new Thread(() -> LockSupport.park());
      thread.setDaemon(true);
      try {
        thread.start();
      } catch (OutOfMemoryError none) {
        return threads;
      }
      threads.add(thread);
    }
  }

  private static void giveBack(List<Thread> threads) {
    for (Thread thread : threads) {
      LockSupport.unpark(thread);
      try {
        thread.join();
      } catch (InterruptedException interruption) {
        throw new AssertionError(interruption);
      }
    }
  }

  private static long threads() throws IOException {
    try (var tasks = Files.list(Path.of("/proc/self/task"))) {
      return tasks.count();
    }
  }

  private static void maps() throws IOException {
    boolean isThere = Files.readString(Path.of("/proc/self/maps")).contains("libopenblas");
    System.out.println("OpenBLAS: " + (isThere ? "loaded" : "not loaded"));
  }
}
