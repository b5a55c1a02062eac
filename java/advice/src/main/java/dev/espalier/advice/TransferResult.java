// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.CheckReturnValue;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a {@link TransferStudy} found. Immutable.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class TransferResult {
  static final double LEVEL = 0.95;

  /** Of each of the two differences to a network from scratch: together {@link #LEVEL}. */
  private static final double LEVEL_OF_EACH = 0.975;

  private static final TransferArm[] ARMS = TransferArm.values();

  private final List<Question> questions;
  private final int folds;
  private final List<Curve> curve = new ArrayList<>();
  private final List<LayerProbe> probes;
  private final List<KnownShare> known;
  private final boolean isComplete;
  private final double seconds;

  /** One size: scores of the arms, and differences of each to that from scratch and to frozen. */
  private record Curve(
      int examples,
      int folds,
      Map<TransferArm, Interval> scores,
      Map<TransferArm, Interval> toScratch,
      Interval tunedToFrozen) {}

  TransferResult(
      List<Question> questions,
      long seed,
      int folds,
      List<TransferRun.Size> sizes,
      List<LayerProbe> probes,
      boolean hasAllProbes,
      List<KnownShare> known,
      StudyRun run) {
    this.questions = questions;
    this.folds = folds;
    this.probes = List.copyOf(probes);
    this.known = List.copyOf(known);
    boolean hasAll = hasAllProbes;
    for (TransferRun.Size size : sizes) {
      int done = size.arms().get(TransferArm.SCRATCH).size();
      hasAll &= done == folds;
      if (done > 0) {
        curve.add(curve(size, seed));
      }
    }
    isComplete = hasAll;
    seconds = run.seconds();
  }

  private static Curve curve(TransferRun.Size size, long seed) {
    List<Judged> first = size.arms().get(TransferArm.SCRATCH);
    PairedBootstrap bootstrap =
        new PairedBootstrap(first.stream().mapToInt(Judged::size).toArray(), seed);
    PairedBootstrap.Statistics statistics =
        draw -> {
          double[] values = new double[2 * ARMS.length];
          for (int a = 0; a < ARMS.length; a++) {
            values[a] = Judged.mean(Judged.values(size.arms().get(ARMS[a]), draw));
            values[ARMS.length + a] = values[a] - values[0];
          }
          values[ARMS.length] = values[2] - values[1];
          return values;
        };
    Interval[] all = bootstrap.intervals(statistics, 2 * ARMS.length, LEVEL);
    Interval[] wide = bootstrap.intervals(statistics, 2 * ARMS.length, LEVEL_OF_EACH);
    Map<TransferArm, Interval> scores = new EnumMap<>(TransferArm.class);
    Map<TransferArm, Interval> toScratch = new EnumMap<>(TransferArm.class);
    for (int a = 0; a < ARMS.length; a++) {
      scores.put(ARMS[a], all[a]);
      if (a > 0) {
        toScratch.put(ARMS[a], wide[ARMS.length + a]);
      }
    }
    return new Curve(size.examples(), first.size(), scores, toScratch, all[ARMS.length]);
  }

  /**
   * Returns by what was judged.
   *
   * @return for example {@code "accuracy"}; more is better
   */
  public String metric() {
    return Question.metric(questions);
  }

  /**
   * Returns from how many examples was learned, those that chose settings included.
   *
   * @return rising; empty if the study ended before a fold was done
   */
  public List<Integer> sizes() {
    return curve.stream().map(Curve::examples).toList();
  }

  /**
   * Returns how good an arm was.
   *
   * @param arm which
   * @param examples one of {@link #sizes}
   * @return mean over folds, with an interval of 95 %
   * @throws IllegalArgumentException if there is no such size
   */
  public Interval score(TransferArm arm, int examples) {
    return at(examples).scores().get(Objects.requireNonNull(arm, "arm"));
  }

  /**
   * Returns how much better a way to transfer was than a network from scratch.
   *
   * @param arm frozen or fine-tuned
   * @param examples one of {@link #sizes}
   * @return the paired difference, with an interval of 97.5 %
   * @throws IllegalArgumentException if there is no such size, or the arm is that from scratch
   */
  public Interval gain(TransferArm arm, int examples) {
    if (Objects.requireNonNull(arm, "arm") == TransferArm.SCRATCH) {
      throw new IllegalArgumentException("arm: expected frozen or fine-tuned, got " + arm);
    }
    return at(examples).toScratch().get(arm);
  }

  /**
   * Returns how much better it was to fine-tune than to freeze.
   *
   * @param examples one of {@link #sizes}
   * @return the paired difference, with an interval of 95 %
   * @throws IllegalArgumentException if there is no such size
   */
  public Interval gainOfTuning(int examples) {
    return at(examples).tunedToFrozen();
  }

  private Curve at(int examples) {
    return curve.stream()
        .filter(size -> size.examples() == examples)
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "examples: expected one of " + sizes() + ", got " + examples));
  }

  /**
   * Returns what a way to transfer did, from all examples.
   *
   * @param arm frozen or fine-tuned
   * @return the verdict
   * @throws IllegalArgumentException if the arm is that from scratch
   */
  public Verdict verdict(TransferArm arm) {
    if (Objects.requireNonNull(arm, "arm") == TransferArm.SCRATCH) {
      throw new IllegalArgumentException("arm: expected frozen or fine-tuned, got " + arm);
    }
    return curve.isEmpty() ? Verdict.CANNOT_TELL : Verdict.of(last().toScratch().get(arm));
  }

  /**
   * Returns what transfer did, from all examples.
   *
   * @return helps if any way to transfer does, hurts if all do
   */
  public Verdict verdict() {
    Verdict frozen = verdict(TransferArm.FROZEN);
    Verdict tuned = verdict(TransferArm.FINE_TUNED);
    if (frozen == Verdict.HELPS || tuned == Verdict.HELPS) {
      return Verdict.HELPS;
    }
    return frozen == tuned ? frozen : Verdict.CANNOT_TELL;
  }

  private Curve last() {
    return curve.get(curve.size() - 1);
  }

  /**
   * Returns from how many examples on one arm is better than another, where their curves cross
   * between two of the sizes (once: the last time); linear in the logarithm of the size.
   *
   * @param lower the arm that is better from fewer examples
   * @param upper the arm that is better from more
   * @return empty where they do not cross that way
   */
  public OptionalDouble crossing(TransferArm lower, TransferArm upper) {
    Objects.requireNonNull(lower, "lower");
    Objects.requireNonNull(upper, "upper");
    for (int s = curve.size() - 1; s > 0; s--) {
      double before = difference(curve.get(s - 1), lower, upper);
      double after = difference(curve.get(s), lower, upper);
      if (before < 0 && after >= 0) {
        double share = before / (before - after);
        double from = Math.log(curve.get(s - 1).examples());
        return OptionalDouble.of(
            Math.exp(from + share * (Math.log(curve.get(s).examples()) - from)));
      }
    }
    return OptionalDouble.empty();
  }

  private static double difference(Curve size, TransferArm lower, TransferArm upper) {
    return size.scores().get(upper).estimate() - size.scores().get(lower).estimate();
  }

  /**
   * Returns what simple models make of the raw input and of layers.
   *
   * @return the input first, then layers from the input up; empty if there was no time
   */
  public List<LayerProbe> probes() {
    return probes;
  }

  /**
   * Returns where to cut the backbone: the earliest layer of which ridge regression is within one
   * standard error of the best layer's.
   *
   * @return its name; empty if no layer was judged
   */
  public Optional<String> cutLayer() {
    return LayerProbes.cut(probes.stream().filter(probe -> !probe.layer().isEmpty()).toList());
  }

  /**
   * Returns how much of the tasks is labelled.
   *
   * @return of the source, if it was given, and of the new data
   */
  public List<KnownShare> known() {
    return known;
  }

  /**
   * Returns whether all was done that was to be done.
   *
   * @return false if time ran out, or the study was cancelled
   */
  public boolean isComplete() {
    return isComplete;
  }

  /**
   * Returns how long it took.
   *
   * @return seconds, what was reused not counted
   */
  public double seconds() {
    return seconds;
  }

  /**
   * Returns the verdict in words.
   *
   * @return sentences for people
   */
  public String sentence() {
    if (curve.isEmpty()) {
      return "Can't tell: the study ended before anything was compared.";
    }
    TransferArm best =
        last().scores().get(TransferArm.FROZEN).estimate()
                >= last().scores().get(TransferArm.FINE_TUNED).estimate()
            ? TransferArm.FROZEN
            : TransferArm.FINE_TUNED;
    TransferArm other = best == TransferArm.FROZEN ? TransferArm.FINE_TUNED : TransferArm.FROZEN;
    StringBuilder text = new StringBuilder();
    text.append(
        switch (verdict()) {
          case HELPS -> "Transfer helps: ";
          case HURTS -> "Transfer hurts: ";
          case CANNOT_TELL -> "Can't tell whether transfer helps: ";
        });
    text.append("from ").append(last().examples()).append(" examples, ");
    text.append(compared(best)).append("; ").append(compared(other)).append('.');
    return text.toString();
  }

  private String compared(TransferArm arm) {
    Interval gain = last().toScratch().get(arm);
    String side =
        switch (Verdict.of(gain)) {
          case HELPS -> " helps";
          case HURTS -> " hurts";
          case CANNOT_TELL -> " is undecided";
        };
    return String.format(
        Locale.ROOT,
        "%s%s, %s %.3f for %.3f from scratch, %+.3f (%+.3f to %+.3f)",
        arm,
        side,
        metric(),
        last().scores().get(arm).estimate(),
        last().scores().get(TransferArm.SCRATCH).estimate(),
        gain.estimate(),
        gain.low(),
        gain.high());
  }

  /** Returns the verdict, and tables. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(sentence()).append("\n\n");
    TextTable table =
        new TextTable()
            .row(metric(), "from scratch", "frozen", "fine-tuned", "frozen gains", "tuned gains");
    for (Curve size : curve) {
      table.row(
          size.examples()
              + " examples"
              + (size.folds() < folds ? ", " + size.folds() + " folds" : ""),
          size.scores().get(TransferArm.SCRATCH).toString(),
          size.scores().get(TransferArm.FROZEN).toString(),
          size.scores().get(TransferArm.FINE_TUNED).toString(),
          size.toScratch().get(TransferArm.FROZEN).toString(),
          size.toScratch().get(TransferArm.FINE_TUNED).toString());
    }
    text.append(table);
    appendCrossing(text, TransferArm.FROZEN, TransferArm.SCRATCH);
    appendCrossing(text, TransferArm.FINE_TUNED, TransferArm.SCRATCH);
    appendCrossing(text, TransferArm.FROZEN, TransferArm.FINE_TUNED);
    appendCrossing(text, TransferArm.SCRATCH, TransferArm.FINE_TUNED);
    if (!probes.isEmpty()) {
      text.append('\n').append(probeTable());
      cutLayer().ifPresent(layer -> text.append("cut at: ").append(layer).append('\n'));
    }
    text.append('\n');
    known.forEach(share -> text.append(share).append('\n'));
    text.append(
        String.format(
            Locale.ROOT,
            "%d folds, intervals of 95 %%, gains of 97.5 %%; %s%.1f s\n",
            folds,
            isComplete ? "" : "ended early; ",
            seconds));
    return text.toString();
  }

  private void appendCrossing(StringBuilder text, TransferArm lower, TransferArm upper) {
    crossing(lower, upper)
        .ifPresent(
            examples ->
                text.append(
                    String.format(
                        Locale.ROOT,
                        "%s is better than %s from about %.0f examples on\n",
                        upper,
                        lower,
                        examples)));
  }

  private TextTable probeTable() {
    TextTable table =
        new TextTable().row("layer", "ridge", "neighbors", "ridge, random weights", "neighbors");
    for (LayerProbe probe : probes) {
      table.row(
          probe.layer().isEmpty() ? "raw input" : probe.layer(),
          probe.ridge().toString(),
          probe.neighbors().toString(),
          probe.ridgeOfRandom().map(Interval::toString).orElse(""),
          probe.neighborsOfRandom().map(Interval::toString).orElse(""));
    }
    return table;
  }
}
