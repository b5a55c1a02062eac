// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.NativeCall;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Trains the layers of a network that are not frozen: {@code
 * Trainer.of(network).epochs(5).fit(data)}.
 *
 * <p>Same network, same data set, same settings and seed give the same bits, for any number of
 * threads, with and without prefetching and the feature cache.
 *
 * <p><b>Frozen layers</b> from the input on are run once for each example where the data set is
 * stable ({@link Dataset#isStable}) and there is room for the features ({@link
 * #featureCacheBudget}); the result is the same, only faster ({@link History#cacheNote}). A {@link
 * FeatureCache} keeps the features for further fits.
 *
 * <p><b>Threads.</b> A trainer belongs to one thread; {@link #cancel} may be called from any. While
 * {@code fit} runs, other threads that use the network get {@link IllegalStateException};
 * predictors made before are unaffected.
 *
 * @since 0.1
 */
public final class Trainer {
  private static final int USUAL_EPOCHS = 10;

  private final Network network;
  private final List<TrainingListener> listeners = new ArrayList<>();
  private final AtomicReference<Fit> running = new AtomicReference<>();
  private final Map<String, Loss> losses = new LinkedHashMap<>();
  private Balance balance = Balance.plain();
  private Optimizer optimizer = AdamW.withLearningRate(1e-3);
  private Schedule schedule = Schedule.constant();
  private int batchSize = 32;
  private OptionalInt epochs = OptionalInt.empty();
  private OptionalLong maxSteps = OptionalLong.empty();
  private long seed;
  private boolean isShuffled = true;
  private String lengthInput;
  private boolean isPrefetching = true;
  private OptionalInt threads = OptionalInt.empty();
  private FeatureCaching featureCaching = FeatureCaching.usual();
  private ValidationPlan validation = ValidationPlan.none();
  private Duration timeLimit;
  private UpdateOptions updates = UpdateOptions.usual();
  private List<Stage> stages = List.of(Stage.asItIs());
  private Optional<Checkpoints> checkpoints = Optional.empty();
  private Set<String> loggedWarnings = Set.of();
  private volatile History lastHistory;

  private Trainer(Network network) {
    this.network = Objects.requireNonNull(network, "network");
  }

  /**
   * Returns a trainer with the default settings: AdamW at 1e-3, batches of 32, 10 epochs.
   *
   * @param network what to train; not held before {@code fit}
   * @return the trainer
   */
  public static Trainer of(Network network) {
    return new Trainer(network);
  }

  /**
   * Sets how gradients become updates.
   *
   * @param optimizer for example {@code AdamW.withLearningRate(1e-3)}
   * @return this
   */
  public Trainer optimizer(Optimizer optimizer) {
    this.optimizer = Objects.requireNonNull(optimizer, "optimizer");
    return this;
  }

  /**
   * Trains a task by a loss of one's own, in place of that of its head. {@link #validation} and
   * {@link #evaluate} report it too. It is no part of the network: a copy, a saved model and {@link
   * Network#evaluate(Dataset)} know the head's own loss alone.
   *
   * @param task name of one of the network's tasks
   * @param loss computes loss and gradients, once a batch
   * @return this
   * @throws IllegalArgumentException if the network has no such task
   */
  public Trainer loss(String task, Loss loss) {
    Objects.requireNonNull(task, "task");
    Objects.requireNonNull(loss, "loss");
    OwnLoss.requireTask(network.tasks(), task);
    losses.put(task, loss);
    return this;
  }

  /**
   * Decides how tasks are weighed against each other while training goes on, on top of their own
   * weights. Default: not at all.
   *
   * @param balance for example {@code Balance.uncertainty()}
   * @return this
   */
  public Trainer balance(Balance balance) {
    this.balance = Objects.requireNonNull(balance, "balance");
    return this;
  }

  /**
   * Sets how the learning rate changes over the steps. Default constant.
   *
   * @param schedule for example {@code Schedule.cosine().warmup(100)}
   * @return this
   */
  public Trainer schedule(Schedule schedule) {
    this.schedule = Objects.requireNonNull(schedule, "schedule");
    return this;
  }

  /**
   * Sets the examples per step; the last batch of an epoch may be smaller. Default 32.
   *
   * @param batchSize 1 to 2^20
   * @return this
   */
  public Trainer batchSize(int batchSize) {
    this.batchSize = Arguments.inRange("batchSize", batchSize, 1, 1 << 20);
    return this;
  }

  /**
   * Sets how often the whole data set is gone through. Default 10, or without limit where {@link
   * #steps} is set.
   *
   * @param epochs at least 1
   * @return this
   */
  public Trainer epochs(int epochs) {
    this.epochs = OptionalInt.of(Arguments.positive("epochs", epochs));
    return this;
  }

  /**
   * Ends training after so many steps, within an epoch if need be. Default no limit.
   *
   * @param steps at least 1
   * @return this
   */
  public Trainer steps(long steps) {
    maxSteps = OptionalLong.of(Arguments.positive("steps", steps));
    return this;
  }

  /**
   * Sets the seed of shuffling and dropout. Default 0.
   *
   * @param seed any number
   * @return this
   */
  public Trainer seed(long seed) {
    this.seed = seed;
    return this;
  }

  /**
   * Decides whether each epoch has an order of its own. Default true.
   *
   * @param shuffle false to keep the data set's order
   * @return this
   */
  public Trainer shuffle(boolean shuffle) {
    isShuffled = shuffle;
    return this;
  }

  /**
   * Puts examples of about one length into one batch: a batch of texts costs what its longest one
   * does, for each. Each epoch has an order of its own: examples for 50 batches, drawn at random,
   * are sorted by length and cut into batches, which come in random order. {@code fit} reads each
   * example once more for that.
   *
   * @param input name of the network's input of one number that says how many positions count
   *     ({@link TransformerOptions#lengths}); without {@link #shuffle}, {@code fit} refuses
   * @return this
   */
  public Trainer groupByLength(String input) {
    lengthInput = NativeCall.text(input, "input");
    return this;
  }

  /**
   * Evaluates on this data set after each epoch, or after each {@link #validateEvery} epochs.
   *
   * @param validation examples that are not trained on
   * @return this
   */
  public Trainer validation(Dataset validation) {
    this.validation = this.validation.on(Objects.requireNonNull(validation, "validation"));
    return this;
  }

  /**
   * Sets how often to evaluate on the validation data; the last epoch is always evaluated. Default
   * after every epoch. Larger numbers suit few examples, whose epochs are short.
   *
   * @param epochs at least 1
   * @return this
   */
  public Trainer validateEvery(int epochs) {
    validation = validation.every(Arguments.positive("epochs", epochs));
    return this;
  }

  /**
   * Puts the weights of the epoch with the smallest validation loss back at the end, however
   * training ended: also where it diverged ({@link NonFiniteException}), but for other exceptions.
   * Needs {@link #validation}, with at least one labelled entry. Of this method and {@link
   * #earlyStopping}, the last call decides what is watched.
   *
   * @return this
   */
  public Trainer keepBest() {
    validation = validation.watch(Optional.empty());
    return this;
  }

  /**
   * As {@link #keepBest()}, with the weights of the epoch that is best by a metric of a task. An
   * undefined metric is never the best; one that is undefined in each epoch (AUC without a known
   * yes, R² of values that are all the same) leaves the last weights, no {@link History#bestEpoch}
   * and one of the {@link History#warnings}. {@code fit} refuses, before it trains, a task that the
   * validation data has no targets of, and a metric that the task has not.
   *
   * @param task name of the task
   * @param metric one of its metrics of the whole task, for example {@link Metric#MACRO_AUC}
   * @return this
   */
  public Trainer keepBest(String task, String metric) {
    validation = validation.watch(Optional.of(new TaskMetric(task, metric)));
    return this;
  }

  /**
   * Stops once the validation loss has not become smaller for {@code patience} epochs, and keeps
   * the best weights as {@link #keepBest()} does.
   *
   * @param patience epochs without improvement, at least 1
   * @return this
   */
  public Trainer earlyStopping(int patience) {
    validation = validation.patience(Arguments.positive("patience", patience));
    return keepBest();
  }

  /**
   * Stops once a metric of a task has not become better for {@code patience} epochs, and keeps the
   * best weights as {@link #keepBest(String, String)} does. An undefined metric is no improvement:
   * one that is undefined in each epoch stops after {@code patience} epochs, with one of the {@link
   * History#warnings}.
   *
   * @param patience epochs without improvement, at least 1
   * @param task name of the task
   * @param metric one of its metrics of the whole task, for example {@link Metric#MACRO_AUC}
   * @return this
   */
  public Trainer earlyStopping(int patience, String task, String metric) {
    int checked = Arguments.positive("patience", patience);
    keepBest(task, metric);
    validation = validation.patience(checked);
    return this;
  }

  /**
   * Adds a listener. Listeners are called in the order in which they were added.
   *
   * @param listener gets told how training goes on
   * @return this
   */
  public Trainer listener(TrainingListener listener) {
    listeners.add(Objects.requireNonNull(listener, "listener"));
    return this;
  }

  /**
   * Ends training at the first step that ends after this time, counted from the call of {@code
   * fit}. Features of frozen layers are computed before the first step; where the time is up by
   * then, there is none. Default no limit.
   *
   * @param limit above zero
   * @return this
   */
  public Trainer timeLimit(Duration limit) {
    timeLimit = Arguments.positive("limit", limit);
    return this;
  }

  /**
   * Clips each gradient to {@code [-limit, limit]}. Default no clipping.
   *
   * @param limit finite and above 0
   * @return this
   */
  public Trainer clipValue(double limit) {
    updates = updates.clipValue(Arguments.positive("limit", limit));
    return this;
  }

  /**
   * Scales all gradients together so that their 2-norm is at most {@code limit}. Default: none.
   *
   * @param limit finite and above 0
   * @return this
   */
  public Trainer clipNorm(double limit) {
    updates = updates.clipNorm(Arguments.positive("limit", limit));
    return this;
  }

  /**
   * Decides whether weight decay also acts on biases and parameters of norm layers. Default false.
   *
   * @param decay true to decay them
   * @return this
   */
  public Trainer decayBiasesAndNorms(boolean decay) {
    updates = updates.decaysBiasesAndNorms(decay);
    return this;
  }

  /**
   * Pulls the backbone's parameters back to what they were when training began, in place of weight
   * decay there: a step moves each by {@code min(1, rate decay)} of the way. It keeps a backbone
   * that is fine-tuned from forgetting what it knew; heads have the optimizer's weight decay.
   * {@code rate} is that of the layer and step. Xuhong et al. 2018 (L2-SP), arXiv:1802.01483.
   * Default 0.
   *
   * @param decay at least 0, for example 0.1
   * @return this
   */
  public Trainer decayToStart(double decay) {
    updates = updates.startDecay(Arguments.notNegative("decay", decay));
    return this;
  }

  /**
   * Ends with an average of the weights over the last steps in place of the last ones: less depends
   * on the last few batches. After step t, counted from 0 in each stage, the average moves by
   * {@code 1 - min(decay, (1 + t)/(10 + t))} of the way to the weights. Validation looks at the
   * average, and {@link #keepBest} keeps it; listeners find the weights that train. Default: none.
   *
   * @param decay at least 0, below 1; 0.98 is an average over about 50 steps
   * @return this
   */
  public Trainer averageWeights(double decay) {
    updates = updates.averageDecay(Arguments.fraction("decay", decay));
    return this;
  }

  /**
   * Trains in stages, each of which may unfreeze layers at its beginning: a new head first, say,
   * then all. The optimizer's state goes on from stage to stage, and so do the schedule, over all
   * stages' steps, the numbers of epochs, and what {@link #keepBest} keeps; with that, a stage
   * begins with the best weights so far. Each stage has its own patience ({@link #earlyStopping}).
   * {@link #epochs} and {@link #steps} are those of each stage that has none of its own. The layers
   * stay unfrozen afterwards.
   *
   * @param stages in their order, at least one
   * @return this
   */
  public Trainer stages(Stage... stages) {
    return stages(List.of(Objects.requireNonNull(stages, "stages")));
  }

  /**
   * Trains in stages, as {@link #stages(Stage...)}, for example those of {@link
   * Stage#gradualUnfreezing}.
   *
   * @param stages in their order, at least one
   * @return this
   */
  public Trainer stages(List<Stage> stages) {
    if (Objects.requireNonNull(stages, "stages").isEmpty()) {
      throw new IllegalArgumentException("stages: expected at least one, got none");
    }
    this.stages = List.copyOf(stages);
    return this;
  }

  /**
   * Decides whether features of frozen layers may be kept, for the time of one fit. Default true.
   *
   * @param enabled false to compute them anew in each epoch
   * @return this
   */
  public Trainer featureCache(boolean enabled) {
    featureCaching = featureCaching.within(enabled ? Long.MAX_VALUE : 0).by(null);
    return this;
  }

  /**
   * Keeps features of frozen layers in a cache that outlives the fit, and uses what it has already.
   * The result has the same bits. Its own options say how much it may keep; {@link
   * #featureCacheBudget} and {@link #featureCacheFolder} are for fits without one.
   *
   * @param cache stays open while {@code fit} runs; closing it is the caller's
   * @return this
   */
  public Trainer featureCache(FeatureCache cache) {
    featureCaching = featureCaching.by(Objects.requireNonNull(cache, "cache"));
    return this;
  }

  /**
   * Lets features of frozen layers be kept if they need at most so many bytes: in memory within the
   * library's budget ({@link Espalier#setNativeBytesBudget}) and half of the machine's, else in a
   * file ({@link #featureCacheFolder}).
   *
   * @param bytes at least 0
   * @return this
   */
  public Trainer featureCacheBudget(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("bytes: expected at least 0, got " + bytes);
    }
    featureCaching = featureCaching.within(bytes);
    return this;
  }

  /**
   * Names the folder for features of frozen layers that memory has no room for, in a file without a
   * name. Default: {@code java.io.tmpdir}. If it is full, they are computed anew in each epoch.
   *
   * @param folder an existing folder, or null: keep features in memory or not at all
   * @return this
   */
  public Trainer featureCacheFolder(@Nullable Path folder) {
    featureCaching = featureCaching.in(folder);
    return this;
  }

  /**
   * Writes down how far {@code fit} is, and goes on from there.
   *
   * @param checkpoints where, and how often
   * @return this
   */
  public Trainer checkpoints(Checkpoints checkpoints) {
    this.checkpoints = Optional.of(Objects.requireNonNull(checkpoints, "checkpoints"));
    return this;
  }

  /**
   * Decides whether the next batch is read by another thread while a step computes, unless that
   * takes no longer than handing it over. Default true.
   *
   * @param enabled false to read on the training thread
   * @return this
   */
  public Trainer prefetch(boolean enabled) {
    isPrefetching = enabled;
    return this;
  }

  /**
   * Limits the threads of each step and evaluation of {@code fit}: training beside other work, say.
   * The result has the same bits for any number.
   *
   * @param count 1 to 256, the caller's included; by default {@link Espalier#threads()}
   * @return this
   */
  public Trainer threads(int count) {
    threads = OptionalInt.of(Arguments.inRange("threads", count, 1, 256));
    return this;
  }

  /**
   * Trains, starting with fresh optimizer state. The tasks of the data set have to be tasks of the
   * network; tasks without targets are left alone.
   *
   * <p>Ends after the last epoch or step, by early stopping, time limit, {@link #cancel} or
   * interruption; {@link History#stopReason} says which. After an exception the network keeps the
   * weights from before the step that failed, or of the best epoch where {@link #keepBest} says,
   * and {@link #lastHistory} tells what came before.
   *
   * @param data what to train on, at least one example
   * @return what happened
   * @throws IllegalArgumentException if tasks or targets do not fit the network, naming example and
   *     label; a head stands on the output of another; {@link Balance#famo} or {@link
   *     Balance#pcGrad} has losses of one's own to weigh; or a checkpoint is of another network
   * @throws ShapeException if inputs or targets have the wrong shape
   * @throws NonFiniteException if an input is not finite, naming the example; or a loss or gradient
   *     (or its square, where the optimizer keeps such), naming step and task, or row and column
   *     where the loss is one's own; or a statistic of a batch norm, naming step and layer; or a
   *     parameter after the update, naming step, parameter and rate
   * @throws IllegalStateException if the network is closed, trained by another trainer or has no
   *     layer to train; this trainer is already running; early stopping or keepBest has no
   *     validation data; the given feature cache is closed or in use by another thread; or {@link
   *     Checkpoints} are those of another fit
   * @throws java.io.UncheckedIOException if the folder of checkpoints can't be made or read
   * @throws NativeMemoryException if the memory budget is too small for the batch size
   * @throws StackOverflowError if this thread has less than 192 KiB of stack left at the beginning
   */
  public History fit(Dataset data) {
    Objects.requireNonNull(data, "data");
    lastHistory = null;
    Fit fit = new Fit(settings(), data);
    if (!running.compareAndSet(null, fit)) {
      throw new BusyException("this trainer is already running");
    }
    try {
      return PlatformThread.call(fit::run);
    } finally {
      running.set(null);
      lastHistory = fit.history();
    }
  }

  /**
   * Evaluates as {@link Network#evaluate(Dataset)} does, with the losses of this trainer.
   *
   * @param data examples with targets, at least one example
   * @return the evaluation
   * @throws IllegalArgumentException if tasks or targets do not fit the network
   * @throws ShapeException if inputs have the wrong size
   * @throws NonFiniteException if an input is not finite, naming the example
   * @throws IllegalStateException if the network is closed or another thread trains it
   * @throws NativeMemoryException if there is no memory for the logits and targets of all examples
   */
  public Evaluation evaluate(Dataset data) {
    return EvaluationRun.of(network, data, OptionalDouble.empty(), losses);
  }

  /** Asks a running {@code fit}, from any thread, to end after its step. Without one: nothing. */
  public void cancel() {
    Fit fit = running.get();
    if (fit != null) {
      fit.cancel();
    }
  }

  /**
   * Returns what happened in the last {@code fit}, even if it ended by an exception.
   *
   * @return empty before the end of the first fit, and after one whose settings or data were
   *     refused before it began
   */
  public Optional<History> lastHistory() {
    return Optional.ofNullable(lastHistory);
  }

  /** Logs none of these warnings again. */
  void loggedWarnings(Set<String> logged) {
    loggedWarnings = logged;
  }

  FitSettings settings() {
    return new FitSettings(
        network,
        stages,
        List.copyOf(listeners),
        Map.copyOf(losses),
        balance,
        optimizer,
        schedule,
        batchSize,
        epochs.orElse(maxSteps.isPresent() ? Integer.MAX_VALUE : USUAL_EPOCHS),
        maxSteps.orElse(Long.MAX_VALUE),
        seed,
        isShuffled,
        Optional.ofNullable(lengthInput),
        isPrefetching,
        threads,
        featureCaching,
        validation,
        timeLimit,
        updates,
        checkpoints,
        loggedWarnings);
  }

  /** Returns for example {@code "Trainer[AdamW[…], batches of 32]"}. */
  @Override
  public String toString() {
    return "Trainer[" + optimizer + ", batches of " + batchSize + "]";
  }
}
