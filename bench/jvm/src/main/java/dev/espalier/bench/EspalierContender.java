// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import dev.espalier.Adam;
import dev.espalier.AdamW;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.EpochResult;
import dev.espalier.Espalier;
import dev.espalier.Head;
import dev.espalier.History;
import dev.espalier.Input;
import dev.espalier.InputDatasets;
import dev.espalier.Network;
import dev.espalier.ParameterSummary;
import dev.espalier.Precision;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.Task;
import dev.espalier.Trainer;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** This library, by its public API. */
public final class EspalierContender implements Contender {
  private static final String BF16 = "espalier-bf16";
  private static final String INT8 = "espalier-int8";
  private static final String SHARED = "espalier-shared";
  private static final String SHARED_BF16 = "espalier-shared-bf16";

  private final Precision precision;
  private final boolean isShared;

  /**
   * Makes the contender of that name.
   *
   * @param name "espalier"; "espalier-bf16" or "espalier-int8", which only predict;
   *     "espalier-shared", "espalier-shared-bf16": with one copy of the weights for all callers
   */
  public EspalierContender(String name) {
    if (!List.of("espalier", BF16, INT8, SHARED, SHARED_BF16).contains(name)) {
      throw new IllegalArgumentException("unknown " + name);
    }
    precision =
        name.equals(INT8)
            ? Precision.INT8
            : name.endsWith("-bf16") ? Precision.BF16_WEIGHTS : Precision.FP32;
    isShared = name.equals(SHARED) || name.equals(SHARED_BF16);
  }

  @Override
  public String version() {
    return Espalier.describe();
  }

  @Override
  public void threads(int count) {
    Espalier.setThreads(count);
  }

  @Override
  public Prediction prediction(Work work, int batch) throws IOException {
    PredictorOptions options = PredictorOptions.defaults().precision(precision);
    if (isShared) {
      options = options.weightCopies(1);
    }
    if (work.readsStrings()) {
      return new TextPrediction(work, batch, options);
    }
    if (work.isPublished()) {
      try (PublishedModels.Imported imported = PublishedModels.load(work)) {
        Predictor predictor = imported.network().predictor(options.layers(imported.outputs()));
        return new BufferPrediction(
            predictor, work.inputBuffer(batch * predictor.inputSize()), batch, true);
      }
    }
    try (Network network = Network.load(work.model())) {
      Predictor predictor = network.predictor(work.isLogits() ? options.logits() : options);
      return new BufferPrediction(
          predictor, work.inputBuffer(batch * predictor.inputSize()), batch, true);
    }
  }

  @Override
  public double load(Work work) {
    requireFloat();
    long start = System.nanoTime();
    PublishedModels.load(work).close();
    return (System.nanoTime() - start) * 1e-9;
  }

  @Override
  public Training training(Work work, int batch) throws IOException {
    requireFloat();
    Dataset data;
    try (Network shapes = Network.load(work.model())) {
      data = examples(shapes, work, Work.BATCHES * batch);
    }
    PeakMemory.start();
    Network network = Network.load(work.model());
    Trainer trainer =
        Trainer.of(network)
            .optimizer(
                work.decaysWeights()
                    ? AdamW.withLearningRate(Work.SMALL_RATE).weightDecay(Work.WEIGHT_DECAY)
                    : Adam.withLearningRate(1e-3))
            .batchSize(batch)
            .shuffle(false)
            // The examples lie in memory: another thread that reads ahead only takes time away.
            .prefetch(false);
    return new EspalierTraining(network, trainer, data);
  }

  @Override
  public Transfer transfer(Work work, String variant) throws IOException {
    requireFloat();
    TransferWork sizes = TransferWork.of(work);
    try (Network source = Network.load(work.model());
        Network network = grafted(source, work)) {
      for (ParameterSummary parameter : network.parameters()) {
        if (parameter.path().startsWith("heads.")) { // from the same values as everyone
          String path = parameter.path().replace("heads.grafted.", "heads.output.");
          network.setParameter(parameter.path(), source.parameter(path));
        }
      }
      Dataset data = examples(source, work, sizes.examples());
      Trainer trainer =
          Trainer.of(network)
              .optimizer(Adam.withLearningRate(1e-3))
              .batchSize(TransferWork.BATCH)
              .epochs(sizes.epochs())
              .shuffle(false)
              .featureCache(variant.equals("cached"));
      final long start = System.nanoTime();
      History history = trainer.fit(data);
      final double seconds = (System.nanoTime() - start) * 1e-9;
      return new Transfer(
          seconds, history.epochs().stream().mapToDouble(EpochResult::loss).toArray());
    }
  }

  /** The same network with a new head, all else frozen. */
  private static Network grafted(Network source, Work work) {
    String last = work.isText() ? PublishedModels.lastOf(source) : "features";
    Head head =
        work.isText()
            ? PublishedModels.head(last, work)
            : Head.layers(h -> h.dense(256).relu())
                .labels(Networks.labelNames(TransferWork.LABELS));
    return source.transfer().dropHead("output").freezeThrough(last).head("grafted", head).build(3);
  }

  private void requireFloat() {
    if (precision != Precision.FP32) {
      throw new UnsupportedOperationException(precision + " only predicts");
    }
  }

  /** The first examples of the work. */
  static Dataset examples(Network network, Work work, int count) throws IOException {
    Task task = network.tasks().get(0);
    if (work.isText()) {
      return Datasets.withTargets(
          texts(network, work, count), "", rows(work.targets(count * task.width()), count));
    }
    float[] inputs = work.inputs(count * network.inputShape().size());
    if (task.kind() == Task.Kind.CLASSES) {
      float[] targets = work.targets(count);
      int[] classes = new int[count];
      Arrays.setAll(classes, i -> (int) targets[i]);
      return Datasets.ofClasses(inputs, network.inputShape(), classes);
    }
    return Datasets.of(
        inputs, network.inputShape(), rows(work.targets(count * task.width()), count));
  }

  private static float[][] rows(float[] values, int count) {
    int width = values.length / count;
    float[][] rows = new float[count][];
    Arrays.setAll(rows, i -> Arrays.copyOfRange(values, i * width, (i + 1) * width));
    return rows;
  }

  /** Inputs of integers that lie side by side. */
  private static Dataset texts(Network network, Work work, int count) throws IOException {
    int width = network.inputs().stream().mapToInt(input -> input.shape().size()).sum();
    float[] values = work.inputs(count * width);
    List<Dataset> inputs = new ArrayList<>();
    int begin = 0;
    for (Input input : network.inputs()) {
      int size = input.shape().size();
      int from = begin;
      int[] integers = new int[count * size];
      Arrays.setAll(integers, i -> (int) values[i / size * width + from + i % size]);
      inputs.add(InputDatasets.integers(input.name(), integers, input.shape()));
      begin += size;
    }
    return InputDatasets.join(inputs.toArray(Dataset[]::new));
  }

  /** Predictions from direct buffer to direct buffer. */
  private static final class BufferPrediction implements Prediction {
    private final Predictor predictor;
    private final FloatBuffer inputs;
    private final FloatBuffer outputs;
    private final boolean isOwner;

    BufferPrediction(Predictor predictor, FloatBuffer inputs, int batch, boolean isOwner) {
      this.predictor = predictor;
      this.inputs = inputs;
      this.isOwner = isOwner;
      outputs = Work.directBuffer(batch * predictor.outputSize());
    }

    @Override
    public void run() {
      predictor.predict(inputs, outputs);
    }

    @Override
    public float[] outputs() {
      float[] values = new float[outputs.remaining()];
      outputs.get(0, values);
      return values;
    }

    @Override
    public Prediction sharing() {
      FloatBuffer copy = Work.directBuffer(inputs.remaining()).put(inputs.duplicate()).flip();
      int batch = inputs.remaining() / predictor.inputSize();
      return new BufferPrediction(predictor, copy, batch, false);
    }

    @Override
    public void close() {
      if (isOwner) {
        predictor.close();
      }
    }
  }
}
