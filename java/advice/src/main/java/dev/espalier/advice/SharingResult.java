// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.CheckReturnValue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a {@link SharingStudy} found. Immutable.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class SharingResult {
  private final SharingDecision decision;
  private final List<SharingArm> arms = new ArrayList<>();
  private final Map<Integer, List<Interval>> gains = new TreeMap<>(); // by width, by question
  private final Optional<SharingArm> grouped;
  private final Optional<Interval> gainOfGroups;
  private final double[][] cosines;
  private final int folds;
  private final boolean isComplete;
  private final double seconds;

  SharingResult(
      SharingDecision decision,
      Optional<SharingRun.Outcome> grouped,
      double[][] cosines,
      int folds,
      boolean isComplete,
      double seconds) {
    this.decision = decision;
    this.cosines = cosines;
    this.folds = folds;
    this.isComplete = isComplete;
    this.seconds = seconds;
    for (SharingRun.Outcome outcome : decision.outcomes()) {
      arms.add(decision.arm(outcome));
      if (outcome.way().groups().size() == 1 && decision.separate().isPresent()) {
        gains.put(outcome.way().width(), decision.gainsOf(outcome));
      }
    }
    this.grouped = grouped.map(decision::arm);
    gainOfGroups =
        grouped.map(
            outcome ->
                decision.gain(outcome, decision.separate().orElseThrow(), SharingDecision.LEVEL));
  }

  /**
   * Returns by what was judged.
   *
   * @return for example {@code "macro AUC"}; more is better
   */
  public String metric() {
    return Question.metric(decision.questions());
  }

  /**
   * Returns what was asked.
   *
   * @return names of labels and values; of tasks of classes
   */
  public List<String> questions() {
    return Question.texts(decision.questions());
  }

  /**
   * Returns the ways that were compared.
   *
   * @return one network and separate ones of the first width, then others; fewer if time ran out
   */
  public List<SharingArm> arms() {
    return List.copyOf(arms);
  }

  /**
   * Returns the way that {@link SharingVerdict#SHARE_GROUPS} advises.
   *
   * @return empty with other verdicts
   */
  public Optional<SharingArm> grouped() {
    return grouped;
  }

  /**
   * Returns how much better one network is than separate ones of the first width.
   *
   * @param width of the one network
   * @return the paired difference, all widths together right in 95 % of studies (Bonferroni)
   * @throws IllegalArgumentException if that width was not compared
   */
  public Interval gain(int width) {
    return at(decision.toSeparate(), width);
  }

  /**
   * Returns how much better one network is at each question than separate ones of the first width.
   *
   * @param width of the one network
   * @return paired differences with intervals of 95 % each, in the order of {@link #questions}
   * @throws IllegalArgumentException if that width was not compared
   */
  public List<Interval> gains(int width) {
    return at(gains, width);
  }

  /**
   * Returns how much better a wider network is than one of the first width.
   *
   * @param width of the wider one
   * @return the paired difference, all widths together right in 95 % of studies (Bonferroni)
   * @throws IllegalArgumentException if that width was not compared
   */
  public Interval gainOfWidth(int width) {
    return at(decision.toFirst(), width);
  }

  private static <T> T at(Map<Integer, T> byWidth, int width) {
    if (!byWidth.containsKey(width)) {
      throw new IllegalArgumentException(
          "width: expected one of " + byWidth.keySet() + ", got " + width);
    }
    return byWidth.get(width);
  }

  /**
   * Returns cosines between the gradients of questions: they explain, and decided nothing.
   *
   * @return a copy, of each question with each; NaN where a question has no gradient; empty if
   *     there was no time
   */
  public double[][] gradientCosines() {
    return Arrays.stream(cosines).map(double[]::clone).toArray(double[][]::new);
  }

  /**
   * Returns the verdict.
   *
   * @return what to do
   */
  public SharingVerdict verdict() {
    return decision.verdict();
  }

  /**
   * Returns the narrowest network that is better than that of the first width.
   *
   * @return its width; empty if the first one is large enough, as far as can be told
   */
  public Optional<Integer> betterWidth() {
    return decision.toFirst().entrySet().stream()
        .filter(entry -> entry.getValue().isAbove(0))
        .map(Map.Entry::getKey)
        .findFirst();
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
    if (decision.toSeparate().isEmpty()) {
      return "Can't tell: the study ended before anything was compared.";
    }
    int width = decision.shared().orElseThrow().way().width();
    if (Double.isNaN(gain(width).estimate())) {
      return "Can't tell: no question has known answers to compare "
          + metric()
          + " by in what judges.";
    }
    String by = metric() + ' ' + signed(gain(width)) + " to separate networks";
    String text =
        switch (verdict()) {
          case SHARE -> "Share one network: " + by + ".";
          case SEPARATE -> "Separate networks: one has " + by + ".";
          case SHARE_GROUPS ->
              "Share these groups: "
                  + decision.groups().orElseThrow().stream().map(decision::names).toList()
                  + gainOfGroups
                      .map(
                          gain ->
                              ", " + metric() + ' ' + signed(gain) + " to separate" + " networks")
                      .orElse("")
                  + "; one for all has "
                  + signed(gain(width))
                  + ".";
          case LARGER_NETWORK_FIRST ->
              "A larger network first: one has " + by + ", a wider one " + wider() + ".";
          case CANNOT_TELL ->
              String.format(
                  Locale.ROOT,
                  "Can't tell: %s, which may be a loss of more than %.3f.",
                  by,
                  decision.tolerance());
        };
    if (verdict() == SharingVerdict.LARGER_NETWORK_FIRST) {
      return text;
    }
    return text
        + betterWidth()
            .map(of -> " Width × " + of + " gains " + signed(gainOfWidth(of)) + ".")
            .orElse("");
  }

  /** Of the narrowest wider network that is as good as separate ones. */
  private String wider() {
    return decision.toFirst().entrySet().stream()
        .filter(entry -> entry.getValue().isAbove(0) && !decision.isWorse(gain(entry.getKey())))
        .map(entry -> "(width × " + entry.getKey() + ") " + signed(gain(entry.getKey())))
        .findFirst()
        .orElseThrow();
  }

  private static String signed(Interval gain) {
    return String.format(
        Locale.ROOT, "%+.3f (%+.3f to %+.3f)", gain.estimate(), gain.low(), gain.high());
  }

  /** Returns the verdict, and tables. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(sentence()).append("\n\n");
    TextTable costs = new TextTable().row("", metric(), "parameters", "steps", "µs an example");
    arms.forEach(arm -> costs.row(cells(arm)));
    grouped.ifPresent(arm -> costs.row(cells(arm)));
    text.append(costs).append('\n');
    if (!gains.isEmpty()) {
      text.append(gainTable()).append('\n');
    }
    if (cosines.length > 0) {
      text.append(cosineTable()).append('\n');
    }
    text.append(
        String.format(
            Locale.ROOT,
            "%d folds, intervals of 95 %%; %s%.1f s\n",
            folds,
            isComplete ? "" : "ended early; ",
            seconds));
    return text.toString();
  }

  private static String[] cells(SharingArm arm) {
    return new String[] {
      arm.name(),
      arm.score().toString(),
      String.format(Locale.ROOT, "%,d", arm.parameters()),
      String.format(Locale.ROOT, "%,d", arm.steps()),
      String.format(Locale.ROOT, "%.1f", arm.microseconds())
    };
  }

  private TextTable gainTable() {
    List<String> head = new ArrayList<>(List.of("one less separate"));
    gains.keySet().forEach(width -> head.add("width × " + width));
    TextTable table = new TextTable().row(head.toArray(String[]::new));
    for (int q = 0; q < questions().size(); q++) {
      List<String> row = new ArrayList<>(List.of(questions().get(q)));
      for (List<Interval> ofWidth : gains.values()) {
        row.add(ofWidth.get(q).toString());
      }
      table.row(row.toArray(String[]::new));
    }
    return table;
  }

  private TextTable cosineTable() {
    List<String> head = new ArrayList<>(List.of("cosines of gradients"));
    head.addAll(questions());
    TextTable table = new TextTable().row(head.toArray(String[]::new));
    for (int q = 0; q < cosines.length; q++) {
      List<String> row = new ArrayList<>(List.of(questions().get(q)));
      for (double cosine : cosines[q]) {
        row.add(Double.isNaN(cosine) ? "-" : String.format(Locale.ROOT, "%.2f", cosine));
      }
      table.row(row.toArray(String[]::new));
    }
    return table;
  }
}
