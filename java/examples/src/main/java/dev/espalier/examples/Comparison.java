// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.TrainingListener;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.LongFunction;

/** Trains several cases by one rule, each with several seeds, and judges every run. */
final class Comparison {
  private Comparison() {}

  /**
   * One thing to compare.
   *
   * @param arm makes a network to train, and says how
   * @param training its few examples, from a seed
   * @param validation what the rule looks at
   */
  record Case(Arm arm, LongFunction<Dataset> training, Dataset validation) {}

  /** Training steps of all runs. */
  static long steps(List<Case> cases, TuningRule rule, int seeds) {
    return cases.stream().mapToLong(one -> rule.stepsFor(one.arm().training(), seeds)).sum();
  }

  /** What the judge says of each run: a list of seeds for each case. */
  static <T> List<List<T>> run(
      List<Case> cases,
      TuningRule rule,
      int seeds,
      TrainingListener listener,
      Function<TuningRule.Trained, T> judge) {
    return runCases(cases, rule, seeds, listener, (one, trained) -> judge.apply(trained));
  }

  /** As {@link #run}, for a judge who has to know the case. */
  static <T> List<List<T>> runCases(
      List<Case> cases,
      TuningRule rule,
      int seeds,
      TrainingListener listener,
      BiFunction<Case, TuningRule.Trained, T> judge) {
    List<Callable<TuningRule.Trained>> first = new ArrayList<>();
    for (Case one : cases) {
      first.add(
          () ->
              rule.trainByBest(
                  one.arm().make().apply(0),
                  one.arm().training(),
                  one.training().apply(0),
                  one.validation(),
                  0,
                  listener));
    }
    List<TuningRule.Trained> chosen = Parallel.run(first);
    List<Callable<T>> judged = new ArrayList<>();
    for (int i = 0; i < cases.size(); i++) {
      Case one = cases.get(i);
      TuningRule.Trained best = chosen.get(i);
      judged.add(() -> judge.apply(one, best));
      for (long seed = 1; seed < seeds; seed++) {
        long s = seed;
        judged.add(
            () ->
                judge.apply(
                    one,
                    rule.trainFurther(
                        best,
                        one.arm().make().apply(s),
                        one.arm().training(),
                        one.training().apply(s),
                        one.validation(),
                        s,
                        listener)));
      }
    }
    List<T> results = Parallel.run(judged);
    List<List<T>> byCase = new ArrayList<>();
    for (int i = 0; i < cases.size(); i++) {
      byCase.add(results.subList(i * seeds, (i + 1) * seeds));
    }
    return byCase;
  }
}
