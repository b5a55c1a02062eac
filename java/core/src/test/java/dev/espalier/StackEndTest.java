// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Calls everything native at each of the last frames of a recursion that ends in {@link
 * StackOverflowError}. There a call gives a result, that error or a documented exception; the
 * virtual machine lives on, and nothing is left half done.
 */
class StackEndTest {
  @TempDir Path folder;

  @BeforeEach
  void skipUnderSanitizers() {
    String preloaded = System.getenv("LD_PRELOAD");
    assumeFalse(
        preloaded != null && preloaded.contains("san"), "a sanitizer makes frames far larger");
  }

  @Test
  void compiledCodeIsSafeAtTheEndOfTheStack() {
    run();
  }

  @Test
  void interpretedCodeIsSafeAtTheEndOfTheStack() {
    run("-Xint");
  }

  private void run(String... options) {
    ChildJvm.Result result =
        ChildJvm.run(Program.class, List.of(options), folder.toAbsolutePath().toString());
    assertEquals("done", result.lastLine(), result.output());
  }

  /** The program of the child. Prints what it found wrong, then "done". */
  static final class Program {
    private static final int FRAMES = 6000;

    /** Enough for {@link #FRAMES} interpreted frames and more. */
    private static final long STACK_BYTES = 4 << 20;

    /** What a call that takes longer is tried at: each frame would take minutes. */
    private static final int FRAMES_APART = 13;

    private static final long QUICK_NANOS = 40_000;

    /** And one that takes longer still. */
    private static final int SLOW_FRAMES_APART = 127;

    private static final long SLOW_NANOS = 10_000_000;

    private static final class Operation {
      final Runnable call;
      int apart;
      int results;
      int overflows;
      int refusals;

      Operation(Runnable call) {
        this.call = call;
      }
    }

    private final Map<String, Operation> operations = new LinkedHashMap<>();
    private final Dots dots = new Dots(24, 2);
    private final Network small =
        Network.builder(Shape.vector(64)).dense(64).relu().head("class", Head.classes(10)).build(1);
    private final Network network = Dots.labeller(1);
    private final Predictor smallPredictor = small.predictor();
    private final Predictor predictor =
        network.predictor(PredictorOptions.defaults().maxBatchSize(4));
    private final float[] twoRows = Arrays.copyOf(dots.pictures, 128);
    private final float[] expected = smallPredictor.predict(twoRows);

    Program(Path folder) {
      final float[] outputs = new float[expected.length];
      final byte[] pixels = new byte[128];
      final FloatBuffer inputBuffer = floats(128).put(0, twoRows);
      final FloatBuffer outputBuffer = floats(20);
      final ByteBuffer pixelBuffer = ByteBuffer.allocateDirect(128);
      final Path file = folder.resolve("saved.espalier");
      final Dataset labels = dots.labels();
      add("predict", () -> requireSame(smallPredictor.predict(twoRows)));
      add(
          "predict into an array",
          () -> {
            smallPredictor.predict(twoRows, outputs);
            requireSame(outputs);
          });
      add("predict between buffers", () -> smallPredictor.predict(inputBuffer, outputBuffer));
      add("predict pixels", () -> predictor.predictPixels(pixels));
      add(
          "predict pixels between buffers",
          () -> predictor.predictPixels(pixelBuffer, outputBuffer));
      add("predict of a wrong size", () -> predictor.predict(new float[3]));
      add("describe", predictor::describe);
      add("statistics", predictor::statistics);
      add("runtime", Espalier::describe);
      add("summary", network::summary);
      add("parameters", network::parameters);
      add("parameter", () -> network.parameter("features.weight"));
      add("freeze", () -> network.freeze("conv1").unfreeze("conv1"));
      add("freeze of a typo", () -> network.freeze("fatures"));
      add("learning rate", () -> network.learningRateScale("conv1", 1));
      add("thresholds", () -> network.setThresholds("side", 0.5, 0.5));
      add("save", () -> network.save(file));
      add("load", () -> Network.load(file).close());
      add("load of nothing", () -> Network.load(folder.resolve("none")));
      add("copy", () -> network.copy().close());
      add(
          "build",
          () -> Dots.backbone().head("side", Head.labels("low", "right")).build(1).close());
      add("predictor", () -> network.predictor().close());
      add(
          "transfer",
          () ->
              network
                  .transfer()
                  .dropHead("side")
                  .head("quarter", Head.classes(4))
                  .build(1)
                  .close());
      add("evaluate", () -> network.evaluate(labels));
      add("fit", () -> Trainer.of(network).steps(1).fit(labels));
      add("calibrate", () -> network.calibrate(labels));
      add("tune thresholds", () -> network.tuneThresholds(labels));
      addFiles(folder, file);
      addFeatures(labels, folder.resolve("checkpoints"));
    }

    private void addFiles(Path folder, Path file) {
      final Path onnx = folder.resolve("exported.onnx");
      final Path weights = folder.resolve("weights.safetensors");
      network.save(file);
      network.exportOnnx(onnx);
      network.exportSafetensors(weights, WeightMap.sameNames());
      final byte[] model = bytes(file);
      final byte[] foreign = bytes(onnx);
      final ImportOptions options = ImportOptions.defaults();
      add("export", () -> network.exportOnnx(onnx));
      add("export weights", () -> network.exportSafetensors(weights, WeightMap.sameNames()));
      add("load weights", () -> network.loadWeights(weights, WeightMap.sameNames()));
      add("import", () -> Network.importOnnx(onnx).close());
      add("import bytes", () -> Network.importOnnx(foreign, options).close());
      add("import of something else", () -> Network.importTflite(foreign, options).close());
      add("load bytes", () -> Network.load(model).close());
      add("save to a stream", () -> network.save(new ByteArrayOutputStream()));
      add("metadata", () -> network.setMetadata("key", "value"));
      add("explain", () -> network.transfer().dropHead("side").explain());
    }

    private void addFeatures(Dataset labels, Path folder) {
      final Checkpoints checkpoints = Checkpoints.in(folder).everySteps(1).keep(1).resuming();
      add("named answers", () -> predictor.predictNamed(new float[64]));
      add(
          "features",
          () -> {
            try (FeatureCache cache = FeatureCache.create()) {
              cache.features(network, "conv1", labels).readInput(0, new float[1 << 12], 0);
            }
          });
      add("checkpoints", () -> Trainer.of(network).steps(1).checkpoints(checkpoints).fit(labels));
    }

    public static void main(String[] arguments) throws Exception {
      Thread.setDefaultUncaughtExceptionHandler(
          (thread, error) -> {
            error.printStackTrace(System.out);
            Runtime.getRuntime().halt(1);
          });
      Path folder = Path.of(arguments[0]);
      Thread[] threads = {
        new Thread(null, () -> new Program(folder).run(), "deep", STACK_BYTES),
        new Thread(null, () -> fitOnLittleStack(), "small", 128 << 10)
      };
      for (Thread thread : threads) {
        thread.start();
        thread.join();
      }
      try (var left = Files.list(folder)) {
        left.filter(file -> file.getFileName().toString().contains(".tmp"))
            .forEach(file -> System.out.println("left behind: " + file));
      }
      requireNothingLeft();
      System.out.println("done");
    }

    private void run() {
      operations.forEach(
          (name, operation) -> {
            attempt(name, operation); // classes are loaded up here
            long start = System.nanoTime();
            attempt(name, operation);
            operation.apart = apart(System.nanoTime() - start);
            long handles = Espalier.liveHandles();
            long deep = System.nanoTime();
            descend(name, operation);
            System.out.printf(
                "%s: %d results, %d overflows, %d refusals, %d ms%n",
                name,
                operation.results,
                operation.overflows,
                operation.refusals,
                (System.nanoTime() - deep) / 1_000_000);
            require(operation.overflows > 0, name + ": expected some call to lack stack, got none");
            require(
                Espalier.liveHandles() == handles,
                name + ": expected " + handles + " handles, got " + Espalier.liveHandles());
            operation.overflows = 0;
            attempt(name, operation);
            require(operation.overflows == 0, name + ": does not work afterwards");
          });
      Trainer.of(network).steps(1).fit(dots.labels());
      requireSame(smallPredictor.predict(twoRows));
      for (AutoCloseable owner : List.of(smallPredictor, predictor, small, network)) {
        closeDeep(owner);
        try {
          owner.close();
        } catch (Exception error) {
          throw new AssertionError(error);
        }
      }
    }

    private static int apart(long nanos) {
      if (nanos < QUICK_NANOS) {
        return 1;
      }
      return nanos < SLOW_NANOS ? FRAMES_APART : SLOW_FRAMES_APART;
    }

    /** Returns how many frames from the end this one is. */
    private int descend(String name, Operation operation) {
      int above;
      try {
        above = descend(name, operation) + 1;
      } catch (StackOverflowError end) {
        above = 0;
      }
      if (above <= FRAMES && above % operation.apart == 0) {
        attempt(name, operation);
      }
      return above;
    }

    /** Closes first where that can't work. */
    private static int closeDeep(AutoCloseable owner) {
      int above;
      try {
        above = closeDeep(owner) + 1;
      } catch (StackOverflowError end) {
        above = 0;
      }
      if (above <= FRAMES) {
        try {
          owner.close();
        } catch (StackOverflowError end) {
          return above;
        } catch (Exception error) {
          throw new AssertionError(error);
        }
      }
      return above;
    }

    private static void attempt(String name, Operation operation) {
      try {
        operation.call.run();
        operation.results++;
      } catch (StackOverflowError end) {
        operation.overflows++;
      } catch (IllegalArgumentException | EspalierException | UncheckedIOException refusal) {
        operation.refusals++;
      }
    }

    private void requireSame(float[] outputs) {
      require(Arrays.equals(expected, outputs), "other outputs than before");
    }

    private void add(String name, Runnable call) {
      operations.put(name, new Operation(call));
    }

    private static void fitOnLittleStack() {
      try (Network network = Dots.labeller(1)) {
        Trainer.of(network).steps(1).fit(new Dots(24, 2).labels());
      } catch (StackOverflowError refusal) {
        System.out.println(refusal.getMessage());
      }
    }

    private static void requireNothingLeft() throws InterruptedException {
      Cleaning.awaitHandles(0);
      require(Espalier.liveHandles() == 0, "handles left: " + Espalier.liveHandles());
      require(Espalier.nativeBytes() == 0, "bytes left: " + Espalier.nativeBytes());
    }

    private static byte[] bytes(Path file) {
      try {
        return Files.readAllBytes(file);
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }

    private static void require(boolean holds, String what) {
      if (!holds) {
        throw new AssertionError(what);
      }
    }

    private static FloatBuffer floats(int count) {
      return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder()).asFloatBuffer();
    }
  }
}
