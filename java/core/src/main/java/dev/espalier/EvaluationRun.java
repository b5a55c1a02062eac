// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.NativeHandle;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;

/** Evaluates a network on a data set, once or after each epoch, with the same memory. */
final class EvaluationRun {
  private static final int CHUNK = 256;

  private final NativeHandle network;
  private final TargetBinding binding;
  private final Dataset data;
  private final OptionalDouble threshold;
  private final int chunk;
  private final int size;
  private final int width;
  private final int[] order;
  private final Batch targets;
  private final List<OwnLoss> ownLosses;
  private final ByteBuffer logits;
  private boolean hasTargets;
  private Batch inputs;

  /** Evaluates a network with one threshold for all labels, or those of the tasks. */
  static Evaluation of(
      Network network, Dataset data, OptionalDouble threshold, Map<String, Loss> losses) {
    TargetBinding binding = TargetBinding.of(network.tasks(), network.networkInputs(), data);
    try (Predictor predictor = network.predictor(PredictorOptions.defaults().logits())) {
      return new EvaluationRun(network.handle(), binding, data, threshold, losses)
          .withPredictor(predictor);
    }
  }

  /** Takes one threshold for all labels, or those of the tasks. */
  EvaluationRun(
      NativeHandle network,
      TargetBinding binding,
      Dataset data,
      OptionalDouble threshold,
      Map<String, Loss> losses) {
    this(network, binding, data, threshold, losses, CHUNK);
  }

  EvaluationRun(
      NativeHandle network,
      TargetBinding binding,
      Dataset data,
      OptionalDouble threshold,
      Map<String, Loss> losses,
      int chunk) {
    this.network = network;
    this.binding = binding;
    this.data = data;
    this.threshold = threshold;
    this.chunk = chunk;
    size = data.size();
    width = binding.totalWidth();
    order = Shuffle.identity(size);
    targets = new Batch(binding, size, false);
    ownLosses = OwnLoss.of(binding.tasks(), losses, false);
    logits = DirectMemory.allocate((long) size * width, "logits of " + size + " examples");
  }

  /** Computes logits of {@code count} examples from {@code first} on. */
  interface LogitSource {
    void compute(int first, int count, long logitsAddress);
  }

  /** Computes logits from inputs at an address. */
  interface InputConsumer {
    void compute(int count, long inputsAddress, long logitsAddress);
  }

  /** Refuses a task without targets, and a metric that the task has not, before there are any. */
  void requireMetric(String task, String metric) {
    List<TaskEvaluation> names = new ArrayList<>();
    for (int t = 0; t < binding.tasks().size(); t++) {
      if (binding.isPresent(t)) {
        // Of one example of zeros: which metrics there are depends on the task alone.
        names.add(new TaskEvaluation(0, 0, metrics(t, 0, 1)));
      }
    }
    new Evaluation(0, 0, names).task(task).metric(metric);
  }

  /**
   * Refuses targets, as read, of which nothing is labelled.
   *
   * @param watcher who watches the loss, for the message
   */
  void requireLabelled(String watcher) {
    if (!targets.hasLabels()) {
      throw new IllegalArgumentException(
          "validation: expected a labelled entry for "
              + watcher
              + " to watch the loss of, got none");
    }
  }

  Evaluation withPredictor(Predictor predictor) {
    return run(fromInputs(predictor::predictAt), () -> false);
  }

  /** Returns a source that reads the inputs of the data set. */
  LogitSource fromInputs(InputConsumer consumer) {
    if (inputs == null) {
      inputs = new Batch(binding.withoutTargets(), Math.min(chunk, size), true);
    }
    return (first, count, address) -> {
      inputs.read(data, order, first, count);
      inputs.requireFiniteInputs();
      consumer.compute(count, inputs.inputAddress(), address);
    };
  }

  /** Returns the evaluation, or null if {@code stop} said so meanwhile. */
  Evaluation run(LogitSource source, BooleanSupplier stop) {
    long address = DirectMemory.address(logits);
    try {
      for (int first = 0; first < size; first += chunk) {
        if (stop.getAsBoolean()) {
          return null;
        }
        int count = Math.min(chunk, size - first);
        source.compute(first, count, address + (long) Float.BYTES * first * width);
      }
      readTargets();
      return evaluate(address);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /** Reads and checks the targets, once where the data set is stable. */
  void readTargets() {
    if (!hasTargets) {
      targets.read(data, order, 0, size);
      targets.requireTargetsInRange();
      hasTargets = data.isStable();
    }
  }

  private Evaluation evaluate(long address) {
    double[] losses = new double[1 + 2 * binding.tasks().size()];
    long[] nativeTargets = targets.targetAddresses().clone();
    ownLosses.forEach(own -> nativeTargets[own.index()] = 0);
    network.run(
        id -> Bridge.taskLosses(id, size, address, nativeTargets, targets.maskAddresses(), losses));
    ownLosses.forEach(own -> addOwnLoss(own, losses));
    List<TaskEvaluation> evaluations = new ArrayList<>();
    int column = 0;
    for (int t = 0; t < binding.tasks().size(); t++) {
      if (binding.isPresent(t)) {
        evaluations.add(
            new TaskEvaluation(
                losses[1 + 2 * t], (long) losses[2 + 2 * t], metrics(t, column, size)));
      }
      column += binding.tasks().get(t).width();
    }
    return new Evaluation(losses[0], size, evaluations);
  }

  private void addOwnLoss(OwnLoss own, double[] losses) {
    FloatBuffer floats = logits.asFloatBuffer();
    double sum = 0;
    long labelled = 0;
    for (int first = 0; first < size; first += chunk) {
      int count = Math.min(chunk, size - first);
      sum += own.compute(floats, first * width + own.column(), width, targets, first, count);
      labelled += own.batch().labelledCount();
    }
    double total = sum;
    long known = labelled;
    double loss = network.get(id -> Bridge.ownTaskLoss(id, own.task().name(), size, known, total));
    losses[0] += loss;
    losses[1 + 2 * own.index()] = loss;
    losses[2 + 2 * own.index()] = labelled;
  }

  /** Computes the metrics of a task from the first {@code count} rows of its logits. */
  private Metrics metrics(int t, int column, int count) {
    Task task = binding.tasks().get(t);
    boolean hasOne = threshold.isPresent() && task.kind() == Task.Kind.LABELS;
    Task measured =
        hasOne ? task.thresholds(Collections.nCopies(task.width(), threshold.getAsDouble())) : task;
    return Metrics.compute(
        measured,
        Metrics.thresholds(measured),
        true,
        count,
        width,
        DirectMemory.address(logits) + (long) Float.BYTES * column,
        targets.targetAddresses()[t]);
  }
}
