// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.History.StopReason;
import dev.espalier.internal.Bridge;
import dev.espalier.internal.NativeHandle;
import dev.espalier.internal.OpenBlas;
import dev.espalier.internal.StackReserve;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/** One run of {@link Trainer#fit}: the loop over epochs and steps. */
final class Fit {
  private static final System.Logger LOGGER = System.getLogger("dev.espalier");

  private final FitSettings settings;
  private final Network network;
  private final Dataset data;
  private final List<Task> tasks;
  private final TargetBinding binding;
  private final int batchSize;
  private final long totalSteps;
  private final Optional<FitCheckpoints> checkpoints;
  private final long startNanos = System.nanoTime();
  private final long limitNanos;
  private final List<EpochResult> epochs = new ArrayList<>();
  private final StepNumbers numbers;
  private final long[] indices;
  private final SplitStep split;
  private final Optional<LengthGroups> lengthGroups;
  private volatile boolean isCancelled;
  private StopReason stopReason;
  private long steps;
  private long prefixExamples;
  private boolean isCached;
  private final List<String> cacheNotes = new ArrayList<>();
  private int epoch; // the next one, through all stages
  private int stageIndex;
  private Stage stage;
  private int firstEpoch; // of the stage
  private long firstStep; // of the stage
  private long plannedBefore; // the stage: steps of those before it, had none ended early
  private final SeenAnswers seen;
  private final List<String> warnings = new ArrayList<>();
  private final BestEpoch best;
  private boolean isBestRestored;
  private Optional<FitCheckpoints.Found> resumed = Optional.empty(); // until it is gone on from
  private double secondsBefore; // in fits that this one goes on from
  private double seconds;
  private History result;

  Fit(FitSettings settings, Dataset data) {
    this.settings = settings;
    this.data = data;
    network = settings.network();
    tasks = network.tasks();
    binding = TargetBinding.of(tasks, network.networkInputs(), data);
    batchSize = Math.min(settings.batchSize(), data.size());
    totalSteps = settings.stages().stream().mapToLong(this::mostSteps).sum();
    limitNanos = limitNanos(settings.timeLimit());
    seen = new SeenAnswers(binding);
    best = new BestEpoch(settings.validation());
    checkpoints =
        settings
            .checkpoints()
            .map(c -> new FitCheckpoints(c, FitFingerprint.of(settings, data, totalSteps)));
    numbers = new StepNumbers(tasks);
    indices = new long[batchSize];
    lengthGroups =
        settings
            .lengthInput()
            .map(input -> LengthGroups.of(data, network.networkInputs(), input, batchSize));
    split = new SplitStep(tasks, settings.losses(), batchSize);
  }

  /** Trains; to be called once. */
  History run() {
    StackReserve.require();
    try {
      requirePatterns();
      resume();
      if (settings.featureCaching().shared().isPresent()) {
        settings
            .featureCaching()
            .shared()
            .get()
            .use(
                () -> {
                  trainStages();
                  return null;
                });
      } else {
        trainStages();
      }
    } catch (RuntimeException | Error error) {
      stopReason = StopReason.FAILED;
      throw error;
    } finally {
      seconds = secondsBefore + secondsSince(startNanos);
    }
    result = history();
    settings.listeners().forEach(listener -> listener.onEnd(result));
    return result;
  }

  /** Makes the fit end after the step that it is at; any thread may call it. */
  void cancel() {
    isCancelled = true;
  }

  /** Returns what has happened so far, the same object once training has ended. */
  History history() {
    return result != null
        ? result
        : new History(
            epochs,
            stopReason == null ? StopReason.FAILED : stopReason,
            steps,
            isBestRestored ? best.epoch() : OptionalInt.empty(),
            prefixExamples,
            isCached,
            String.join("; then ", cacheNotes),
            warnings,
            seconds);
  }

  /** Refuses patterns of stages that match nothing, before there is anything to lose. */
  private void requirePatterns() {
    for (Stage one : settings.stages()) {
      if (!one.patterns().isEmpty()) {
        network.transfer().unfreeze(one.patterns().toArray(String[]::new)).layers();
      }
    }
  }

  /** Takes over how far a checkpoint is; what its trainer knows follows once there is one. */
  private void resume() {
    if (checkpoints.isEmpty()) {
      return;
    }
    HistoryNotes history = new HistoryNotes(tasks, settings.validation().watchedMetric());
    resumed = checkpoints.get().find(history, this::warn);
    if (resumed.isEmpty()) {
      return;
    }
    FitNotes notes = resumed.get().notes();
    if (notes.stage() >= settings.stages().size()) {
      throw new IllegalStateException(
          "stages: expected more than the " + notes.stage() + " that the checkpoint has behind it");
    }
    steps = notes.steps();
    epoch = notes.epoch();
    stageIndex = notes.stage();
    firstEpoch = notes.firstEpoch();
    firstStep = notes.firstStep();
    plannedBefore = notes.plannedBefore();
    prefixExamples = notes.prefixExamples();
    isCached = notes.isCached();
    cacheNotes.addAll(notes.cacheNotes());
    warnings.addAll(0, notes.warnings());
    best.restore(notes.bestValue(), notes.bestEpoch());
    secondsBefore = notes.seconds();
    epochs.addAll(notes.epochs());
    seen.restore(notes.seen());
    for (Stage former : settings.stages().subList(0, stageIndex)) {
      unfreeze(former);
    }
  }

  private FitNotes notes(int examples, long stepsOfEpoch) {
    return new FitNotes(
        stageIndex,
        epoch,
        examples,
        stepsOfEpoch,
        steps,
        firstEpoch,
        firstStep,
        plannedBefore,
        numbers.sums(),
        numbers.rate(),
        seen.text(),
        best.cost(),
        best.epoch(),
        prefixExamples,
        isCached,
        cacheNotes.subList(0, Math.min(stageIndex, cacheNotes.size())),
        warnings,
        secondsBefore + secondsSince(startNanos),
        epochs);
  }

  private void unfreeze(Stage of) {
    if (!of.patterns().isEmpty()) {
      network.unfreeze(of.patterns().toArray(String[]::new));
    }
  }

  private void trainStages() {
    NativeHandle earlier = null;
    try {
      for (; stageIndex < settings.stages().size() && isToGoOn(); stageIndex++) {
        stage = settings.stages().get(stageIndex);
        stopReason = null;
        if (resumed.isEmpty()) {
          firstEpoch = epoch;
          firstStep = steps;
        }
        unfreeze(stage);
        NativeHandle former = earlier;
        NativeHandle trainer = createTrainer();
        earlier = trainer;
        resumed.ifPresent(found -> CheckpointFolder.load(trainer, found.file()));
        if (former != null) {
          try (former) {
            former.run(
                from -> trainer.run(id -> Bridge.trainerContinueFrom(id, from, plannedBefore)));
          }
        }
        trainStage(trainer);
        plannedBefore += mostSteps(stage);
      }
    } finally {
      if (earlier != null) {
        earlier.close();
      }
    }
  }

  /** Says whether the end of a stage is not the end of all. */
  private boolean isToGoOn() {
    return stopReason == null
        || stopReason == StopReason.EPOCHS
        || stopReason == StopReason.STEPS
        || stopReason == StopReason.EARLY_STOPPING;
  }

  private boolean isLastStage() {
    return stageIndex + 1 == settings.stages().size();
  }

  private void trainStage(NativeHandle trainer) {
    try {
      train(trainer);
    } catch (NonFiniteException divergence) {
      restoreBest(trainer);
      throw divergence;
    } finally {
      prefixExamples += trainer.getLong(Bridge::trainerPrefixExamples);
      trainer.run(Bridge::trainerRelease);
    }
  }

  private NativeHandle createTrainer() {
    OpenBlas.provideFor(batchSize);
    String json = TrainerSpec.json(settings, stage, batchSize, totalSteps);
    return network.handle().get(id -> NativeHandle.create(() -> Bridge.trainerCreate(id, json)));
  }

  private void train(NativeHandle trainer) {
    EvaluationRun validation = validation();
    FitFeatures cache =
        new FitFeatures(trainer, batchSize, settings.featureCaching().shared(), this::mustAbort);
    cache.fill(
        binding,
        data,
        settings.validation().data().orElse(null),
        settings.featureCaching().bytes());
    boolean isKept = cache.holdsTraining();
    isCached |= isKept;
    cacheNotes.add(cache.note());
    cache.warnings().forEach(this::warn);
    if (stageIndex == 0 || resumed.isPresent()) {
      long mostEpochs = settings.stages().stream().mapToLong(this::mostEpochs).sum();
      settings.listeners().forEach(listener -> listener.onStart(mostEpochs, totalSteps));
    }
    stopWhereOver(); // a checkpoint may be of the end
    boolean isPrefetching = settings.isPrefetching() && !isKept && data.size() > batchSize;
    try (BatchReader reader = new BatchReader(binding, batchSize, !isKept, isPrefetching)) {
      while (epoch < lastEpoch() && stopReason == null) {
        trainEpoch(trainer, cache, reader, validation, epoch);
        epoch++;
        boolean isOver =
            stopReason == StopReason.EARLY_STOPPING || stopReason == null && epoch == lastEpoch();
        if (checkpoints.isPresent()
            && (isOver || stopReason == null && checkpoints.get().isDueAfterEpoch())) {
          numbers.startEpoch(); // the next one
          checkpoint(trainer, 0, 0);
        }
      }
    }
    resumed = Optional.empty(); // where the stage was over already
    if (stopReason == null) {
      stopReason = StopReason.EPOCHS;
    }
    boolean hasBest = restoreBest(trainer);
    if (!hasBest && settings.updates().averageDecay().isPresent()) {
      trainer.run(Bridge::trainerSwapAverage);
    }
    if (isLastStage() || !isToGoOn()) {
      best.whyNone(epochs).ifPresent(this::warn);
    }
  }

  private long mostSteps(Stage of) {
    return settings.mostSteps(of, stepsPerEpoch());
  }

  private long mostEpochs(Stage of) {
    return (mostSteps(of) + stepsPerEpoch() - 1) / stepsPerEpoch();
  }

  /** Returns the number of the epoch after the stage's last one. */
  private long lastEpoch() {
    return firstEpoch + (long) settings.epochs(stage);
  }

  private boolean restoreBest(NativeHandle trainer) {
    if (best.epoch().isPresent()) {
      trainer.run(Bridge::trainerRestoreBest);
      isBestRestored = true;
    }
    return best.epoch().isPresent();
  }

  private void warn(String warning) {
    warnings.add(warning);
    if (!settings.loggedWarnings().contains(warning)) {
      LOGGER.log(System.Logger.Level.WARNING, warning);
    }
  }

  private void trainEpoch(
      NativeHandle trainer,
      FitFeatures cache,
      BatchReader reader,
      EvaluationRun validation,
      int epoch) {
    final long epochNanos = System.nanoTime();
    Dataset view = data.atEpoch(epoch);
    binding.requireView(view, epoch);
    numbers.startEpoch();
    int done = resumed.map(f -> f.notes().examples()).orElse(0);
    long stepsAtFirst = steps;
    if (resumed.isPresent()) {
      FitNotes notes = resumed.get().notes();
      numbers.restore(notes.sums(), notes.rate());
      stepsAtFirst -= notes.stepsOfEpoch();
      resumed = Optional.empty();
    }
    int examples = trainSteps(trainer, cache, reader, view, epoch, done, stepsAtFirst);
    if (stopReason != null) {
      reader.close(); // or it reads ahead while validation or a listener reads
    }
    if (examples == 0) {
      return;
    }
    if (epoch == 0 && examples == data.size()) {
      seen.warnings().forEach(this::warn);
    }
    Optional<Evaluation> evaluation = Optional.empty();
    boolean isBest = false;
    boolean isComplete = stopReason == null || stopReason == StopReason.STEPS;
    if (validation != null && isComplete && isValidated(epoch)) {
      boolean isAveraging = settings.updates().averageDecay().isPresent();
      if (isAveraging) {
        trainer.run(Bridge::trainerSwapAverage);
      }
      try {
        evaluation =
            Optional.ofNullable(
                validation.run(cache.validationSource(validation), this::mustAbort));
        isBest = evaluation.isPresent() && best.take(evaluation.get(), epoch);
        if (isBest) {
          trainer.run(Bridge::trainerSaveBest);
        }
      } finally {
        if (isAveraging) {
          trainer.run(Bridge::trainerSwapAverage);
        }
      }
    }
    EpochResult result =
        new EpochResult(
            stageIndex,
            epoch,
            steps - stepsAtFirst,
            numbers.loss(examples),
            numbers.taskLosses(examples),
            numbers.taskWeights(),
            evaluation,
            isBest,
            settings.validation().watchedMetric(),
            numbers.rate(),
            secondsSince(epochNanos));
    epochs.add(result);
    settings.listeners().forEach(listener -> listener.onEpoch(result));
    stopWhereOver();
  }

  /** Ends the stage after an epoch that was one too many without a better one. */
  private void stopWhereOver() {
    EpochResult last = epochs.isEmpty() ? null : epochs.get(epochs.size() - 1);
    if (stopReason == null
        && last != null
        && last.stage() == stageIndex
        && last.validation().isPresent()
        && best.isOutOfPatience(last.epoch(), firstEpoch)) {
      stopReason = StopReason.EARLY_STOPPING;
    }
  }

  private boolean isValidated(int epoch) {
    boolean isLast = epoch + 1 == lastEpoch() || stopReason == StopReason.STEPS;
    return isLast || (epoch - firstEpoch + 1) % settings.validation().every() == 0;
  }

  private int[] order(int epoch) {
    if (lengthGroups.isPresent()) {
      return lengthGroups.get().order(settings.seed(), epoch);
    }
    return settings.isShuffled()
        ? Shuffle.permutation(data.size(), settings.seed(), epoch)
        : Shuffle.identity(data.size());
  }

  /** Runs the steps of an epoch; returns how many examples they had in all. */
  private int trainSteps(
      NativeHandle trainer,
      FitFeatures cache,
      BatchReader reader,
      Dataset view,
      int epoch,
      int done,
      long stepsAtFirst) {
    int[] order = order(epoch);
    int first = Math.min(done, order.length); // of a data set that may differ, and is smaller
    reader.start(view, Arrays.copyOfRange(order, first, order.length));
    int examples = done;
    stopAfterLastStep(); // which a checkpoint may be of
    try {
      while (!mustStop()) {
        Batch batch = reader.next();
        if (batch == null) {
          return examples;
        }
        step(trainer, cache, batch);
        if (epoch == 0 && seen.isIncomplete()) {
          batch.addTo(seen);
        }
        examples += batch.size();
        steps++;
        report(epoch, batch.size());
        stopAfterLastStep();
        boolean isLast = stopReason == StopReason.STEPS;
        if (checkpoints.isPresent()
            && (isLast || stopReason == null && checkpoints.get().isDue(steps))) {
          checkpoint(trainer, examples, steps - stepsAtFirst);
        }
      }
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
      stopReason = StopReason.INTERRUPTED;
    }
    return examples;
  }

  private void stopAfterLastStep() {
    if (steps - firstStep >= settings.maxSteps(stage) && stopReason == null) {
      stopReason = StopReason.STEPS;
    }
  }

  private void checkpoint(NativeHandle trainer, int examples, long stepsOfEpoch) {
    checkpoints.get().save(trainer, notes(examples, stepsOfEpoch), this::warn);
  }

  private void step(NativeHandle trainer, FitFeatures cache, Batch batch) {
    if (network.isClosed()) {
      throw new ClosedException("the network was closed while it was trained");
    }
    try {
      if (!split.isNeedless()) {
        split.run(
            trainer, logits -> beginStep(trainer, cache, batch, logits), batch, numbers.results());
      } else if (cache.holdsTraining()) {
        cache.step(batch, indices, numbers.results());
      } else {
        trainer.run(
            id ->
                Bridge.trainerStep(
                    id,
                    batch.size(),
                    batch.inputAddress(),
                    batch.targetAddresses(),
                    batch.maskAddresses(),
                    numbers.results()));
      }
    } catch (NonFiniteException error) {
      batch.requireFiniteInputs(); // names the example if that was it
      throw error;
    } catch (IllegalArgumentException error) {
      batch.requireTargetsInRange(); // as above
      throw error;
    } finally {
      Reference.reachabilityFence(batch);
    }
  }

  private void beginStep(NativeHandle trainer, FitFeatures cache, Batch batch, long logits) {
    if (cache.holdsTraining()) {
      cache.beginStep(batch, indices, logits);
    } else {
      trainer.run(
          id ->
              Bridge.trainerBeginStep(
                  id,
                  batch.size(),
                  batch.inputAddress(),
                  batch.targetAddresses(),
                  batch.maskAddresses(),
                  logits));
    }
  }

  private void report(int epoch, int count) {
    numbers.add(count);
    if (!settings.listeners().isEmpty()) {
      StepResult result = numbers.step(epoch, steps - 1, count);
      settings.listeners().forEach(listener -> listener.onStep(result));
    }
  }

  private EvaluationRun validation() {
    ValidationPlan plan = settings.validation();
    if (plan.data().isEmpty()) {
      return null;
    }
    Dataset validation = plan.data().get();
    TargetBinding validationBinding =
        TargetBinding.ofValidation(tasks, network.networkInputs(), validation);
    EvaluationRun run =
        new EvaluationRun(
            network.handle(),
            validationBinding,
            validation,
            OptionalDouble.empty(),
            settings.losses(),
            batchSize);
    // What is wrong here is better known before an epoch of hours than after it.
    run.readTargets();
    Optional<TaskMetric> metric = plan.watchedMetric();
    if (metric.isPresent()) {
      run.requireMetric(metric.get().task(), metric.get().metric());
    } else if (plan.watched().isPresent()) {
      // Without one, the loss is 0 in each epoch.
      run.requireLabelled(plan.askedBy());
    }
    return run;
  }

  private boolean mustStop() {
    return mustAbort() || stopReason != null;
  }

  /** Says whether to drop even what a finished epoch still has to do. */
  private boolean mustAbort() {
    StopReason reason = null;
    if (Thread.currentThread().isInterrupted()) {
      reason = StopReason.INTERRUPTED;
    } else if (isCancelled) {
      reason = StopReason.CANCELLED;
    } else if (System.nanoTime() - startNanos >= limitNanos) {
      reason = StopReason.TIME_LIMIT;
    }
    if (stopReason == null) {
      stopReason = reason;
    }
    return reason != null;
  }

  private long stepsPerEpoch() {
    return (data.size() + batchSize - 1L) / batchSize;
  }

  private static long limitNanos(Duration limit) {
    boolean isUnlimited = limit == null || limit.compareTo(Duration.ofNanos(Long.MAX_VALUE)) >= 0;
    return isUnlimited ? Long.MAX_VALUE : limit.toNanos();
  }

  private static double secondsSince(long nanos) {
    return (System.nanoTime() - nanos) * 1e-9;
  }
}
