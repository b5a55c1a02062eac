// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** What outcomes of ways to share say: {@link SharingStudy} has the rules. */
final class SharingDecision {
  static final double LEVEL = 0.95;

  private final List<Question> questions;
  private final List<SharingRun.Outcome> outcomes;
  private final long seed;
  private final double tolerance;
  private final Optional<SharingRun.Outcome> shared; // of the first width
  private final Optional<SharingRun.Outcome> separate;
  private final Map<Integer, Interval> toSeparate = new LinkedHashMap<>(); // by width, means
  private final Map<Integer, Interval> toFirst = new LinkedHashMap<>(); // by width, means
  private List<Interval> byQuestion = List.of(); // of the first width, as the verdict takes them
  private SharingVerdict verdict = SharingVerdict.CANNOT_TELL;
  private Optional<List<List<Integer>>> groups = Optional.empty();

  SharingDecision(
      List<Question> questions, List<SharingRun.Outcome> outcomes, long seed, double tolerance) {
    this.questions = questions;
    this.outcomes = List.copyOf(outcomes);
    this.seed = seed;
    this.tolerance = tolerance;
    shared = outcomes.stream().filter(SharingDecision::isShared).findFirst();
    separate = outcomes.stream().filter(outcome -> !isShared(outcome)).findFirst();
    if (shared.isPresent() && separate.isPresent()) {
      compare();
      decide();
    }
  }

  private static boolean isShared(SharingRun.Outcome outcome) {
    return outcome.way().groups().size() == 1;
  }

  private void compare() {
    List<SharingRun.Outcome> all = outcomes.stream().filter(SharingDecision::isShared).toList();
    double level = 1 - (1 - LEVEL) / all.size();
    for (SharingRun.Outcome outcome : all) {
      toSeparate.put(outcome.way().width(), gain(outcome, separate.get(), level));
      if (outcome != shared.get()) {
        toFirst.put(outcome.way().width(), gain(outcome, shared.get(), level));
      }
    }
    double levelOfEach = 1 - (1 - LEVEL) / questions.size();
    byQuestion = gains(shared.get(), separate.get(), levelOfEach);
  }

  private void decide() {
    Interval first = toSeparate.get(shared.get().way().width());
    List<Integer> losers =
        IntStream.range(0, questions.size())
            .filter(q -> isWorse(byQuestion.get(q)))
            .boxed()
            .toList();
    boolean isWorse = isWorse(first);
    boolean isLargerEnough =
        toFirst.entrySet().stream()
            .anyMatch(
                entry -> entry.getValue().isAbove(0) && !isWorse(toSeparate.get(entry.getKey())));
    if (isWorse && isLargerEnough) {
      verdict = SharingVerdict.LARGER_NETWORK_FIRST;
    } else if (!losers.isEmpty() && questions.size() - losers.size() >= 2) {
      verdict = SharingVerdict.SHARE_GROUPS;
      groups = Optional.of(groups(losers));
    } else if (isWorse) {
      verdict = SharingVerdict.SEPARATE;
    } else if (first.isAbove(-tolerance)) {
      verdict = SharingVerdict.SHARE;
    }
  }

  /** Worse for sure, and not by less than is tolerated for sure. */
  boolean isWorse(Interval gain) {
    return gain.isBelow(0) && !gain.isAbove(-tolerance);
  }

  private List<List<Integer>> groups(List<Integer> alone) {
    List<List<Integer>> all = new ArrayList<>();
    all.add(IntStream.range(0, questions.size()).filter(q -> !alone.contains(q)).boxed().toList());
    alone.forEach(q -> all.add(List.of(q)));
    return List.copyOf(all);
  }

  /** Returns how much better a way is than another on the folds that both have. */
  Interval gain(SharingRun.Outcome way, SharingRun.Outcome other, double level) {
    return all(way, Optional.of(other), level)[questions.size()];
  }

  private List<Interval> gains(SharingRun.Outcome way, SharingRun.Outcome other, double level) {
    return List.of(all(way, Optional.of(other), level)).subList(0, questions.size());
  }

  /** Returns the question's values and their mean; less those of another way, if there is one. */
  private Interval[] all(SharingRun.Outcome way, Optional<SharingRun.Outcome> other, double level) {
    int folds =
        Math.min(way.folds().size(), other.map(of -> of.folds().size()).orElse(way.folds().size()));
    List<Judged> ofWay = way.folds().subList(0, folds);
    Optional<List<Judged>> ofOther = other.map(of -> of.folds().subList(0, folds));
    PairedBootstrap bootstrap =
        new PairedBootstrap(ofWay.stream().mapToInt(Judged::size).toArray(), seed);
    int count = questions.size();
    return bootstrap.intervals(
        draw -> {
          double[] values = new double[count + 1];
          double[] own = Judged.values(ofWay, draw);
          double[] others = ofOther.map(of -> Judged.values(of, draw)).orElse(new double[count]);
          for (int q = 0; q < count; q++) {
            values[q] = own[q] - others[q];
          }
          values[count] = Judged.mean(own) - (ofOther.isPresent() ? Judged.mean(others) : 0);
          return values;
        },
        count + 1,
        level);
  }

  /** Returns what users are told of a way. */
  SharingArm arm(SharingRun.Outcome outcome) {
    Interval[] scores = all(outcome, Optional.empty(), LEVEL);
    return new SharingArm(
        outcome.way().width(),
        outcome.way().groups().stream().map(this::names).toList(),
        outcome.parameters(),
        outcome.steps(),
        outcome.microseconds(),
        scores[questions.size()],
        List.of(scores).subList(0, questions.size()));
  }

  /** Returns differences to the separate networks at each question, with intervals of 95 %. */
  List<Interval> gainsOf(SharingRun.Outcome outcome) {
    return gains(outcome, separate.orElseThrow(), LEVEL);
  }

  List<String> names(List<Integer> group) {
    return group.stream().map(Question.texts(questions)::get).toList();
  }

  List<Question> questions() {
    return questions;
  }

  List<SharingRun.Outcome> outcomes() {
    return outcomes;
  }

  Optional<SharingRun.Outcome> separate() {
    return separate;
  }

  Optional<SharingRun.Outcome> shared() {
    return shared;
  }

  /** By width: how much better one network is than the separate ones. */
  Map<Integer, Interval> toSeparate() {
    return toSeparate;
  }

  /** By width: how much better one network is than the one of the first width. */
  Map<Integer, Interval> toFirst() {
    return toFirst;
  }

  SharingVerdict verdict() {
    return verdict;
  }

  Optional<List<List<Integer>>> groups() {
    return groups;
  }

  double tolerance() {
    return tolerance;
  }
}
