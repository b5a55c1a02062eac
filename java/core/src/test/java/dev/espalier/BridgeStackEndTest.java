// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Calls every native function of the bridge, bare, at each of the last frames of a recursion that
 * ends in {@link StackOverflowError}. {@link StackEndTest} does so with the public API, which for
 * most of them asks for more stack than they need.
 */
class BridgeStackEndTest {
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
    private static final int EXAMPLES = 4;
    private static final int INPUTS = 16;
    private static final int LABELS = 2;
    private static final int ERROR = 3;
    private static final String BIAS = "heads.side.dense.bias";
    private static final String SPEC =
        """
        {"input": [1, 4, 4],
         "layers": [{"kind": "conv2d", "name": "conv",
                     "attributes": {"channels": 2, "kernel": 3}},
                    {"kind": "global_average_pool2d", "name": "pool"}],
         "heads": [{"name": "side", "task": {"kind": "labels", "labels": ["low", "right"]}}]}
        """;
    private static final String TRANSFER =
        """
        {"drop_heads": ["side"],
         "heads": [{"name": "other", "task": {"kind": "classes", "labels": ["a", "b"]}}]}
        """;

    private final Map<String, Runnable> calls = new TreeMap<>();

    /** What a call has made, which the next one closes: a call may lack the stack for it. */
    private final long[] made = new long[3];

    private final List<Long> owned = new ArrayList<>();
    private final List<Long> trainers = new ArrayList<>();
    private final FloatBuffer inputBuffer = floats(EXAMPLES * INPUTS);
    private final FloatBuffer outputBuffer = floats(1 << 10);
    private final ByteBuffer pixelBuffer = ByteBuffer.allocateDirect(EXAMPLES * INPUTS);
    private final FloatBuffer labelBuffer = floats(EXAMPLES * LABELS);
    private final long inputs = Bridge.bufferAddress(inputBuffer);
    private final long outputs = Bridge.bufferAddress(outputBuffer);
    private final long[] targets = {Bridge.bufferAddress(labelBuffer)};
    private final long[] masks = {0};
    private final long[] examples = {0, 1, 2, 3};
    private final double[] results = new double[6];
    private final float[] values = new float[EXAMPLES * INPUTS];
    private final byte[] bytes = new byte[1 << 16];
    private final long network = own(Bridge.networkBuild(SPEC, 1));

    Program(Path folder) {
      addRuntime();
      addNetwork();
      addFiles(folder);
      addSteps();
      addRest(folder.resolve("checkpoint").toString());
      addCached();
      addFeatures();
      addPredictor();
    }

    private void addRuntime() {
      final int threads = Bridge.threadCount();
      final long budget = Bridge.nativeBytesBudget();
      calls.put("setThreadCount", () -> Bridge.setThreadCount(threads));
      calls.put("threadCount", Bridge::threadCount);
      calls.put("cpuTarget", Bridge::cpuTarget);
      calls.put("describeRuntime", Bridge::describeRuntime);
      calls.put("nativeBytes", Bridge::nativeBytes);
      calls.put("nativeBytesBudget", Bridge::nativeBytesBudget);
      calls.put("setNativeBytesBudget", () -> Bridge.setNativeBytesBudget(budget));
      calls.put("liveHandles", Bridge::liveHandles);
      calls.put("stackBytesLeft", Bridge::stackBytesLeft);
      calls.put("setOpenBlasPath", () -> Bridge.setOpenBlasPath(""));
      calls.put("throwError", () -> Bridge.throwError(ERROR));
      calls.put("errorCodeCount", Bridge::errorCodeCount);
      calls.put("errorCodeName", () -> Bridge.errorCodeName(ERROR));
      calls.put("bufferAddress", () -> Bridge.bufferAddress(inputBuffer));
      calls.put(
          "closeHandle",
          () -> {
            made[0] = Bridge.networkClone(network);
            Bridge.closeHandle(made[0]);
          });
      calls.put("handleBytes", () -> Bridge.handleBytes(network));
    }

    private void addNetwork() {
      final double[] thresholds = {0.25, 0.75};
      final double[] ones = {1, 1};
      final double[] nothing = {0, 0};
      final float[] bias = new float[LABELS];
      calls.put("networkBuild", () -> made[0] = Bridge.networkBuild(SPEC, 1));
      calls.put("networkSpec", () -> Bridge.networkSpec(network));
      calls.put("networkDescribe", () -> Bridge.networkDescribe(network));
      calls.put("networkParameters", () -> Bridge.networkParameters(network));
      calls.put("networkParameterSize", () -> Bridge.networkParameterSize(network, BIAS));
      calls.put(
          "networkReadParameter", () -> Bridge.networkReadParameter(network, BIAS, bias, LABELS));
      calls.put(
          "networkWriteParameter", () -> Bridge.networkWriteParameter(network, BIAS, bias, LABELS));
      calls.put("networkFreeze", () -> Bridge.networkFreeze(network, "[\"conv\"]", false, false));
      calls.put("networkUnfreeze", () -> Bridge.networkUnfreeze(network, "[\"conv\"]", false));
      calls.put(
          "networkSetLearningRateScale",
          () -> Bridge.networkSetLearningRateScale(network, "conv", 0.5));
      calls.put(
          "networkSetThresholds",
          () -> Bridge.networkSetThresholds(network, "side", thresholds, LABELS));
      calls.put(
          "networkSetAllThresholds",
          () -> Bridge.networkSetAllThresholds(network, thresholds, LABELS));
      calls.put(
          "networkScaleLogits", () -> Bridge.networkScaleLogits(network, ones, nothing, LABELS));
      calls.put("networkSetMetadata", () -> Bridge.networkSetMetadata(network, "key", "value"));
      calls.put("networkRemoveMetadata", () -> Bridge.networkRemoveMetadata(network, "key"));
      calls.put("networkClone", () -> made[0] = Bridge.networkClone(network));
      calls.put("networkTransfer", () -> made[0] = Bridge.networkTransfer(network, TRANSFER, 1));
      calls.put("networkExplainTransfer", () -> Bridge.networkExplainTransfer(network, TRANSFER));
      calls.put("networkFingerprint", () -> Bridge.networkFingerprint(network, "conv"));
      calls.put(
          "taskLosses",
          () -> Bridge.taskLosses(network, EXAMPLES, outputs, targets, masks, results));
      calls.put("ownTaskLoss", () -> Bridge.ownTaskLoss(network, "side", EXAMPLES, 2, 1));
      calls.put(
          "taskMetrics",
          () ->
              Bridge.taskMetrics(
                  "labels",
                  "[\"low\", \"right\"]",
                  thresholds,
                  LABELS,
                  true,
                  EXAMPLES,
                  LABELS,
                  outputs,
                  targets[0]));
    }

    private void addFiles(Path folder) {
      final String file = folder.resolve("network").toString();
      final String onnx = folder.resolve("onnx").toString();
      final String weights = folder.resolve("weights").toString();
      Bridge.networkSave(network, file, false);
      Bridge.networkExportOnnx(network, onnx, "{}");
      Bridge.networkExportSafetensors(network, weights, "{}");
      final byte[] model = StackEnd.bytes(Path.of(file));
      final byte[] foreign = StackEnd.bytes(Path.of(onnx));
      final long written = own(Bridge.networkBuild(SPEC, 1));
      final long importer = own(Bridge.foreignImporterCreate("onnx", "{}"));
      own(Bridge.foreignImporterRead(importer, onnx));
      calls.put("networkSave", () -> Bridge.networkSave(network, file, true));
      calls.put("networkLoad", () -> made[0] = Bridge.networkLoad(file, "{}"));
      calls.put("networkExportOnnx", () -> Bridge.networkExportOnnx(network, onnx, "{}"));
      calls.put("networkLoadWeights", () -> Bridge.networkLoadWeights(network, weights, "{}"));
      calls.put(
          "networkExportSafetensors",
          () -> Bridge.networkExportSafetensors(network, weights, "{}"));
      calls.put("modelReaderCreate", () -> made[0] = Bridge.modelReaderCreate("{}"));
      calls.put(
          "modelReaderWrite",
          () -> {
            made[0] = Bridge.modelReaderCreate("{}");
            Bridge.modelReaderWrite(made[0], model, model.length);
          });
      calls.put(
          "modelReaderFinish",
          () -> {
            made[0] = Bridge.modelReaderCreate("{}");
            Bridge.modelReaderWrite(made[0], model, model.length);
            made[1] = Bridge.modelReaderFinish(made[0]);
          });
      calls.put("modelWriterCreate", () -> made[0] = Bridge.modelWriterCreate(written, true));
      calls.put(
          "modelWriterRead",
          () -> {
            made[0] = Bridge.modelWriterCreate(written, true);
            Bridge.modelWriterRead(made[0], bytes);
          });
      calls.put(
          "foreignImporterCreate", () -> made[0] = Bridge.foreignImporterCreate("onnx", "{}"));
      calls.put(
          "foreignImporterWrite",
          () -> {
            made[0] = Bridge.foreignImporterCreate("onnx", "{}");
            Bridge.foreignImporterWrite(made[0], foreign, foreign.length);
          });
      calls.put(
          "foreignImporterFinish",
          () -> {
            made[0] = Bridge.foreignImporterCreate("onnx", "{}");
            Bridge.foreignImporterWrite(made[0], foreign, foreign.length);
            made[1] = Bridge.foreignImporterFinish(made[0]);
          });
      calls.put(
          "foreignImporterRead",
          () -> {
            made[0] = Bridge.foreignImporterCreate("onnx", "{}");
            made[1] = Bridge.foreignImporterRead(made[0], onnx);
          });
      calls.put("foreignImporterReport", () -> Bridge.foreignImporterReport(importer));
    }

    private void addSteps() {
      final long trained = own(Bridge.networkBuild(SPEC, 1));
      final long trainer = trainer("{}", false);
      final long split = trainer("{\"own_losses\": [\"side\"]}", false);
      final long shards = trainer("{\"data_parallel\": true}", false);
      final double[] sums = {1};
      final long[] totals = new long[1 + (int) Bridge.trainerTargetCount(shards)];
      calls.put("trainerCreate", () -> made[0] = Bridge.trainerCreate(trained, "{}"));
      calls.put(
          "trainerStep",
          () -> Bridge.trainerStep(trainer, EXAMPLES, inputs, targets, masks, results));
      calls.put(
          "trainerEvaluate", () -> Bridge.trainerEvaluate(trainer, EXAMPLES, inputs, outputs));
      calls.put(
          "trainerBeginStep",
          () -> Bridge.trainerBeginStep(split, EXAMPLES, inputs, targets, masks, outputs));
      calls.put(
          "trainerFinishStep",
          () -> {
            Bridge.trainerBeginStep(split, EXAMPLES, inputs, targets, masks, outputs);
            Bridge.trainerFinishStep(split, outputs, sums, results);
          });
      calls.put("trainerTargetCount", () -> Bridge.trainerTargetCount(shards));
      calls.put("trainerGradientFloats", () -> Bridge.trainerGradientFloats(shards));
      calls.put(
          "trainerCountLabelled",
          () ->
              Bridge.trainerCountLabelled(shards, EXAMPLES, targets, masks, totals, totals.length));
      Bridge.trainerCountLabelled(shards, EXAMPLES, targets, masks, totals, totals.length);
      calls.put(
          "trainerComputeGradients",
          () ->
              Bridge.trainerComputeGradients(
                  shards, totals, totals.length, 0, EXAMPLES, inputs, targets, masks, outputs));
      calls.put(
          "trainerApplyGradients",
          () -> {
            Bridge.trainerComputeGradients(
                shards, totals, totals.length, 0, EXAMPLES, inputs, targets, masks, outputs);
            Bridge.trainerApplyGradients(shards, totals, totals.length, outputs, results);
          });
    }

    private void addRest(String checkpoint) {
      final long plain = trainer("{}", false);
      final long averaging = trainer("{\"average_decay\": 0.9}", false);
      final long stages = own(Bridge.networkBuild(SPEC, 1));
      final long earlier = own(Bridge.trainerCreate(stages, "{}"));
      final long released = own(Bridge.networkBuild(SPEC, 1));
      Bridge.trainerRelease(earlier);
      Bridge.trainerSaveBest(plain);
      Bridge.trainerSaveCheckpoint(plain, checkpoint, "notes");
      calls.put("trainerSaveBest", () -> Bridge.trainerSaveBest(plain));
      calls.put("trainerRestoreBest", () -> Bridge.trainerRestoreBest(plain));
      calls.put("trainerSwapAverage", () -> Bridge.trainerSwapAverage(averaging));
      calls.put(
          "trainerContinueFrom",
          () -> {
            made[0] = Bridge.trainerCreate(stages, "{}");
            Bridge.trainerContinueFrom(made[0], earlier, 1);
          });
      calls.put(
          "trainerSaveCheckpoint", () -> Bridge.trainerSaveCheckpoint(plain, checkpoint, "notes"));
      calls.put("trainerLoadCheckpoint", () -> Bridge.trainerLoadCheckpoint(plain, checkpoint));
      calls.put("checkpointNotes", () -> Bridge.checkpointNotes(checkpoint));
      calls.put(
          "trainerRelease",
          () -> {
            made[0] = Bridge.trainerCreate(released, "{}");
            Bridge.trainerRelease(made[0]);
          });
    }

    private void addCached() {
      final long trainer = trainer("{}", true);
      final long split = trainer("{\"own_losses\": [\"side\"]}", true);
      final long reserving = trainer("{}", true);
      final long sharing = trainer("{}", true);
      final String prefix = Bridge.trainerPrefixFingerprint(sharing);
      final long features =
          own(Bridge.featuresCreate(EXAMPLES, Bridge.trainerFeatureCount(sharing), prefix, ""));
      for (long filled : new long[] {trainer, split}) {
        Bridge.trainerReserveFeatures(filled, 0, EXAMPLES);
        Bridge.trainerCacheFeatures(filled, 0, 0, EXAMPLES, inputs);
      }
      Bridge.featuresMakeRoom(features, EXAMPLES, examples);
      Bridge.trainerShareFeatures(sharing, 1, features);
      calls.put("trainerHasFrozenPrefix", () -> Bridge.trainerHasFrozenPrefix(trainer));
      calls.put("trainerFeatureCount", () -> Bridge.trainerFeatureCount(trainer));
      calls.put("trainerPrefixExamples", () -> Bridge.trainerPrefixExamples(trainer));
      calls.put("trainerPrefixFingerprint", () -> Bridge.trainerPrefixFingerprint(trainer));
      calls.put(
          "trainerReserveFeatures", () -> Bridge.trainerReserveFeatures(reserving, 0, EXAMPLES));
      calls.put(
          "trainerCacheFeatures",
          () -> Bridge.trainerCacheFeatures(trainer, 0, 0, EXAMPLES, inputs));
      calls.put(
          "trainerStepCached",
          () -> Bridge.trainerStepCached(trainer, 0, EXAMPLES, examples, targets, masks, results));
      calls.put(
          "trainerEvaluateCached",
          () -> Bridge.trainerEvaluateCached(trainer, 0, EXAMPLES, examples, outputs));
      calls.put(
          "trainerBeginStepCached",
          () ->
              Bridge.trainerBeginStepCached(split, 0, EXAMPLES, examples, targets, masks, outputs));
      calls.put("trainerShareFeatures", () -> Bridge.trainerShareFeatures(sharing, 1, features));
      calls.put(
          "trainerCacheExamples",
          () -> Bridge.trainerCacheExamples(sharing, 1, EXAMPLES, examples, inputs));
    }

    private void addFeatures() {
      final long frozen = own(Bridge.networkBuild(SPEC, 1));
      Bridge.networkFreeze(frozen, "[\"conv\", \"pool\"]", false, false);
      final long predictor = own(Bridge.featurePredictorCreate(frozen, true));
      final String prefix = Bridge.featurePredictorFingerprint(predictor);
      final int count = (int) Bridge.featurePredictorFeatureCount(predictor);
      final long features = own(Bridge.featuresCreate(EXAMPLES, count, prefix, ""));
      Bridge.featuresMakeRoom(features, EXAMPLES, examples);
      Bridge.featurePredictorCache(predictor, features, EXAMPLES, examples, inputs);
      calls.put(
          "featuresCreate", () -> made[0] = Bridge.featuresCreate(EXAMPLES, count, prefix, ""));
      calls.put("featuresMakeRoom", () -> Bridge.featuresMakeRoom(features, EXAMPLES, examples));
      calls.put(
          "featuresShare",
          () -> Bridge.featuresShare(features, features, EXAMPLES, examples, examples));
      calls.put("featuresWrite", () -> Bridge.featuresWrite(features, EXAMPLES, examples, outputs));
      calls.put("featuresRead", () -> Bridge.featuresRead(features, 0, values, 0, count));
      calls.put("featuresInFile", () -> Bridge.featuresInFile(features));
      calls.put(
          "featurePredictorCreate", () -> made[0] = Bridge.featurePredictorCreate(frozen, true));
      calls.put(
          "featurePredictorHasFrozenPrefix",
          () -> Bridge.featurePredictorHasFrozenPrefix(predictor));
      calls.put(
          "featurePredictorFeatureCount", () -> Bridge.featurePredictorFeatureCount(predictor));
      calls.put("featurePredictorFingerprint", () -> Bridge.featurePredictorFingerprint(predictor));
      calls.put(
          "featurePredictorCache",
          () -> Bridge.featurePredictorCache(predictor, features, EXAMPLES, examples, inputs));
      calls.put(
          "featurePredictorPredict",
          () -> Bridge.featurePredictorPredict(predictor, features, EXAMPLES, examples, outputs));
    }

    private void addPredictor() {
      final long predictor = own(Bridge.predictorCreate(network, "{}"));
      final long sized = own(Bridge.predictorCreate(network, "{\"other_shapes\": 1}"));
      final long[] statistics = new long[4];
      final float[] answers = new float[EXAMPLES * LABELS];
      calls.put("predictorCreate", () -> made[0] = Bridge.predictorCreate(network, "{}"));
      calls.put(
          "predictorPredict", () -> Bridge.predictorPredict(predictor, EXAMPLES, inputs, outputs));
      calls.put(
          "predictorPredictBuffers",
          () ->
              Bridge.predictorPredictBuffers(inputBuffer, 0, outputBuffer, 0, predictor, EXAMPLES));
      calls.put(
          "predictorPredictArray",
          () ->
              Bridge.predictorPredictArray(
                  predictor, EXAMPLES, values, values.length, answers, answers.length));
      calls.put(
          "predictorPredictPixelBuffers",
          () ->
              Bridge.predictorPredictPixelBuffers(
                  pixelBuffer, 0, outputBuffer, 0, predictor, EXAMPLES));
      calls.put(
          "predictorPredictPixelArray",
          () ->
              Bridge.predictorPredictPixelArray(
                  predictor, EXAMPLES, bytes, values.length, answers, answers.length));
      calls.put("predictorDescribe", () -> Bridge.predictorDescribe(predictor));
      calls.put("predictorLayerShapes", () -> Bridge.predictorLayerShapes(predictor));
      calls.put("predictorStatistics", () -> Bridge.predictorStatistics(predictor, statistics));
      calls.put("predictorForShape", () -> made[0] = Bridge.predictorForShape(sized, "[1, 6, 5]"));
    }

    private long own(long handle) {
      owned.add(handle);
      return handle;
    }

    /** Makes a trainer of a network of its own, of all layers or of the head alone. */
    private long trainer(String config, boolean isHeadAlone) {
      long own = own(Bridge.networkBuild(SPEC, 1));
      if (isHeadAlone) {
        Bridge.networkFreeze(own, "[\"conv\", \"pool\"]", false, false);
      }
      return own(Bridge.trainerCreate(own, config));
    }

    private void closeMade() {
      for (int i = 0; i < made.length; i++) {
        Bridge.closeHandle(made[i]);
        made[i] = 0;
      }
    }

    private void run() {
      requireAll();
      calls.forEach(this::descend);
      closeMade();
      owned.forEach(Bridge::closeHandle);
    }

    private void requireAll() {
      TreeSet<String> functions = new TreeSet<>();
      for (Method method : Bridge.class.getDeclaredMethods()) {
        if (Modifier.isNative(method.getModifiers())) {
          functions.add(method.getName());
        }
      }
      StackEnd.require(
          functions.equals(calls.keySet()),
          "expected a call of each of " + functions + ", got " + calls.keySet());
    }

    private void descend(String name, Runnable call) {
      StackEnd end = new StackEnd(this::closeMade, call);
      end.attempt(); // classes are loaded up here
      long start = System.nanoTime();
      end.descend(1);
      System.out.printf(
          "%s: %d results, %d overflows, %d refusals, %d ms%n",
          name,
          end.results(),
          end.overflows(),
          end.refusals().size(),
          (System.nanoTime() - start) / 1_000_000);
      StackEnd.require(end.overflows() > 0, name + ": expected some call to lack stack, got none");
      if (name.equals("throwError")) {
        StackEnd.require(!end.refusals().isEmpty(), name + ": expected errors, got none");
        return;
      }
      end.refusals().forEach(refusal -> StackEnd.require(false, name + ": got " + refusal));
      StackEnd.require(end.results() > 0, name + ": expected some call to work, got none");
    }

    public static void main(String[] arguments) throws Exception {
      Path folder = Path.of(arguments[0]);
      Espalier.threads(); // loads the library
      StackEnd.runProgram(folder, () -> new Program(folder).run());
      System.out.println("done");
    }

    private static FloatBuffer floats(int count) {
      return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder()).asFloatBuffer();
    }
  }
}
