// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** Measures a network's predictors of all precisions on the same examples. */
final class PrecisionTrial {
  private static final String SIMILARITY = "cosine similarity of layers";

  /** Examples whose speed is measured; lengths of texts are as they come. */
  private static final int MOST_TIMED = 256;

  /** Examples by which layers are put into an order. */
  private static final int MOST_REPORTED = 32;

  private static final long LEAST_NANOS = 500_000_000;
  private static final int LEAST_TURNS = 5;
  private static final int MOST_TURNS = 101;

  private final Network network;
  private final Dataset validation;
  private final PredictorOptions options;
  private final int batchSize;
  private final List<Task> tasks;

  PrecisionTrial(Network network, Dataset validation, PredictorOptions options, int batchSize) {
    this.network = network;
    this.validation = validation;
    this.options = options;
    this.batchSize = batchSize;
    tasks = options.chosen(network.tasks());
  }

  PrecisionChoice run(double tolerance) {
    List<PredictorOptions> tried = new ArrayList<>();
    for (Precision precision : Precision.values()) {
      tried.add(options.precision(precision));
    }
    List<Map<String, Double>> scores = new ArrayList<>();
    for (PredictorOptions one : tried) {
      scores.add(scores(one));
    }
    Map<String, Double> exact = scores.get(0);
    exact.values().removeIf(value -> Double.isNaN(value));
    if (exact.isEmpty()) {
      throw new IllegalArgumentException(
          "validation: expected labelled entries for which a metric of "
              + tasks.stream().map(PrecisionTrial::metric).toList()
              + " is defined, got none");
    }
    int int8 = Precision.INT8.ordinal();
    if (!(loss(exact, scores.get(int8)) <= tolerance)) {
      addMixture(tolerance, tried.get(int8), tried, scores);
    }
    scores.forEach(own -> own.keySet().retainAll(exact.keySet()));
    List<Predictor> predictors = new ArrayList<>();
    try {
      for (PredictorOptions one : tried) {
        predictors.add(network.predictor(one));
      }
      TargetBinding inputs = TargetBinding.ofInputs(network.networkInputs(), validation);
      double[][] nanos = time(predictors, inputs);
      List<PrecisionChoice.Candidate> candidates = new ArrayList<>();
      for (int p = 0; p < tried.size(); p++) {
        double loss = loss(exact, scores.get(p));
        double[] ratios = new double[nanos[p].length];
        Arrays.setAll(ratios, new Ratio(nanos[0], nanos[p])::of);
        candidates.add(
            new PrecisionChoice.Candidate(
                tried.get(p).precision(),
                tried.get(p).keepFloat(),
                1e9 * timedExamples() / median(nanos[p]),
                median(ratios),
                scores.get(p),
                loss,
                loss <= tolerance,
                predictors.get(p).nativeBytes()));
      }
      return new PrecisionChoice(options, tolerance, callSize(), candidates);
    } finally {
      predictors.forEach(Predictor::close);
    }
  }

  /**
   * Adds 8 bits with the fewest layers in float that bring it within the tolerance, of those whose
   * effect is the greatest; nothing where all would have to be. By halves, for each trial evaluates
   * all examples.
   */
  private void addMixture(
      double tolerance,
      PredictorOptions int8,
      List<PredictorOptions> tried,
      List<Map<String, Double>> scores) {
    Dataset some = Datasets.range(validation, 0, Math.min(MOST_REPORTED, validation.size()));
    List<String> order =
        Quantization.measure(network, some, options).mostAffected().stream()
            .map(Quantization.Layer::name)
            .toList();
    PredictorOptions best = null;
    Map<String, Double> scoresOfBest = Map.of();
    int tooFew = 0;
    int enough = order.size();
    while (enough - tooFew > 1) {
      int count = (tooFew + enough) / 2;
      List<String> kept = new ArrayList<>(options.keepFloat());
      kept.addAll(order.subList(0, count));
      PredictorOptions mixture = int8.keepFloat(kept);
      Map<String, Double> own = scores(mixture);
      if (loss(scores.get(0), own) <= tolerance) {
        enough = count;
        best = mixture;
        scoresOfBest = own;
      } else {
        tooFew = count;
      }
    }
    if (best != null) {
      tried.add(best);
      scores.add(scoresOfBest);
    }
  }

  private record Ratio(double[] numerators, double[] denominators) {
    double of(int i) {
      return numerators[i] / denominators[i];
    }
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static TaskMetric metric(Task task) {
    return new TaskMetric(
        task.name(),
        switch (task.kind()) {
          case CLASSES -> Metric.ACCURACY;
          case LABELS -> Metric.MACRO_AUC;
          case VALUES -> Metric.R2;
        });
  }

  /** By how much the score is worse that is most so; all are the better the higher. */
  private static double loss(Map<String, Double> exact, Map<String, Double> other) {
    return exact.entrySet().stream()
        .mapToDouble(score -> score.getValue() - other.get(score.getKey()))
        .reduce(Double.NEGATIVE_INFINITY, Math::max);
  }

  /** Returns what all answers are judged by, which may be NaN. */
  private Map<String, Double> scores(PredictorOptions one) {
    Map<String, Double> scores = new LinkedHashMap<>();
    if (!tasks.isEmpty()) {
      Evaluation evaluation = evaluate(one);
      List<String> judged = evaluation.tasks().stream().map(TaskEvaluation::task).toList();
      for (Task task : tasks) {
        if (judged.contains(task.name())) {
          TaskMetric metric = metric(task);
          scores.put(metric.toString(), metric.value(evaluation));
        }
      }
    }
    if (!options.layers().isEmpty()) {
      scores.put(SIMILARITY, similarity(one));
    }
    return scores;
  }

  private Evaluation evaluate(PredictorOptions one) {
    TargetBinding binding =
        TargetBinding.ofValidation(network.tasks(), network.networkInputs(), validation);
    EvaluationRun run =
        new EvaluationRun(network.handle(), binding, validation, OptionalDouble.empty(), Map.of());
    PredictorOptions logits = PredictorOptions.defaults().logits();
    try (Predictor predictor =
        network.predictor(logits.precision(one.precision()).keepFloat(one.keepFloat()))) {
      return run.withPredictor(predictor);
    }
  }

  /** Returns the mean, over the examples, of the similarity of layers to those in float. */
  private double similarity(PredictorOptions one) {
    try (Predictor exact = network.predictor(options.precision(Precision.FP32));
        Predictor other = network.predictor(one)) {
      return similarity(exact, other);
    }
  }

  private double similarity(Predictor exactOnes, Predictor others) {
    int size = validation.size();
    int width = exactOnes.outputSize();
    int heads = tasks.stream().mapToInt(Task::width).sum();
    int chunk = Math.min(size, 32);
    TargetBinding inputs = TargetBinding.ofInputs(network.networkInputs(), validation);
    Batch batch = new Batch(inputs, chunk, true);
    ByteBuffer bytes = DirectMemory.allocate((long) chunk * width, "outputs of " + chunk);
    FloatBuffer outputs = bytes.asFloatBuffer();
    float[] exact = new float[chunk * width];
    float[] other = new float[chunk * width];
    double sum = 0;
    int[] order = Shuffle.identity(size);
    for (int first = 0; first < size; first += chunk) {
      int count = Math.min(chunk, size - first);
      batch.read(validation, order, first, count);
      batch.requireFiniteInputs();
      exactOnes.predictAt(count, batch.inputAddress(), DirectMemory.address(bytes));
      outputs.get(0, exact, 0, count * width);
      others.predictAt(count, batch.inputAddress(), DirectMemory.address(bytes));
      outputs.get(0, other, 0, count * width);
      for (int i = 0; i < count; i++) {
        sum += cosine(exact, other, i * width + heads, (i + 1) * width);
      }
    }
    Reference.reachabilityFence(bytes);
    Reference.reachabilityFence(batch);
    return sum / size;
  }

  /** Returns 1 where both are 0. */
  private static double cosine(float[] a, float[] b, int from, int to) {
    double product = 0;
    double squares = 0;
    double others = 0;
    for (int i = from; i < to; i++) {
      product += (double) a[i] * b[i];
      squares += (double) a[i] * a[i];
      others += (double) b[i] * b[i];
    }
    return squares == 0 && others == 0 ? 1 : product / Math.sqrt(squares * others);
  }

  private int callSize() {
    return Math.min(batchSize, validation.size());
  }

  /** Whole calls alone. */
  private int timedExamples() {
    int most = Math.max(callSize(), Math.min(MOST_TIMED, validation.size()));
    return most / callSize() * callSize();
  }

  /** Returns the nanoseconds that all timed examples take, by predictor and turn. */
  private double[][] time(List<Predictor> predictors, TargetBinding inputs) {
    int examples = timedExamples();
    int width = predictors.get(0).outputSize();
    Batch batch = new Batch(inputs, examples, true);
    ByteBuffer outputs = DirectMemory.allocate((long) callSize() * width, "outputs of a call");
    batch.read(validation, Shuffle.identity(validation.size()), 0, examples);
    batch.requireFiniteInputs();
    long inputBytes = (long) predictors.get(0).inputSize() * Float.BYTES;
    double[][] nanos = new double[predictors.size()][MOST_TURNS];
    long begin = System.nanoTime();
    int turns = 0;
    while (turns < MOST_TURNS && (turns < LEAST_TURNS || System.nanoTime() - begin < LEAST_NANOS)) {
      for (int p = 0; p < predictors.size(); p++) {
        long start = System.nanoTime();
        for (int first = 0; first < examples; first += callSize()) {
          predictors
              .get(p)
              .predictAt(
                  callSize(),
                  batch.inputAddress() + first * inputBytes,
                  DirectMemory.address(outputs));
        }
        nanos[p][turns] = System.nanoTime() - start;
      }
      turns++;
    }
    Reference.reachabilityFence(outputs);
    Reference.reachabilityFence(batch);
    int count = turns;
    return Arrays.stream(nanos).map(own -> Arrays.copyOf(own, count)).toArray(double[][]::new);
  }
}
