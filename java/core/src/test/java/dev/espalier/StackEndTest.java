// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.io.ByteArrayOutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Calls the public API at the last frames of a recursion that ends in {@link StackOverflowError}.
 * There a call gives a result, that error or a documented exception; the virtual machine lives on,
 * and nothing is left half done. Most calls are tried at each frame, long ones at some; {@link
 * BridgeStackEndTest} tries each native function of which they consist at all frames.
 */
class StackEndTest {
  @TempDir Path folder;

  @Test
  void compiledCodeIsSafeAtTheEndOfTheStack() {
    StackEnd.run(Program.class, folder);
  }

  @Test
  void interpretedCodeIsSafeAtTheEndOfTheStack() {
    StackEnd.run(Program.class, folder, "-Xint");
  }

  /** The program of the child. Prints what each call came to, then "done". */
  static final class Program {
    /**
     * What takes no longer is tried at each frame, and what does, at as few as cost the same: a fit
     * takes milliseconds where it is interpreted.
     */
    private static final long QUICK_NANOS = 100_000;

    private static final int TRIALS = 5;

    private static final Set<String> REFUSED =
        Set.of(
            "predict of a wrong size",
            "freeze of a typo",
            "load of nothing",
            "import of something else");

    private static final Shape PICTURE = Shape.image(1, 4, 4);

    private final Map<String, Runnable> calls = new LinkedHashMap<>();
    private final Dataset labels =
        Datasets.of(new float[4 * 16], PICTURE, new float[][] {{0, 1}, {1, 0}, {1, 1}, {0, 0}});
    private final Network small =
        Network.builder(Shape.vector(64)).dense(64).relu().head("class", Head.classes(10)).build(1);
    private final Network network = network();
    private final Network grafted = network();
    private final Predictor smallPredictor = small.predictor();
    private final Predictor predictor =
        network.predictor(PredictorOptions.defaults().maxBatchSize(4).otherShapes(1));
    private final BatchingPredictor batching =
        BatchingPredictor.of(predictor, BatchingOptions.defaults());
    private final float[] twoRows = new float[128];
    private final float[] expected;

    Program(Path folder) {
      for (int i = 0; i < twoRows.length; i++) {
        twoRows[i] = (float) Math.sin(i);
      }
      expected = smallPredictor.predict(twoRows);
      grafted.freeze("conv", "pool");
      addPredictions();
      addNetwork();
      addFiles(folder);
      addTraining(folder.resolve("checkpoints"));
    }

    private static Network network() {
      return builder().head("side", Head.labels("low", "right")).build(1);
    }

    private static NetworkBuilder builder() {
      return Network.builder(PICTURE).conv2d("conv", 2, 3).globalAveragePool2d("pool");
    }

    private void addPredictions() {
      final float[] outputs = new float[expected.length];
      final float[] picture = new float[16];
      final byte[] pixels = new byte[32];
      final FloatBuffer inputBuffer = floats(128).put(0, twoRows);
      final FloatBuffer outputBuffer = floats(20);
      final ByteBuffer pixelBuffer = ByteBuffer.allocateDirect(32);
      final Shape wide = Shape.image(1, 4, 6);
      calls.put("predict", () -> requireSame(smallPredictor.predict(twoRows)));
      calls.put(
          "predict into an array",
          () -> {
            smallPredictor.predict(twoRows, outputs);
            requireSame(outputs);
          });
      calls.put("predict between buffers", () -> smallPredictor.predict(inputBuffer, outputBuffer));
      calls.put("predict pixels", () -> predictor.predictPixels(pixels));
      calls.put(
          "predict pixels between buffers",
          () -> predictor.predictPixels(pixelBuffer, outputBuffer));
      calls.put("predict of a wrong size", () -> predictor.predict(new float[3]));
      calls.put("named answers", () -> predictor.predictNamed(picture));
      calls.put("predict of a data set", () -> predictor.predict(labels));
      calls.put("describe", predictor::describe);
      calls.put("statistics", predictor::statistics);
      calls.put("another shape", () -> predictor.forShape(wide).close());
      calls.put("batching", () -> batching.predict(picture));
      calls.put("batching of pixels", () -> batching.predictPixels(pixels));
      calls.put("batching with names", () -> batching.predictNamed(picture));
      calls.put("batching later", () -> batching.submit(picture).join());
      calls.put("batching statistics", batching::statistics);
      calls.put("swap", () -> batching.swap(predictor));
    }

    private void addNetwork() {
      calls.put("runtime", Espalier::describe);
      calls.put("summary", network::summary);
      calls.put("parameters", network::parameters);
      calls.put("parameter", () -> network.parameter("conv.weight"));
      calls.put("freeze", () -> network.freeze("conv").unfreeze("conv"));
      calls.put("freeze of a typo", () -> network.freeze("covn"));
      calls.put("learning rate", () -> network.learningRateScale("conv", 1));
      calls.put("thresholds", () -> network.setThresholds("side", 0.5, 0.5));
      calls.put("metadata", () -> network.setMetadata("key", "value"));
      calls.put("copy", () -> network.copy().close());
      calls.put("build", () -> network().close());
      calls.put("predictor", () -> network.predictor().close());
      calls.put(
          "transfer",
          () ->
              network
                  .transfer()
                  .dropHead("side")
                  .head("quarter", Head.classes(4))
                  .build(1)
                  .close());
      calls.put("explain", () -> network.transfer().dropHead("side").explain());
    }

    private void addFiles(Path folder) {
      final Path file = folder.resolve("saved.espalier");
      final Path onnx = folder.resolve("exported.onnx");
      final Path weights = folder.resolve("weights.safetensors");
      network.save(file);
      network.exportOnnx(onnx);
      network.exportSafetensors(weights, WeightMap.sameNames());
      final byte[] model = StackEnd.bytes(file);
      final byte[] foreign = StackEnd.bytes(onnx);
      final ImportOptions options = ImportOptions.defaults();
      calls.put("save", () -> network.save(file));
      calls.put("load", () -> Network.load(file).close());
      calls.put("load of nothing", () -> Network.load(folder.resolve("none")));
      calls.put("load a predictor", () -> Predictor.load(file).close());
      calls.put("load bytes", () -> Network.load(model).close());
      calls.put("save to a stream", () -> network.save(new ByteArrayOutputStream()));
      calls.put("export", () -> network.exportOnnx(onnx));
      calls.put("export weights", () -> network.exportSafetensors(weights, WeightMap.sameNames()));
      calls.put("load weights", () -> network.loadWeights(weights, WeightMap.sameNames()));
      calls.put("import", () -> Network.importOnnx(onnx).close());
      calls.put("import bytes", () -> Network.importOnnx(foreign, options).close());
      calls.put("import of something else", () -> Network.importTflite(foreign, options).close());
    }

    private void addTraining(Path folder) {
      final Checkpoints checkpoints = Checkpoints.in(folder).everySteps(1).keep(1).resuming();
      final Loss loss = Program::squares;
      calls.put("evaluate", () -> network.evaluate(labels));
      calls.put("calibrate", () -> network.calibrate(labels));
      calls.put("tune thresholds", () -> network.tuneThresholds(labels));
      calls.put("fit", () -> Trainer.of(network).steps(1).fit(labels));
      calls.put(
          "fit by an own loss", () -> Trainer.of(network).loss("side", loss).steps(1).fit(labels));
      calls.put(
          "fit of a head by an own loss",
          () -> Trainer.of(grafted).loss("side", loss).steps(1).validation(labels).fit(labels));
      calls.put(
          "fit in stages",
          () ->
              Trainer.of(network)
                  .stages(Stage.asItIs().steps(1), Stage.unfreezing("conv").steps(1))
                  .averageWeights(0.9)
                  .validation(labels)
                  .keepBest()
                  .fit(labels));
      calls.put("steps in shards", this::stepInShards);
      calls.put(
          "features",
          () -> {
            try (FeatureCache cache = FeatureCache.create()) {
              cache.features(network, "conv", labels).readInput(0, new float[32], 0);
            }
          });
      calls.put(
          "fit and evaluate with shared features",
          () -> {
            try (FeatureCache cache = FeatureCache.create()) {
              Trainer.of(grafted).featureCache(cache).steps(1).fit(labels);
              cache.evaluate(grafted, labels);
            }
          });
      calls.put(
          "checkpoints", () -> Trainer.of(network).steps(1).checkpoints(checkpoints).fit(labels));
    }

    private void stepInShards() {
      final int[] shard = {0, 1, 2, 3};
      try (DataParallelTrainer trainer =
          DataParallelTrainer.of(Trainer.of(network).steps(1), labels, shard.length)) {
        long[] totals = new long[trainer.totalsSize()];
        trainer.addTotals(shard, totals);
        trainer.apply(totals, trainer.gradients(totals, 0, shard));
      }
    }

    private static double squares(LossBatch batch) {
      double sum = 0;
      for (int i = 0; i < batch.logits().length; i++) {
        double difference = batch.logits()[i] - batch.targets()[i];
        batch.gradients()[i] = (float) difference;
        sum += 0.5 * difference * difference;
      }
      return sum;
    }

    private void run() {
      calls.forEach(this::descend);
      Trainer.of(network).steps(1).fit(labels);
      requireSame(smallPredictor.predict(twoRows));
      List<AutoCloseable> owners =
          List.of(batching, smallPredictor, predictor, small, network, grafted);
      for (AutoCloseable owner : owners) {
        Runnable close = () -> close(owner);
        new StackEnd(() -> {}, close).descend(1);
        close.run();
      }
    }

    private void descend(String name, Runnable call) {
      StackEnd end = new StackEnd(() -> {}, call);
      end.attempt(); // classes are loaded up here
      long nanos = Long.MAX_VALUE;
      for (int i = 0; i < TRIALS; i++) {
        long start = System.nanoTime();
        end.attempt();
        nanos = Math.min(nanos, System.nanoTime() - start);
      }
      int apart = (int) Math.max(1, nanos / QUICK_NANOS);
      long handles = Espalier.liveHandles();
      long deep = System.nanoTime();
      end.descend(apart);
      System.out.printf(
          "%s: a frame of %d, %d results, %d overflows, %d refusals, %d ms%n",
          name,
          apart,
          end.results(),
          end.overflows(),
          end.refusals().size(),
          (System.nanoTime() - deep) / 1_000_000);
      StackEnd.require(end.overflows() > 0, name + ": expected some call to lack stack, got none");
      for (RuntimeException refusal : end.refusals()) {
        StackEnd.require(
            REFUSED.contains(name) && isDocumented(refusal), name + ": got " + refusal);
      }
      final int tried = end.results() + end.refusals().size();
      boolean isTried = REFUSED.contains(name) ? !end.refusals().isEmpty() : end.results() > 0;
      StackEnd.require(isTried, name + ": expected some call to end, got none");
      StackEnd.require(
          Espalier.liveHandles() == handles,
          name + ": expected " + handles + " handles, got " + Espalier.liveHandles());
      end.attempt();
      StackEnd.require(
          end.results() + end.refusals().size() > tried, name + ": does not work afterwards");
    }

    private static boolean isDocumented(RuntimeException refusal) {
      return refusal instanceof IllegalArgumentException
          || refusal instanceof EspalierException
          || refusal instanceof UncheckedIOException;
    }

    private static void close(AutoCloseable owner) {
      try {
        owner.close();
      } catch (Exception error) {
        throw new AssertionError(error);
      }
    }

    private void requireSame(float[] outputs) {
      StackEnd.require(Arrays.equals(expected, outputs), "other outputs than before");
    }

    private static void fitOnLittleStack() {
      try (Network network = network()) {
        Trainer.of(network).steps(1).fit(Datasets.of(new float[16], PICTURE, new float[1][2]));
      } catch (StackOverflowError refusal) {
        System.out.println(refusal.getMessage());
      }
    }

    public static void main(String[] arguments) throws Exception {
      Path folder = Path.of(arguments[0]);
      Thread small = new Thread(null, Program::fitOnLittleStack, "small", 128 << 10);
      small.start();
      small.join();
      StackEnd.runProgram(folder, () -> new Program(folder).run());
      System.out.println("done");
    }

    private static FloatBuffer floats(int count) {
      return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder()).asFloatBuffer();
    }
  }
}
