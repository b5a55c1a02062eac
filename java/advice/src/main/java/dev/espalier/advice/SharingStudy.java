// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.NetworkBuilder;
import dev.espalier.Split;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * One network for several questions, or several? And is it large enough?
 *
 * <pre>{@code
 * SharingResult result =
 *     SharingStudy.of(width -> Network.builder(shape).dense("features", 32 * width).relu())
 *         .head("finding", Head::labels)
 *         .run(data);
 * logger.info(result.toString());
 * }</pre>
 *
 * <p><b>What is compared.</b> One network for all questions, of each width, and one for each
 * question, of the first width: trained from the start on the same folds, each for as many steps
 * ({@link #steps}), the rate rising for a twentieth of them, then falling along a cosine; the last
 * weights count. A network of some questions learns from the examples that answer any of them.
 * Labels are questions of their own; the classes of a task are one.
 *
 * <p><b>What decides.</b> Paired differences to the separate networks, with intervals of the
 * bootstrap over folds and examples (1,000 draws):
 *
 * <ul>
 *   <li>Worse is what is worse for sure, and not by less than the {@linkplain #tolerance tolerance}
 *       for sure.
 *   <li>One network of the first width is worse, but a wider one is better than it and not worse
 *       than the separate ones: larger network first.
 *   <li>It is worse at some questions (Bonferroni over questions), not at two or more others: share
 *       these groups, which are trained and shown, too.
 *   <li>It is worse otherwise: separate.
 *   <li>It is better, or loses less than the tolerance for sure: share. Else nobody can tell.
 * </ul>
 *
 * <p>Cosines between the gradients of questions, in a network that is a quarter trained, explain
 * and never decide: below 0, questions pull the shared weights apart.
 *
 * <p><b>The same bits</b> for the same data, settings and seed, for any number of threads, times
 * aside; a run that ended early has those of fewer arms or folds. With a {@link #folder} what was
 * trained is kept there, and a later run of the same study goes on from it. A study belongs to one
 * thread, {@link #cancel} aside.
 *
 * @since 0.1
 */
public final class SharingStudy {
  private final IntFunction<NetworkBuilder> form;
  private final Map<String, Function<String[], ? extends Head>> heads = new LinkedHashMap<>();
  private final List<StudyListener> listeners = new ArrayList<>();
  private List<Integer> widths = List.of(1, 2, 4);
  private List<Integer> separateWidths = List.of();
  private Optional<List<Split>> givenFolds = Optional.empty();
  private int foldCount = 5;
  private long seed;
  private long steps = 500;
  private double learningRate = 3e-3;
  private int batchSize = 32;
  private double tolerance = 0.02;
  private Optional<Duration> timeLimit = Optional.empty();
  private Optional<Path> folder = Optional.empty();
  private volatile boolean isCancelled;

  private SharingStudy(IntFunction<NetworkBuilder> form) {
    this.form = form;
  }

  /**
   * Returns a study of a form of networks.
   *
   * @param form makes a new description of a network without heads, of a width
   * @return the study with its usual settings
   */
  public static SharingStudy of(IntFunction<NetworkBuilder> form) {
    return new SharingStudy(Objects.requireNonNull(form, "form"));
  }

  /**
   * Names a task of the data, and how heads of it are made.
   *
   * @param task a task that the data has targets of
   * @param head makes a head that answers those labels or values, some of the task's; or all
   *     classes: {@code Head::labels}
   * @return this
   */
  public SharingStudy head(String task, Function<String[], ? extends Head> head) {
    heads.put(Objects.requireNonNull(task, "task"), Objects.requireNonNull(head, "head"));
    return this;
  }

  /**
   * Sets which widths to try for one network. Default 1, 2 and 4.
   *
   * @param widths rising, the first at least 1
   * @return this
   */
  public SharingStudy widths(int... widths) {
    this.widths = rising("widths", widths);
    return this;
  }

  /**
   * Sets which widths to try for separate networks beside the first one. Default none: they cost as
   * many trainings as there are questions, and decide nothing.
   *
   * @param widths rising, the first at least 1
   * @return this
   */
  public SharingStudy separateWidths(int... widths) {
    separateWidths = rising("widths", widths);
    return this;
  }

  private static List<Integer> rising(String name, int... widths) {
    boolean isRising = widths.length > 0 && widths[0] > 0;
    for (int w = 1; w < widths.length; w++) {
      isRising &= widths[w - 1] < widths[w];
    }
    List<Integer> list = IntStream.of(widths).boxed().toList();
    if (!isRising) {
      throw new IllegalArgumentException(
          name + ": expected rising numbers, the first at least 1, got " + list);
    }
    return list;
  }

  /**
   * Sets into how many parts the data is cut, stratified also where answers are blank. Default 5.
   *
   * @param count 2 to 100
   * @return this
   */
  public SharingStudy folds(int count) {
    if (count < 2 || count > 100) {
      throw new IllegalArgumentException("count: expected 2 to 100, got " + count);
    }
    foldCount = count;
    givenFolds = Optional.empty();
    return this;
  }

  /**
   * Sets folds of one's own, of groups say ({@link Datasets#foldsGrouped}).
   *
   * @param folds at least two: what to train on, and what to judge by
   * @return this
   */
  public SharingStudy folds(List<Split> folds) {
    List<Split> checked = List.copyOf(Objects.requireNonNull(folds, "folds"));
    if (checked.size() < 2) {
      throw new IllegalArgumentException("folds: expected at least 2, got " + checked.size());
    }
    givenFolds = Optional.of(checked);
    return this;
  }

  /**
   * Sets the seed of folds, networks, shuffling and the bootstrap. Default 0.
   *
   * @param seed any number
   * @return this
   */
  public SharingStudy seed(long seed) {
    this.seed = seed;
    return this;
  }

  /**
   * Sets how long each network is trained. Default 500.
   *
   * @param steps at least 1
   * @return this
   */
  public SharingStudy steps(long steps) {
    if (steps < 1) {
      throw new IllegalArgumentException("steps: expected at least 1, got " + steps);
    }
    this.steps = steps;
    return this;
  }

  /**
   * Sets the highest learning rate of {@link dev.espalier.AdamW}. Default 3e-3.
   *
   * @param rate finite, above 0
   * @return this
   */
  public SharingStudy learningRate(double rate) {
    if (!(rate > 0 && rate < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("rate: expected a number above 0, got " + rate);
    }
    learningRate = rate;
    return this;
  }

  /**
   * Sets the examples per step. Default 32.
   *
   * @param size 1 to 2^20
   * @return this
   */
  public SharingStudy batchSize(int size) {
    if (size < 1 || size > 1 << 20) {
      throw new IllegalArgumentException("size: expected 1 to " + (1 << 20) + ", got " + size);
    }
    batchSize = size;
    return this;
  }

  /**
   * Sets how much worse one network may be, as it costs less. Default 0.02.
   *
   * @param loss in the measure of the study, at least 0
   * @return this
   */
  public SharingStudy tolerance(double loss) {
    if (!(loss >= 0 && loss < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("loss: expected a number of at least 0, got " + loss);
    }
    tolerance = loss;
    return this;
  }

  /**
   * Ends the study after this time, with what it has. What trains then is given up at its next
   * step. Default no limit.
   *
   * @param limit above zero
   * @return this
   */
  public SharingStudy timeLimit(Duration limit) {
    timeLimit = Optional.of(StudyRun.positive(limit));
    return this;
  }

  /**
   * Keeps what was trained in a folder, a file each, so that the same study goes on from there
   * after it was cut short ({@link TransferStudy#folder}).
   *
   * @param folder is made if it is not there
   * @return this
   */
  public SharingStudy folder(Path folder) {
    this.folder = Optional.of(Objects.requireNonNull(folder, "folder"));
    return this;
  }

  /**
   * Adds a listener.
   *
   * @param listener gets told how the study goes on
   * @return this
   */
  public SharingStudy listener(StudyListener listener) {
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
   * @param data examples with answers to at least two questions
   * @return what was found
   * @throws IllegalArgumentException if there are too few examples or questions, the data has no
   *     targets of a task, or a network or head is wrong
   * @throws dev.espalier.ShapeException if inputs or targets have the wrong shape
   * @throws dev.espalier.NonFiniteException if an input is not finite, or training diverged
   * @throws IllegalStateException if a file of the folder is damaged
   * @throws java.io.UncheckedIOException if the folder cannot be used
   */
  public SharingResult run(Dataset data) {
    List<Split> folds = foldsOf(data);
    isCancelled = false;
    StudyRun run = new StudyRun(folder, timeLimit, () -> isCancelled, listeners);
    return new SharingRun(this, data, folds, run).run();
  }

  /**
   * Says what {@link #run} would do, and checks that the examples fit, without training anything.
   *
   * @param data examples as for {@code run}
   * @return some lines for people: folds, what is compared, and how many trainings that takes
   * @throws IllegalArgumentException as {@code run}
   * @throws dev.espalier.ShapeException if inputs or targets have the wrong shape
   * @throws dev.espalier.NonFiniteException if an input is not finite
   */
  public String explain(Dataset data) {
    return new SharingRun(this, data, foldsOf(data), StudyRun.unlimited()).explain();
  }

  private List<Split> foldsOf(Dataset data) {
    Objects.requireNonNull(data, "data");
    if (heads.isEmpty()) {
      throw new IllegalArgumentException("run: expected a call of head before, got none");
    }
    return givenFolds.orElseGet(() -> StudyRun.folds(data, foldCount, seed));
  }

  IntFunction<NetworkBuilder> form() {
    return form;
  }

  Map<String, Function<String[], ? extends Head>> heads() {
    return heads;
  }

  List<Integer> widths() {
    return widths;
  }

  List<Integer> separateWidths() {
    return separateWidths;
  }

  long seed() {
    return seed;
  }

  long steps() {
    return steps;
  }

  double learningRate() {
    return learningRate;
  }

  int batchSize() {
    return batchSize;
  }

  double tolerance() {
    return tolerance;
  }

  /**
   * Returns for example {@code "SharingStudy[tasks [finding], widths [1, 2], 5 folds, seed 0]"}.
   */
  @Override
  public String toString() {
    return "SharingStudy[tasks "
        + heads.keySet()
        + ", widths "
        + widths
        + ", "
        + givenFolds.map(List::size).orElse(foldCount)
        + " folds, seed "
        + seed
        + "]";
  }
}
