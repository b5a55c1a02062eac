// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One run of {@link Adaptation#fit}: tries one setting after the other and keeps the best. */
final class AdaptationRun {
  /** The share of a stage's steps over which the rate rises. */
  private static final long WARM_UP_SHARE = 20;

  private final AdaptationPlan plan;
  private final Dataset training;
  private final Dataset validation;
  private final long startNanos = System.nanoTime();
  private final List<AdaptationReport.Trial> trials = new ArrayList<>();
  private final ValidationPlan.Watched watched;
  private final Set<String> logged = new HashSet<>();
  private @Nullable Network best;
  private History bestHistory;
  private int chosen = -1;
  private double bestCost = Double.POSITIVE_INFINITY;
  private @Nullable NonFiniteException divergence;

  AdaptationRun(AdaptationPlan plan, Dataset training, Dataset validation) {
    this.plan = plan;
    watched = plan.watched();
    this.training = training;
    this.validation = validation;
  }

  Adapted run() {
    try {
      if (plan.featureCache().isPresent()) {
        tryAll(plan.featureCache().get());
      } else {
        try (FeatureCache cache = FeatureCache.create()) {
          tryAll(cache);
        }
      }
      if (best == null && divergence != null) {
        throw divergence;
      }
    } catch (RuntimeException | Error error) {
      if (best != null) {
        best.close();
      }
      throw error;
    }
    return new Adapted(
        best, new AdaptationReport(trials, chosen, watched, bestHistory, secondsSinceStart()));
  }

  private void tryAll(FeatureCache cache) {
    for (AdaptationSetting setting : plan.settings()) {
      if (best != null && (isTimeUp() || Thread.currentThread().isInterrupted())) {
        trials.add(
            AdaptationReport.Trial.notTried(setting, isTimeUp() ? "no time left" : "interrupted"));
      } else {
        tryOne(setting, cache);
      }
    }
  }

  private void tryOne(AdaptationSetting setting, FeatureCache cache) {
    AdaptationPlan.Grafted grafted = plan.graft(setting);
    Network network = grafted.network();
    boolean isKept = false;
    try {
      if (trials.isEmpty()) {
        requireWatched(network);
      }
      Trainer trainer = trainer(setting, grafted, cache);
      trainer.loggedWarnings(logged);
      History history = trainer.fit(training);
      logged.addAll(history.warnings());
      isKept = judge(setting, network, history);
    } catch (NonFiniteException error) {
      divergence = divergence == null ? error : divergence;
      trials.add(AdaptationReport.Trial.diverged(setting));
    } finally {
      if (!isKept) {
        network.close();
      }
    }
  }

  /** Refuses what can't choose before anything is trained. */
  private void requireWatched(Network network) {
    EvaluationRun run =
        new EvaluationRun(
            network.handle(),
            TargetBinding.ofValidation(network.tasks(), network.networkInputs(), validation),
            validation,
            OptionalDouble.empty(),
            Map.of());
    if (watched.metric().isPresent()) {
      run.requireMetric(watched.metric().get().task(), watched.metric().get().metric());
    } else {
      run.readTargets();
      run.requireLabelled("an adaptation");
    }
  }

  /** Writes down what became of a setting; returns whether its network is the best so far. */
  private boolean judge(AdaptationSetting setting, Network network, History history) {
    Optional<Evaluation> evaluation = ofWeights(history);
    double cost =
        evaluation
            .map(of -> watched.metric().map(metric -> metric.cost(of)).orElse(of.loss()))
            .orElse(Double.NaN);
    OptionalDouble value =
        evaluation.stream()
            .mapToDouble(of -> watched.metric().map(metric -> metric.value(of)).orElse(of.loss()))
            .filter(defined -> !Double.isNaN(defined))
            .findFirst();
    String note = value.isPresent() ? "" : whyNoValue(history, evaluation.isPresent());
    trials.add(
        new AdaptationReport.Trial(setting, value, history.steps(), history.seconds(), note));
    if (best != null && !(cost < bestCost)) {
      return false;
    }
    if (best != null) {
      best.close();
    }
    best = network;
    bestHistory = history;
    bestCost = Double.isNaN(cost) ? Double.POSITIVE_INFINITY : cost;
    chosen = trials.size() - 1;
    return true;
  }

  private String whyNoValue(History history, boolean isEvaluated) {
    boolean isUndefined =
        isEvaluated
            || plan.keepsBest()
                && history.epochs().stream().anyMatch(epoch -> epoch.validation().isPresent());
    return isUndefined
        ? "undefined on the validation data"
        : "not validated: ended by " + history.stopReason();
  }

  /** Returns the evaluation of the weights that a fit ended with, if there was one. */
  private Optional<Evaluation> ofWeights(History history) {
    int last = history.epochs().size() - 1;
    int epoch = plan.keepsBest() ? history.bestEpoch().orElse(-1) : last;
    return epoch < 0 ? Optional.empty() : history.epochs().get(epoch).validation();
  }

  private Trainer trainer(
      AdaptationSetting setting, AdaptationPlan.Grafted grafted, FeatureCache cache) {
    int size = training.size();
    List<Stage> stages =
        setting.stages(grafted.backbone(), plan.headSteps(size), plan.tuningSteps(size));
    long steps = stages.stream().mapToLong(stage -> stage.steps().orElseThrow()).sum();
    long shortest = stages.stream().mapToLong(stage -> stage.steps().orElseThrow()).min().orElse(1);
    int epochsPerLook =
        (int) Math.max(1, Math.min(1 << 20, shortest / plan.looks() / plan.stepsPerEpoch(size)));
    Trainer trainer =
        Trainer.of(grafted.network())
            .stages(stages)
            .balance(plan.balance())
            .optimizer(setting.optimizer())
            .schedule(Schedule.cosine().warmup(Math.min(steps - 1, steps / WARM_UP_SHARE)))
            .batchSize(plan.batchSize())
            .seed(plan.seed())
            .validation(validation)
            .validateEvery(epochsPerLook)
            .decayToStart(setting.startDecay())
            .featureCache(cache);
    if (plan.keepsBest()) {
      long epochs = Math.max(1, shortest / plan.stepsPerEpoch(size));
      stopEarly(trainer, (int) Math.min(1 << 24, epochs));
    }
    if (setting.averageDecay() > 0) {
      trainer.averageWeights(setting.averageDecay());
    }
    plan.lengthInput().ifPresent(trainer::groupByLength);
    plan.threads().ifPresent(trainer::threads);
    plan.checkpoints().ifPresent(c -> trainer.checkpoints(c.within("setting" + trials.size())));
    plan.timeLimit().ifPresent(limit -> trainer.timeLimit(left(limit)));
    plan.listeners().forEach(trainer::listener);
    return trainer;
  }

  private void stopEarly(Trainer trainer, int patience) {
    if (watched.metric().isPresent()) {
      TaskMetric metric = watched.metric().get();
      trainer.earlyStopping(patience, metric.task(), metric.metric());
    } else {
      trainer.earlyStopping(patience);
    }
  }

  private boolean isTimeUp() {
    return plan.timeLimit().isPresent()
        && System.nanoTime() - startNanos >= nanos(plan.timeLimit().get());
  }

  private Duration left(Duration limit) {
    return Duration.ofNanos(Math.max(1, nanos(limit) - (System.nanoTime() - startNanos)));
  }

  private static long nanos(Duration duration) {
    boolean isLong = duration.compareTo(Duration.ofNanos(Long.MAX_VALUE)) >= 0;
    return isLong ? Long.MAX_VALUE : duration.toNanos();
  }

  private double secondsSinceStart() {
    return (System.nanoTime() - startNanos) * 1e-9;
  }
}
