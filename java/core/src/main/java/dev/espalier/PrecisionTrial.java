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
    Precision[] precisions = Precision.values();
    List<Map<String, Double>> scores = scores(precisions);
    List<Predictor> predictors = new ArrayList<>();
    try {
      for (Precision precision : precisions) {
        predictors.add(network.predictor(options.precision(precision)));
      }
      TargetBinding inputs = TargetBinding.ofInputs(network.networkInputs(), validation);
      if (!options.layers().isEmpty()) {
        addSimilarities(predictors, inputs, scores);
      }
      scores.forEach(own -> own.keySet().retainAll(scores.get(0).keySet()));
      if (scores.get(0).isEmpty()) {
        throw new IllegalArgumentException(
            "validation: expected labelled entries for which a metric of "
                + tasks.stream().map(PrecisionTrial::metric).toList()
                + " is defined, got none");
      }
      double[][] nanos = time(predictors, inputs);
      List<PrecisionChoice.Candidate> candidates = new ArrayList<>();
      for (int p = 0; p < precisions.length; p++) {
        double loss = loss(scores.get(0), scores.get(p));
        double[] ratios = new double[nanos[p].length];
        Arrays.setAll(ratios, new Ratio(nanos[0], nanos[p])::of);
        candidates.add(
            new PrecisionChoice.Candidate(
                precisions[p],
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

  /** Returns the metrics that are defined in float, of each precision. */
  private List<Map<String, Double>> scores(Precision[] precisions) {
    List<Map<String, Double>> scores = new ArrayList<>();
    for (Precision precision : precisions) {
      Map<String, Double> own = new LinkedHashMap<>();
      scores.add(own);
      if (tasks.isEmpty()) {
        continue;
      }
      Evaluation evaluation = evaluate(precision);
      List<String> judged = evaluation.tasks().stream().map(TaskEvaluation::task).toList();
      for (Task task : tasks) {
        if (judged.contains(task.name())) {
          TaskMetric metric = metric(task);
          own.put(metric.toString(), metric.value(evaluation));
        }
      }
      if (precision == Precision.FP32) {
        own.values().removeIf(value -> Double.isNaN(value));
      }
    }
    return scores;
  }

  private Evaluation evaluate(Precision precision) {
    TargetBinding binding =
        TargetBinding.ofValidation(network.tasks(), network.networkInputs(), validation);
    EvaluationRun run =
        new EvaluationRun(network.handle(), binding, validation, OptionalDouble.empty(), Map.of());
    try (Predictor predictor =
        network.predictor(PredictorOptions.defaults().logits().precision(precision))) {
      return run.withPredictor(predictor);
    }
  }

  private void addSimilarities(
      List<Predictor> predictors, TargetBinding inputs, List<Map<String, Double>> scores) {
    int size = validation.size();
    int width = predictors.get(0).outputSize();
    int heads = tasks.stream().mapToInt(Task::width).sum();
    int chunk = Math.min(size, 32);
    Batch batch = new Batch(inputs, chunk, true);
    ByteBuffer bytes = DirectMemory.allocate((long) chunk * width, "outputs of " + chunk);
    FloatBuffer outputs = bytes.asFloatBuffer();
    float[] exact = new float[chunk * width];
    float[] other = new float[chunk * width];
    double[] sums = new double[predictors.size()];
    int[] order = Shuffle.identity(size);
    for (int first = 0; first < size; first += chunk) {
      int count = Math.min(chunk, size - first);
      batch.read(validation, order, first, count);
      batch.requireFiniteInputs();
      for (int p = 0; p < sums.length; p++) {
        predictors.get(p).predictAt(count, batch.inputAddress(), DirectMemory.address(bytes));
        outputs.get(0, p == 0 ? exact : other, 0, count * width);
        for (int i = 0; i < count; i++) {
          int from = i * width + heads;
          sums[p] += p == 0 ? 1 : cosine(exact, other, from, (i + 1) * width);
        }
      }
    }
    Reference.reachabilityFence(bytes);
    Reference.reachabilityFence(batch);
    for (int p = 0; p < sums.length; p++) {
      scores.get(p).put(SIMILARITY, sums[p] / size);
    }
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
