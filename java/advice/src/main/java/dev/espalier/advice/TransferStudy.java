// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.AdaptationSetting;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Split;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongFunction;

/**
 * Does what a backbone learned help to answer a new question, and from how many examples?
 *
 * <pre>{@code
 * TransferResult result =
 *     TransferStudy.of(backbone)
 *         .head("finding", Head.labels("rain", "tree"))
 *         .timeLimit(Duration.ofMinutes(5))
 *         .run(data);
 * logger.info(result.toString());
 * }</pre>
 *
 * <p><b>What is compared.</b> A network {@linkplain TransferArm from scratch}, new heads on the
 * frozen backbone, and the backbone fine-tuned: each by an {@link dev.espalier.Adaptation}, from a
 * quarter, a half and all of the training part of each fold, a fifth of which chooses among the
 * arm's settings ({@link #settings}). All arms learn from the same examples and are judged on the
 * same others: accuracy of classes, area under the ROC curve of labels, R² of values, the mean of
 * several.
 *
 * <p><b>How sure it is.</b> Differences come with intervals of the paired bootstrap over folds and
 * the examples that judge (1,000 draws). Those of the two ways to transfer are together right in 95
 * % of studies (Bonferroni: 97.5 % each); a verdict needs one without 0.
 *
 * <p><b>Layers.</b> Ridge regression and nearest neighbors on what each layer computes, beside the
 * same layers with random weights, and the raw input, say where the backbone is best cut.
 *
 * <p><b>The same bits</b> for the same data, settings and seed, for any number of threads, times
 * aside; a run that ended early has those of fewer folds or sizes. With a {@link #folder} what was
 * trained is kept there, and a later run of the same study goes on from it, to the same bits.
 *
 * <p>The backbone is not changed. A study belongs to one thread, {@link #cancel} aside.
 * docs/advice.md has measurements of how often it is right.
 *
 * @since 0.1
 */
public final class TransferStudy {
  private final Network backbone;
  private final List<TransferRun.NewHead> heads = new ArrayList<>();
  private final Map<TransferArm, List<AdaptationSetting>> settings =
      new EnumMap<>(
          Map.of(
              TransferArm.SCRATCH,
              List.of(
                  AdaptationSetting.atOnce(3e-3).layerDecay(1),
                  AdaptationSetting.atOnce(1e-2).layerDecay(1)),
              TransferArm.FROZEN,
              List.of(AdaptationSetting.headAlone(3e-3), AdaptationSetting.headAlone(1e-2)),
              TransferArm.FINE_TUNED,
              List.of(
                  AdaptationSetting.headFirst(1e-2, 1),
                  AdaptationSetting.atOnce(3e-3).layerDecay(1))));
  private final List<StudyListener> listeners = new ArrayList<>();
  private Optional<LongFunction<Network>> scratch = Optional.empty();
  private Optional<Dataset> source = Optional.empty();
  private Optional<List<Split>> givenFolds = Optional.empty();
  private int foldCount = 5;
  private long seed;
  private OptionalLong headSteps = OptionalLong.empty();
  private OptionalLong tuningSteps = OptionalLong.empty();
  private int batchSize = 32;
  private int halvings = 2;
  private boolean hasProbes = true;
  private Optional<Duration> timeLimit = Optional.empty();
  private Optional<Path> folder = Optional.empty();
  private volatile boolean isCancelled;

  private TransferStudy(Network backbone) {
    this.backbone = backbone;
  }

  /**
   * Returns a study of a backbone, whose own heads are dropped.
   *
   * @param backbone what to start from
   * @return the study with its usual settings
   */
  public static TransferStudy of(Network backbone) {
    return new TransferStudy(Objects.requireNonNull(backbone, "backbone"));
  }

  /**
   * Puts a new head on the last layer of the backbone.
   *
   * @param name name of the head and its task
   * @param head what it answers
   * @return this
   */
  public TransferStudy head(String name, Head head) {
    heads.add(new TransferRun.NewHead(name, Optional.empty(), head));
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
  public TransferStudy head(String name, String from, Head head) {
    Objects.requireNonNull(from, "from");
    heads.add(new TransferRun.NewHead(name, Optional.of(from), head));
    return this;
  }

  /**
   * Sets how the network from scratch is made. Default: the backbone's form with the new heads, all
   * weights newly initialized ({@link dev.espalier.TransferBuilder#reinitialize}).
   *
   * @param network makes a network with the same heads from a seed, which the study closes
   * @return this
   */
  public TransferStudy scratch(LongFunction<Network> network) {
    scratch = Optional.of(Objects.requireNonNull(network, "network"));
    return this;
  }

  /**
   * Names what the backbone was trained on, to show how much of it was labelled.
   *
   * @param data its examples
   * @return this
   */
  public TransferStudy source(Dataset data) {
    source = Optional.of(Objects.requireNonNull(data, "data"));
    return this;
  }

  /**
   * Sets how an arm may train; validation chooses. Default: from scratch, all at once at 3e-3 and
   * 1e-2; frozen, heads at 3e-3 and 1e-2; fine-tuned, heads first at 1e-2, then all at that rate
   * with a layer decay of 0.5, and all at once at 3e-3.
   *
   * @param arm which
   * @param choices at least one
   * @return this
   */
  public TransferStudy settings(TransferArm arm, List<AdaptationSetting> choices) {
    List<AdaptationSetting> checked = List.copyOf(Objects.requireNonNull(choices, "choices"));
    if (checked.isEmpty()) {
      throw new IllegalArgumentException("choices: expected at least one, got none");
    }
    settings.put(Objects.requireNonNull(arm, "arm"), checked);
    return this;
  }

  /**
   * Sets into how many parts the data is cut, stratified also where answers are blank. Default 5.
   *
   * @param count 2 to 100
   * @return this
   */
  public TransferStudy folds(int count) {
    if (count < 2 || count > 100) {
      throw new IllegalArgumentException("count: expected 2 to 100, got " + count);
    }
    foldCount = count;
    givenFolds = Optional.empty();
    return this;
  }

  /**
   * Sets folds of one's own, of groups say ({@link Datasets#foldsGrouped}), in place of those that
   * the study would cut.
   *
   * @param folds at least two: what to train on, and what to judge by
   * @return this
   */
  public TransferStudy folds(List<Split> folds) {
    List<Split> checked = List.copyOf(Objects.requireNonNull(folds, "folds"));
    if (checked.size() < 2) {
      throw new IllegalArgumentException("folds: expected at least 2, got " + checked.size());
    }
    givenFolds = Optional.of(checked);
    return this;
  }

  /**
   * Sets the seed of folds, heads, networks from scratch, shuffling and the bootstrap. Default 0.
   *
   * @param seed any number
   * @return this
   */
  public TransferStudy seed(long seed) {
    this.seed = seed;
    return this;
  }

  /**
   * Sets the most steps of training heads. Default: as {@link
   * dev.espalier.Adaptation#headSteps(long)}.
   *
   * @param steps at least 1
   * @return this
   */
  public TransferStudy headSteps(long steps) {
    headSteps = OptionalLong.of(positive("steps", steps));
    return this;
  }

  /**
   * Sets the most steps of training all, also from scratch. Default: as {@link
   * dev.espalier.Adaptation#tuningSteps(long)}.
   *
   * @param steps at least 1
   * @return this
   */
  public TransferStudy tuningSteps(long steps) {
    tuningSteps = OptionalLong.of(positive("steps", steps));
    return this;
  }

  /**
   * Sets the examples per step. Default 32.
   *
   * @param size 1 to 2^20
   * @return this
   */
  public TransferStudy batchSize(int size) {
    if (size < 1 || size > 1 << 20) {
      throw new IllegalArgumentException("size: expected 1 to " + (1 << 20) + ", got " + size);
    }
    batchSize = size;
    return this;
  }

  /**
   * Sets how often the training examples are halved, for the curves. Default 2: a quarter, a half
   * and all of them.
   *
   * @param count 0 to 20; sizes below 8 examples are left out
   * @return this
   */
  public TransferStudy halvings(int count) {
    if (count < 0 || count > 20) {
      throw new IllegalArgumentException("count: expected 0 to 20, got " + count);
    }
    halvings = count;
    return this;
  }

  /**
   * Sets whether layers are judged, too. Default true.
   *
   * @param probed whether they are
   * @return this
   */
  public TransferStudy probes(boolean probed) {
    hasProbes = probed;
    return this;
  }

  /**
   * Ends the study after this time, with what it has. What trains then is given up at its next
   * step. Default no limit.
   *
   * @param limit above zero
   * @return this
   */
  public TransferStudy timeLimit(Duration limit) {
    timeLimit = Optional.of(StudyRun.positive(limit));
    return this;
  }

  /**
   * Keeps what was trained in a folder, a file each, so that the same study goes on from there
   * after it was cut short. Files are named after a fingerprint of data, network, settings and
   * seed: any number of studies may share a folder.
   *
   * @param folder is made if it is not there
   * @return this
   */
  public TransferStudy folder(Path folder) {
    this.folder = Optional.of(Objects.requireNonNull(folder, "folder"));
    return this;
  }

  /**
   * Adds a listener.
   *
   * @param listener gets told how the study goes on
   * @return this
   */
  public TransferStudy listener(StudyListener listener) {
    listeners.add(Objects.requireNonNull(listener, "listener"));
    return this;
  }

  /**
   * Ends the run that is going on, at its next step; it returns what it has. So does interrupting
   * its thread. Any thread may call it.
   */
  public void cancel() {
    isCancelled = true;
  }

  /**
   * Runs the study.
   *
   * @param data examples with answers to the new question, at least 20
   * @return what was found
   * @throws IllegalArgumentException if there are too few examples, a name matches nothing, a head
   *     is wrong or missing, or tasks or targets do not fit
   * @throws dev.espalier.ShapeException if inputs or targets have the wrong shape
   * @throws dev.espalier.NonFiniteException if an input is not finite, or all settings of an arm
   *     diverged
   * @throws IllegalStateException if the backbone is closed or in use by another thread, or a file
   *     of the folder is damaged
   * @throws java.io.UncheckedIOException if the folder cannot be used
   */
  public TransferResult run(Dataset data) {
    List<Split> folds = foldsOf(data);
    isCancelled = false;
    StudyRun run = new StudyRun(folder, timeLimit, () -> isCancelled, listeners);
    return new TransferRun(this, data, folds, run).run();
  }

  /**
   * Says what {@link #run} would do, and checks that the examples fit, without training anything.
   *
   * @param data examples as for {@code run}
   * @return some lines for people: folds, what is compared, and how many trainings that takes
   * @throws IllegalArgumentException as {@code run}
   * @throws dev.espalier.ShapeException if inputs or targets have the wrong shape
   * @throws dev.espalier.NonFiniteException if an input is not finite
   * @throws IllegalStateException if the backbone is closed or in use by another thread
   */
  public String explain(Dataset data) {
    return new TransferRun(this, data, foldsOf(data), StudyRun.unlimited()).explain();
  }

  private List<Split> foldsOf(Dataset data) {
    Objects.requireNonNull(data, "data");
    if (heads.isEmpty()) {
      throw new IllegalArgumentException("run: expected a call of head before, got none");
    }
    return givenFolds.orElseGet(() -> StudyRun.folds(data, foldCount, seed));
  }

  private static long positive(String name, long number) {
    if (number < 1) {
      throw new IllegalArgumentException(name + ": expected at least 1, got " + number);
    }
    return number;
  }

  Network backbone() {
    return backbone;
  }

  List<TransferRun.NewHead> heads() {
    return heads;
  }

  List<AdaptationSetting> settings(TransferArm arm) {
    return settings.get(arm);
  }

  Optional<LongFunction<Network>> scratch() {
    return scratch;
  }

  Optional<Dataset> source() {
    return source;
  }

  long seed() {
    return seed;
  }

  OptionalLong headSteps() {
    return headSteps;
  }

  OptionalLong tuningSteps() {
    return tuningSteps;
  }

  int batchSize() {
    return batchSize;
  }

  int halvings() {
    return halvings;
  }

  boolean hasProbes() {
    return hasProbes;
  }

  /** Returns for example {@code "TransferStudy[heads [finding], 5 folds, seed 0]"}. */
  @Override
  public String toString() {
    return "TransferStudy[heads "
        + heads.stream().map(TransferRun.NewHead::name).toList()
        + ", "
        + givenFolds.map(List::size).orElse(foldCount)
        + " folds, seed "
        + seed
        + "]";
  }
}
