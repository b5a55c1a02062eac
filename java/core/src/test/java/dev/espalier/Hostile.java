// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.function.ToIntFunction;
import java.util.function.UnaryOperator;

/** Legal and hostile objects of every type that the public API takes; the first is legal. */
final class Hostile {
  /** What a user's own code throws in these tests. */
  static final class Mine extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private static final Dots DOTS = new Dots(24, 1);

  private final Map<Class<?>, List<Supplier<?>>> arguments = new HashMap<>();
  private final Map<Class<?>, List<Supplier<?>>> receivers = new HashMap<>();
  private final List<AutoCloseable> opened = new ArrayList<>();
  private final Path folder;

  Hostile(Path folder) throws IOException {
    this.folder = folder;
    Files.writeString(folder.resolve("garbage"), "{\"not\": a model}");
    Files.writeString(folder.resolve("data.csv"), "x,y\n1,0\n2,\n");
    try (Network network = Dots.labeller(1)) {
      network.save(folder.resolve("model.safetensors"));
      network.save(folder.resolve("kept.safetensors")); // which no call is given to write
    }
    addPlainArguments();
    HostileArrays.addTo(arguments, DOTS);
    addLibraryArguments();
    addReceivers();
  }

  /** Returns objects for a parameter; empty if none are known for the type. */
  List<Supplier<?>> arguments(Class<?> type) {
    if (type.isEnum()) {
      List<Supplier<?>> constants = new ArrayList<>();
      for (Object constant : type.getEnumConstants()) {
        constants.add(() -> constant);
      }
      constants.add(() -> null);
      return constants;
    }
    return arguments.getOrDefault(type, List.of());
  }

  /** Returns objects to call methods on, in every state; empty if none are known for the type. */
  List<Supplier<?>> receivers(Class<?> type) {
    if (type.isEnum()) {
      Object first = type.getEnumConstants()[0];
      return List.of(() -> first);
    }
    return receivers.getOrDefault(type, List.of());
  }

  /** Closes what the suppliers have opened. */
  void closeAll() {
    for (AutoCloseable object : opened) {
      try {
        object.close();
      } catch (Exception error) {
        throw new AssertionError("close threw", error);
      }
    }
    opened.clear();
  }

  private <T extends AutoCloseable> T opened(T object) {
    opened.add(object);
    return object;
  }

  private void add(Class<?> type, Object... values) {
    List<Supplier<?>> suppliers = new ArrayList<>();
    for (Object value : values) {
      suppliers.add(() -> value);
    }
    arguments.put(type, suppliers);
  }

  static List<Supplier<?>> list(Supplier<?>... suppliers) {
    return List.of(suppliers);
  }

  private void addPlainArguments() {
    add(boolean.class, true, false);
    add(char.class, ';', '\0', '"', '\n', '\uffff');
    add(
        int.class,
        2,
        0,
        1,
        -1,
        3,
        40,
        1 << 16,
        (1 << 20) + 1,
        Integer.MIN_VALUE,
        Integer.MAX_VALUE);
    add(long.class, 2L, 0L, 1L, -1L, 1L << 40, Long.MIN_VALUE, Long.MAX_VALUE);
    add(float.class, 0.5f, Float.NaN, Float.NEGATIVE_INFINITY);
    add(
        double.class,
        0.5,
        0.0,
        1.0,
        -1.0,
        Double.NaN,
        Double.MIN_VALUE,
        Double.MAX_VALUE,
        Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY,
        1e300);
    add(
        String.class,
        "side",
        "",
        "low",
        "conv1",
        "features",
        "conv1.weight",
        "input",
        "*",
        "?",
        "[",
        "a\0b",
        "\u00fc\ud83d\ude00",
        "\ud800",
        "x".repeat(100_000),
        "../..",
        "heads.side.dense",
        "relu",
        "auc",
        "%n%s",
        null);
    add(Object.class, "x", null, 1);
    add(Throwable.class, new Mine(), null);
    add(Optional.class, Optional.empty(), null);
    add(OptionalInt.class, OptionalInt.empty(), null);
    add(List.class, List.of(), null);
    add(Map.class, Map.of(), null);
    add(
        Duration.class,
        Duration.ofMillis(5),
        Duration.ZERO,
        Duration.ofMillis(-1),
        Duration.ofSeconds(Long.MAX_VALUE),
        Duration.ofSeconds(Long.MIN_VALUE),
        null);
    add(
        Path.class,
        folder.resolve("model.safetensors"),
        folder.resolve("new"),
        folder,
        folder.resolve("garbage"),
        folder.resolve("data.csv"),
        folder.resolve("no/such/folder/x"),
        Path.of(""),
        Path.of("/dev/null"),
        null);
  }

  private void addLibraryArguments() {
    HostileStreams.addTo(arguments);
    add(
        LoadOptions.class,
        LoadOptions.defaults(),
        LoadOptions.defaults().maxLayers(1).maxNativeBytes(1),
        LoadOptions.defaults().maxMultiplyAdds(Long.MAX_VALUE),
        null);
    add(
        Shape.class,
        Dots.PICTURE,
        Shape.vector(64),
        Shape.vector(1),
        Shape.vector(1 << 30),
        Shape.of(1, 1, 1, 1, 1, 1, 1, 64),
        null);
    add(
        Task.class,
        Task.of("side", Task.Kind.LABELS, List.of("low", "right")),
        Task.of("quarter", Task.Kind.CLASSES, List.of("a", "b", "c")),
        Task.of("v", Task.Kind.VALUES, List.of("v")),
        null);
    add(Head.class, Head.labels("low", "right"), Head.classes(4), Head.values("v").huber(1), null);
    add(Optimizer.class, Adam.withLearningRate(0.1), Sgd.withLearningRate(1e300), null);
    add(Balance.class, Balance.famo(), Balance.uwSo(1e-300), Balance.uncertainty(1), null);
    add(Schedule.class, Schedule.cosine(), Schedule.step(1, 1e-300), null);
    add(
        LayerOptions.class,
        LayerOptions.defaults(),
        LayerOptions.defaults().stride(1024),
        LayerOptions.defaults().groups(3),
        LayerOptions.defaults().padding(4096).dilation(1024),
        LayerOptions.defaults().set("nonsense", 1),
        null);
    add(TransformerOptions.class, TransformerOptions.of(8, 2, 8), null);
    add(
        PredictorOptions.class,
        PredictorOptions.defaults(),
        PredictorOptions.defaults().maxBatchSize(1 << 20).logits(),
        PredictorOptions.defaults().heads("side").threads(1).pixels(Float.MIN_VALUE, 1e30f),
        PredictorOptions.defaults().heads("quarter").weightCopies(2).otherShapes(2),
        PredictorOptions.defaults().layers("active", "nonsense"),
        null);
    add(Class.class, Hostile.class, String.class, null);
    add(
        FeatureCacheOptions.class,
        FeatureCacheOptions.defaults(),
        FeatureCacheOptions.defaults().budget(1).withoutFolder(),
        null);
    arguments.put(
        FeatureCache.class,
        list(() -> opened(FeatureCache.create()), Hostile::closedCache, () -> null));
    add(
        BatchingOptions.class,
        BatchingOptions.defaults().maxBatchSize(3).timeout(Duration.ofMillis(200)),
        BatchingOptions.defaults().maxBatchSize(1 << 16),
        BatchingOptions.defaults().timeout(Duration.ofNanos(1)),
        null);
    arguments.put(
        Predictor.class,
        list(
            () -> opened(predictor(false)),
            () -> opened(predictor(true)),
            Hostile::closedPredictor,
            () -> null));
    List<ToDoubleFunction<String>> thresholds =
        Arrays.asList(
            label -> 0.5,
            label -> Double.NaN,
            label -> {
              throw new Mine();
            },
            null);
    add(ToDoubleFunction.class, thresholds.toArray());
    arguments.put(
        DoubleSupplier.class,
        list(
            () -> (DoubleSupplier) () -> 1,
            () ->
                (DoubleSupplier)
                    () -> {
                      throw new Mine();
                    },
            () -> null));
    add(Target.class, Target.numbers("side", 2), Target.classes("", List.of("a", "b")), null);
    add(Function.class, (Function<Object, float[]>) x -> new float[64], null);
    add(ToIntFunction.class, (ToIntFunction<Object>) x -> 1, null);
    add(StepResult.class, new StepResult(0, 0, 1, 0, Map.of(), Map.of(), 0, 0), null);
    add(EpochResult.class, epoch(), null);
    add(History.class, history(), null);
    arguments.put(
        Network.class,
        list(
            () -> opened(Dots.labeller(1)),
            () -> opened(Dots.rich(1)),
            Hostile::closedNetwork,
            this::busyNetwork,
            () -> null));
    arguments.put(
        Dataset.class,
        list(
            DOTS::labels,
            DOTS::classes,
            DOTS::both,
            () -> Datasets.range(DOTS.labels(), 0, 0),
            () -> Datasets.withoutTargets(DOTS.labels()),
            () -> Datasets.reshape(DOTS.labels(), Shape.vector(64)),
            () -> Datasets.map(DOTS.labels(), Shape.vector(1), x -> new float[1]),
            () -> Datasets.map(DOTS.labels(), x -> HostileArrays.filled(64, Float.NaN)),
            () -> Datasets.map(DOTS.labels(), x -> null),
            () ->
                Datasets.map(
                    DOTS.labels(),
                    x -> {
                      throw new Mine();
                    }),
            () -> Datasets.withTargets(DOTS.labels(), "", new float[24][3]),
            () -> null));
    arguments.put(
        Consumer.class,
        list(
            () -> (Consumer<Layers<?>>) h -> h.dense(3).relu(),
            () -> (Consumer<Layers<?>>) h -> h.maxPool2d(1000),
            () ->
                (Consumer<Layers<?>>)
                    h -> {
                      throw new Mine();
                    },
            () -> null));
    List<Supplier<?>> functions = new ArrayList<>();
    List<UnaryOperator<float[]>> operators =
        Arrays.asList(
            x -> x,
            x -> null,
            x -> new float[0],
            x -> HostileArrays.filled(x.length, Float.NaN),
            x -> {
              throw new Mine();
            });
    for (UnaryOperator<float[]> operator : operators) {
      functions.add(() -> operator);
    }
    functions.add(() -> null);
    arguments.put(UnaryOperator.class, functions);
    List<Supplier<?>> pairs = new ArrayList<>();
    for (UnaryOperator<float[]> operator : operators) {
      pairs.add(() -> (BiFunction<float[], Object, float[]>) (x, random) -> operator.apply(x));
    }
    pairs.add(() -> null);
    arguments.put(BiFunction.class, pairs);
  }

  private void addReceivers() {
    HostileInputs.addTo(arguments, receivers);
    HostileCallbacks.addTo(arguments, receivers);
    HostileImports.addTo(arguments, receivers);
    HostileAdaptations.addTo(arguments, receivers, () -> opened(Dots.labeller(1)));
    HostilePrecisions.addTo(receivers);
    HostileShards.addTo(arguments, receivers, () -> opened(Dots.labeller(1)), this::opened);
    receivers.put(Shape.class, list(() -> Dots.PICTURE));
    receivers.put(LayerOptions.class, list(LayerOptions::defaults));
    receivers.put(TransformerOptions.class, list(() -> TransformerOptions.of(8, 2, 8)));
    receivers.put(
        Head.class,
        list(() -> Head.labels("low", "right"), () -> Head.classes(4), () -> Head.values("v")));
    receivers.put(FeatureCacheOptions.class, list(FeatureCacheOptions::defaults));
    receivers.put(
        FeatureCache.class, list(() -> opened(FeatureCache.create()), Hostile::closedCache));
    receivers.put(LoadOptions.class, list(LoadOptions::defaults));
    receivers.put(LabelsHead.class, list(() -> Head.labels("low", "right")));
    receivers.put(ClassesHead.class, list(() -> Head.classes(4)));
    receivers.put(ValuesHead.class, list(() -> Head.values("v")));
    receivers.put(Head.WithLayers.class, list(() -> Head.layers(h -> h.dense(3))));
    receivers.put(HeadLayers.class, list(HeadLayers::new));
    receivers.put(
        NetworkBuilder.class, list(Dots::backbone, () -> Network.builder(Shape.vector(3))));
    for (Class<?> type : List.of(ActivationLayers.class, ImageLayers.class, Layers.class)) {
      receivers.put(type, list(Dots::backbone, HeadLayers::new));
    }
    receivers.put(
        Network.class,
        list(
            () -> opened(Dots.labeller(1)),
            () -> opened(Dots.rich(1)),
            Hostile::closedNetwork,
            this::busyNetwork,
            this::failedNetwork));
    receivers.put(NetworkFiles.class, receivers.get(Network.class));
    receivers.put(
        Predictor.class,
        list(
            () -> opened(predictor(false)),
            () -> opened(predictor(true)),
            Hostile::closedPredictor));
    receivers.put(
        BatchingPredictor.class,
        list(
            () -> opened(batching(opened(predictor(false)))),
            () -> {
              Predictor predictor = predictor(false);
              BatchingPredictor batching = opened(batching(predictor));
              predictor.close();
              return batching;
            },
            () -> {
              BatchingPredictor batching = batching(opened(predictor(false)));
              batching.close();
              return batching;
            }));
    receivers.put(BatchingOptions.class, list(BatchingOptions::defaults));
    receivers.put(
        BatchingStatistics.class, list(() -> new BatchingStatistics(1, 2, 3, 4, 5, 6, 7)));
    receivers.put(
        Instrument.class,
        list(
            () -> Espalier.instruments().get(0),
            () -> closedPredictor().instruments().get(0),
            () -> Instrument.gauge("a", "", HostileAdaptations::fail)));
    receivers.put(PredictorStatistics.class, list(() -> new PredictorStatistics(1, 2, 3, 4, 5)));
    receivers.put(
        TransferBuilder.class,
        list(
            () -> opened(Dots.labeller(1)).transfer(),
            () -> Network.transferFrom(folder.resolve("kept.safetensors")),
            () -> closedNetwork().transfer(),
            () -> busyNetwork().transfer()));
    receivers.put(
        Trainer.class,
        list(
            () -> Trainer.of(opened(Dots.labeller(1))),
            () -> Trainer.of(closedNetwork()),
            () -> Trainer.of(busyNetwork()),
            () -> Trainer.of(failedNetwork())));
    receivers.put(
        Dataset.class,
        list(
            DOTS::labels,
            DOTS::classes,
            DOTS::both,
            () -> Datasets.range(DOTS.labels(), 0, 0),
            () ->
                Datasets.map(
                    DOTS.labels(),
                    x -> {
                      throw new Mine();
                    }),
            () -> Datasets.augment(DOTS.labels(), 1, (x, random) -> x),
            () -> Datasets.concat(DOTS.labels(), Datasets.subset(DOTS.labels(), 1))));
    receivers.put(Target.class, list(() -> Target.numbers("side", 2)));
    receivers.put(Split.class, list(() -> Datasets.split(DOTS.labels(), 0.5, 1)));
    receivers.put(PredictorOptions.class, list(PredictorOptions::defaults));
    receivers.put(OnnxExportOptions.class, list(OnnxExportOptions::defaults));
    receivers.put(SaveOptions.class, list(SaveOptions::defaults));
    receivers.put(
        Prediction.class,
        list(
            () -> {
              try (Predictor predictor = predictor(false)) {
                return predictor.predictNamed(new float[64]);
              }
            }));
    receivers.put(Optimizer.class, list(() -> Adam.withLearningRate(0.1)));
    receivers.put(Sgd.class, list(() -> Sgd.withLearningRate(0.1)));
    receivers.put(Adam.class, list(() -> Adam.withLearningRate(0.1)));
    receivers.put(AdamW.class, list(() -> AdamW.withLearningRate(0.1)));
    receivers.put(RmsProp.class, list(() -> RmsProp.withLearningRate(0.1)));
    receivers.put(Balance.class, list(Balance::famo));
    receivers.put(Schedule.class, list(Schedule::cosine, Schedule::constant));
    receivers.put(
        StepResult.class, list(() -> new StepResult(0, 0, 1, 0, Map.of(), Map.of(), 0, 0)));
    receivers.put(EpochResult.class, list(Hostile::epoch));
    receivers.put(History.class, list(Hostile::history));
    receivers.put(Task.class, list(() -> Task.of("side", Task.Kind.LABELS, List.of("low"))));
    receivers.put(Metric.class, list(() -> new Metric("auc", "low", 0.5, 3)));
    CalibrationReport.Entry entry =
        new CalibrationReport.Entry(
            "side",
            "low",
            new LogitScaling(1, 0, 0.1, 0.1),
            3,
            OptionalDouble.of(0.5),
            OptionalDouble.of(0.5));
    receivers.put(CalibrationReport.Entry.class, list(() -> entry));
    receivers.put(CalibrationReport.class, list(() -> new CalibrationReport(List.of(entry))));
    Metrics metrics =
        Metrics.ofLogits(
            Task.of("side", Task.Kind.LABELS, List.of("low")), new float[3][1], new float[3][1]);
    receivers.put(Metrics.class, list(() -> metrics));
    receivers.put(AnswerCounts.class, list(() -> new AnswerCounts(1, 2, 3, 4, 5)));
    TaskEvaluation task = new TaskEvaluation(0.1, 3, metrics);
    receivers.put(TaskEvaluation.class, list(() -> task));
    receivers.put(Evaluation.class, list(() -> new Evaluation(0.1, 3, List.of(task))));
    receivers.put(
        LayerSummary.class,
        list(
            () -> {
              try (Network network = Dots.labeller(1)) {
                return network.layers().get(0);
              }
            }));
    receivers.put(
        ParameterSummary.class,
        list(() -> new ParameterSummary("a.weight", Shape.vector(2), false)));
    receivers.put(
        EspalierException.class, list(() -> new EspalierException(ErrorCode.IO, "text", null)));
    receivers.put(
        CheckpointMismatchException.class,
        list(() -> new CheckpointMismatchException(folder, List.of("seed: 1 there, 2 here"))));
  }

  private static EpochResult epoch() {
    return new EpochResult(
        0, 0, 1, 0, Map.of(), Map.of(), Optional.empty(), false, Optional.empty(), 0, 0);
  }

  private static History history() {
    return new History(
        List.of(epoch()),
        History.StopReason.EPOCHS,
        1,
        OptionalInt.empty(),
        0,
        false,
        "",
        List.of(),
        0);
  }

  private static Predictor predictor(boolean isLogits) {
    try (Network network = Dots.labeller(1)) {
      PredictorOptions options = PredictorOptions.defaults().maxBatchSize(7);
      return network.predictor(isLogits ? options.logits() : options);
    }
  }

  private static Predictor closedPredictor() {
    Predictor predictor = predictor(false);
    predictor.close();
    return predictor;
  }

  private static BatchingPredictor batching(Predictor predictor) {
    return BatchingPredictor.of(
        predictor, BatchingOptions.defaults().maxBatchSize(3).maxWait(Duration.ZERO));
  }

  private static FeatureCache closedCache() {
    FeatureCache cache = FeatureCache.create();
    cache.close();
    return cache;
  }

  private static Network closedNetwork() {
    Network network = Dots.labeller(1);
    network.close();
    return network;
  }

  /** Returns a network after a training that failed. */
  private Network failedNetwork() {
    Network network = opened(Dots.labeller(1));
    try {
      Trainer.of(network).optimizer(Sgd.withLearningRate(1e30)).epochs(99).fit(DOTS.labels());
    } catch (NonFiniteException expected) {
      return network;
    }
    throw new AssertionError("training did not fail");
  }

  /** Returns a network that another thread trains until {@link #closeAll}. */
  private Network busyNetwork() {
    Network network = opened(Dots.labeller(1));
    CountDownLatch trains = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(1);
    TrainingListener waiting =
        new TrainingListener() {
          @Override
          public void onStart(long epochs, long steps) {
            trains.countDown();
            try {
              done.await();
            } catch (InterruptedException interruption) {
              Thread.currentThread().interrupt();
            }
          }

          @Override
          public void onEpoch(EpochResult epoch) {}
        };
    Thread fitting =
        new Thread(
            () -> {
              try {
                Trainer.of(network).steps(1).listener(waiting).fit(DOTS.labels());
              } catch (IllegalStateException closedMeanwhile) {
                trains.countDown();
              }
            });
    fitting.start();
    boolean isInterrupted = Thread.interrupted();
    try {
      trains.await();
    } catch (InterruptedException interruption) {
      throw new UncheckedIOException(new IOException(interruption));
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
    opened.add(
        () -> {
          done.countDown();
          fitting.join();
        });
    return network;
  }
}
