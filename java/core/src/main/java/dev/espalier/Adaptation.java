// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.NativeCall;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Adapts a network to examples of one's own, by a few ways to train of which validation chooses:
 *
 * <pre>{@code
 * try (Adapted adapted =
 *     Adaptation.of(backbone)
 *         .head("finding", Head.labels("rain", "tree"))
 *         .fit(training, validation)) {
 *   adapted.network().save(file);
 *   logger.info(adapted.report().toString());
 * }
 * }</pre>
 *
 * <p><b>What is done.</b> The backbone is frozen under its new heads, which are trained alone, at a
 * few rates: it runs once for each example, whatever is tried. Then come ways that train all of it,
 * head first or at once ({@link #settings}). In each, the learning rate rises, then falls along a
 * cosine over all stages, and the last weights count, not those of a lucky look ({@link #keepBest}
 * if need be). The result is what has the lowest validation loss in the end, or is best by a {@link
 * #metric}, on a tie the earliest: where heads alone are tried, it is never worse there than they
 * are. Batch norms keep the statistics that they have ({@link #batchNorms}).
 *
 * <p><b>The same bits</b> for the same data, settings and seed, for any number of threads, but
 * where {@link #timeLimit} ended what was tried: how far that came depends on the machine. {@link
 * #headSteps}, {@link #tuningSteps} and the list of settings are a budget that does not.
 *
 * <p>The backbone is not changed, nor is this object by {@link #fit}, which any number of times may
 * be called; both belong to one thread meanwhile. docs/transfer.md has measurements.
 *
 * @since 0.1
 */
public final class Adaptation {
  private static final List<AdaptationSetting> USUAL_SETTINGS =
      List.of(
          AdaptationSetting.headAlone(3e-3),
          AdaptationSetting.headAlone(1e-2),
          AdaptationSetting.headFirst(1e-2, 0.1),
          AdaptationSetting.headFirst(1e-2, 1),
          AdaptationSetting.atOnce(3e-3).layerDecay(1));

  private final Network network;
  private final List<AdaptationPlan.NewHead> heads = new ArrayList<>();
  private final List<TrainingListener> listeners = new ArrayList<>();
  private ValidationPlan.Watched watched = new ValidationPlan.Watched(Optional.empty());
  private List<AdaptationSetting> settings = USUAL_SETTINGS;
  private OptionalLong headSteps = OptionalLong.empty();
  private OptionalLong tuningSteps = OptionalLong.empty();
  private int looks = 10;
  private boolean keepsBest;
  private int batchSize = 32;
  private long seed;
  private Optional<Duration> timeLimit = Optional.empty();
  private List<String> keptFrozen = List.of();
  private BatchNormStatistics batchNorms = BatchNormStatistics.KEEP;
  private Optional<FeatureCache> featureCache = Optional.empty();
  private Optional<String> lengthInput = Optional.empty();
  private Optional<Checkpoints> checkpoints = Optional.empty();
  private Balance balance = Balance.plain();
  private OptionalInt threads = OptionalInt.empty();

  private Adaptation(Network network) {
    this.network = network;
  }

  /**
   * Returns an adaptation of a network: with {@link #head}, its own heads are dropped; without,
   * they are what is adapted.
   *
   * @param backbone what to start from
   * @return the adaptation with its usual settings
   */
  public static Adaptation of(Network backbone) {
    return new Adaptation(Objects.requireNonNull(backbone, "backbone"));
  }

  /**
   * Puts a new head on the last layer of the backbone.
   *
   * @param name name of the head and its task
   * @param head what it answers
   * @return this
   */
  public Adaptation head(String name, Head head) {
    heads.add(new AdaptationPlan.NewHead(name, Optional.empty(), head));
    return this;
  }

  /**
   * Puts a new head on any layer.
   *
   * @param name name of the head and its task
   * @param from name of the layer whose output are its features
   * @param head what it answers
   * @return this
   */
  public Adaptation head(String name, String from, Head head) {
    Objects.requireNonNull(from, "from");
    heads.add(new AdaptationPlan.NewHead(name, Optional.of(from), head));
    return this;
  }

  /**
   * Chooses by a metric, in place of the validation loss.
   *
   * @param task name of the task
   * @param metric one of its metrics of the whole task
   * @return this
   */
  public Adaptation metric(String task, String metric) {
    watched = new ValidationPlan.Watched(Optional.of(new TaskMetric(task, metric)));
    return this;
  }

  /**
   * Sets what to try, in this order.
   *
   * @param settings at least one; {@link #usualSettings} unless set
   * @return this
   */
  public Adaptation settings(List<AdaptationSetting> settings) {
    List<AdaptationSetting> checked = List.copyOf(Objects.requireNonNull(settings, "settings"));
    if (checked.isEmpty()) {
      throw new IllegalArgumentException("settings: expected at least one, got none");
    }
    this.settings = checked;
    return this;
  }

  /**
   * Returns what is tried where nothing else is said.
   *
   * @return the settings, in their order
   */
  public static List<AdaptationSetting> usualSettings() {
    return USUAL_SETTINGS;
  }

  /**
   * Sets the most steps of training heads. Default: 300, or ten epochs if they are more.
   *
   * @param steps at least 1
   * @return this
   */
  public Adaptation headSteps(long steps) {
    headSteps = OptionalLong.of(Arguments.positive("steps", steps));
    return this;
  }

  /**
   * Sets the most steps of training all. Default: 150, or ten epochs if they are more.
   *
   * @param steps at least 1
   * @return this
   */
  public Adaptation tuningSteps(long steps) {
    tuningSteps = OptionalLong.of(Arguments.positive("steps", steps));
    return this;
  }

  /**
   * Sets about how often the shortest stage looks at the validation data: whole epochs lie between.
   * Default 10.
   *
   * @param looks 1 to 2^20
   * @return this
   */
  public Adaptation looks(int looks) {
    this.looks = Arguments.inRange("looks", looks, 1, 1 << 20);
    return this;
  }

  /**
   * Keeps, of each setting, the weights that were best at any of the looks, by the loss or metric,
   * in place of the last ones, and ends a stage where they have not become better for as many steps
   * as the shortest stage has. From few examples the lowest loss comes early, long before a ranking
   * or accuracy is at its best; a metric of a ranking ({@link Metric#MACRO_AUC}) may be best while
   * probabilities are still near 0.5; and the more looks, the more luck there is in the best one.
   *
   * @return this
   */
  public Adaptation keepBest() {
    keepsBest = true;
    return this;
  }

  /**
   * Sets the examples per step. Default 32.
   *
   * @param batchSize 1 to 2^20
   * @return this
   */
  public Adaptation batchSize(int batchSize) {
    this.batchSize = Arguments.inRange("batchSize", batchSize, 1, 1 << 20);
    return this;
  }

  /**
   * Puts examples of about one length into one batch, as {@link Trainer#groupByLength}: for texts.
   *
   * @param input name of the network's input that says how many positions count; {@code fit}
   *     refuses one that there is not
   * @return this
   */
  public Adaptation groupByLength(String input) {
    lengthInput = Optional.of(NativeCall.text(input, "input"));
    return this;
  }

  /**
   * Decides how tasks are weighed against each other while training goes on, as {@link
   * Trainer#balance}. Default: not at all.
   *
   * @param balance for example {@code Balance.uncertainty()}
   * @return this
   */
  public Adaptation balance(Balance balance) {
    this.balance = Objects.requireNonNull(balance, "balance");
    return this;
  }

  /**
   * Limits the threads of each step and validation, as {@link Trainer#threads}: adapting beside
   * other work, say.
   *
   * @param count 1 to 256, the caller's included; by default {@link Espalier#threads()}
   * @return this
   */
  public Adaptation threads(int count) {
    threads = OptionalInt.of(Arguments.inRange("threads", count, 1, 256));
    return this;
  }

  /**
   * Sets the seed of new heads, shuffling and dropout. Default 0.
   *
   * @param seed any number
   * @return this
   */
  public Adaptation seed(long seed) {
    this.seed = seed;
    return this;
  }

  /**
   * Ends at the first step that ends after this time, counted from the call of {@code fit}, with
   * the best so far; what was cut short counts only if it is the first. Default no limit.
   *
   * @param limit above zero
   * @return this
   */
  public Adaptation timeLimit(Duration limit) {
    timeLimit = Optional.of(Arguments.positive("limit", limit));
    return this;
  }

  /**
   * Names layers that never train.
   *
   * @param patterns names or globs, at least one; {@code fit} and {@code explain} refuse one that
   *     matches nothing
   * @return this
   */
  public Adaptation keepFrozen(String... patterns) {
    keptFrozen = List.of(TransferBuilder.patterns(patterns));
    return this;
  }

  /**
   * Decides about the batch norms of the backbone. Default {@link BatchNormStatistics#KEEP}: they
   * stay as they are, also where all else trains, as few examples say less of statistics than what
   * they were made from.
   *
   * @param statistics whether they train, and adapt, where the backbone does
   * @return this
   */
  public Adaptation batchNorms(BatchNormStatistics statistics) {
    batchNorms = Objects.requireNonNull(statistics, "statistics");
    return this;
  }

  /**
   * Keeps features of the frozen backbone in a cache that outlives the adaptation: for several
   * heads or folds.
   *
   * @param cache stays open while {@code fit} runs; closing it is the caller's
   * @return this
   */
  public Adaptation featureCache(FeatureCache cache) {
    featureCache = Optional.of(Objects.requireNonNull(cache, "cache"));
    return this;
  }

  /**
   * Writes down how far {@code fit} is with each thing that is tried, in a folder of its own, and
   * goes on from there: what was trained to its end is read, not trained again. The result has the
   * same bits. The time limit counts anew.
   *
   * @param checkpoints where, and how often
   * @return this
   */
  public Adaptation checkpoints(Checkpoints checkpoints) {
    this.checkpoints = Optional.of(Objects.requireNonNull(checkpoints, "checkpoints"));
    return this;
  }

  /**
   * Adds a listener, which gets told of each thing that is tried, one after the other, as of a
   * {@link Trainer#fit}.
   *
   * @param listener gets told how training goes on
   * @return this
   */
  public Adaptation listener(TrainingListener listener) {
    listeners.add(Objects.requireNonNull(listener, "listener"));
    return this;
  }

  /**
   * Returns what {@code fit} would do: the layers, and what would be tried on so many examples.
   *
   * @param examples that there are to train on, at least 1
   * @return lines for people
   * @throws IllegalArgumentException if a name or pattern matches nothing, or a head is wrong
   * @throws ClosedException if the backbone is closed
   * @throws BusyException if another thread trains it
   */
  public String explain(int examples) {
    return plan().explain(Arguments.positive("examples", examples));
  }

  /**
   * Adapts a copy of the network.
   *
   * @param training what to train on, at least one example
   * @param validation what chooses, at least one example, with a labelled entry; none of those to
   *     train on
   * @return the network, to be closed by the caller, and what was tried
   * @throws IllegalArgumentException if a name or pattern matches nothing, a head is wrong, the
   *     network has no heads, tasks or targets do not fit it, or a checkpoint is of another network
   * @throws ShapeException if inputs or targets have the wrong shape
   * @throws NonFiniteException if an input is not finite, naming the example; or all that was tried
   *     diverged
   * @throws IllegalStateException if the backbone is closed or another thread trains it; or the
   *     given feature cache is closed or in use by another thread; or {@link Checkpoints} are those
   *     of another fit
   * @throws java.io.UncheckedIOException if the folder of checkpoints can't be made or read
   * @throws NativeMemoryException if the memory budget is too small
   */
  public Adapted fit(Dataset training, Dataset validation) {
    Objects.requireNonNull(training, "training");
    Objects.requireNonNull(validation, "validation");
    return new AdaptationRun(plan(), training, validation).run();
  }

  private AdaptationPlan plan() {
    return new AdaptationPlan(
        network,
        List.copyOf(heads),
        watched,
        settings,
        headSteps,
        tuningSteps,
        looks,
        keepsBest,
        batchSize,
        seed,
        timeLimit,
        keptFrozen,
        batchNorms,
        featureCache,
        lengthInput,
        checkpoints,
        balance,
        threads,
        List.copyOf(listeners));
  }

  /** Returns for example {@code "Adaptation[heads [finding], 7 settings]"}. */
  @Override
  public String toString() {
    return "Adaptation[heads "
        + heads.stream().map(AdaptationPlan.NewHead::name).toList()
        + ", "
        + settings.size()
        + " settings]";
  }
}
