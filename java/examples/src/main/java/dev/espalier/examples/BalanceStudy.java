// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.AdamW;
import dev.espalier.Balance;
import dev.espalier.Network;
import dev.espalier.Schedule;
import dev.espalier.Trainer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What weighing tasks while training goes on gains over plain weights: the same networks, data,
 * batches and seeds, once with each rule.
 */
@Command(name = "balance-study", mixinStandardHelpOptions = true)
final class BalanceStudy implements Callable<Integer> {
  @Option(names = "--garments", required = true, description = "folder of Fashion-MNIST's files")
  private Path garments;

  @Option(names = "--emotions", description = "folder of Mulan's emotions: train.csv, test.csv")
  private Path emotions;

  @Option(names = "--seeds", defaultValue = "10", description = "how often (default 10)")
  private int seeds;

  @Option(names = "--first-seed", defaultValue = "100", description = "default 100")
  private int firstSeed;

  @Option(
      names = "--problems",
      split = ",",
      description = "those of these names: scenes, attributes, emotions, units (default all)")
  private List<String> wanted = List.of();

  @Option(
      names = "--rules",
      split = ",",
      description = "those whose names begin so, beside plain weights (default all)")
  private List<String> chosen = List.of("");

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new BalanceStudy()).execute(arguments));
  }

  private static Map<String, Balance> rules() {
    Map<String, Balance> rules = new LinkedHashMap<>();
    rules.put("plain", Balance.plain());
    for (double rate : new double[] {0.003, 0.01, 0.03}) {
      rules.put("uncertainty, rate " + rate, Balance.uncertainty(rate));
    }
    for (double temperature : new double[] {1, 10, 100}) {
      rules.put("UW-SO, T = " + temperature, Balance.uwSo(temperature));
    }
    rules.put("FAMO", Balance.famo());
    rules.put("FAMO, decay 0.001", Balance.famo(0.025, 0.001));
    rules.put("PCGrad", Balance.pcGrad());
    return rules;
  }

  @Override
  public Integer call() {
    FashionMnist data = FashionMnist.load(garments);
    List<BalanceProblem> problems = new ArrayList<>();
    problems.add(BalanceProblem.scenes(data));
    problems.add(BalanceProblem.attributes(data));
    if (emotions != null) {
      problems.add(BalanceProblem.emotions(emotions));
    }
    problems.add(BalanceProblem.units(data));
    problems.removeIf(one -> !wanted.isEmpty() && !wanted.contains(one.name()));
    problems.forEach(this::compare);
    return 0;
  }

  private void compare(BalanceProblem problem) {
    Map<String, Balance> rules = rules();
    rules
        .keySet()
        .removeIf(rule -> !rule.equals("plain") && chosen.stream().noneMatch(rule::startsWith));
    List<Callable<Double>> jobs = new ArrayList<>();
    for (Balance rule : rules.values()) {
      for (int s = 0; s < seeds; s++) {
        long seed = firstSeed + s;
        jobs.add(() -> score(problem, rule, seed));
      }
    }
    List<Double> scores = Parallel.run(jobs);
    List<Double> plain = scores.subList(0, seeds);
    int at = 0;
    for (String rule : rules.keySet()) {
      List<Double> ofRule = scores.subList(at, at + seeds);
      at += seeds;
      List<Double> gains = new ArrayList<>();
      for (int s = 0; s < seeds; s++) {
        gains.add(ofRule.get(s) - plain.get(s));
      }
      Spread gain = Spread.of(gains);
      double half = gain.standardDeviation() / Math.sqrt(seeds) * studentQuantile(seeds - 1);
      System.out.println(
          String.format(
              Locale.ROOT,
              "%-12s %-24s %s  gain %+.4f (%+.4f to %+.4f)  better on %d of %d",
              problem.name(),
              rule,
              Spread.of(ofRule),
              gain.mean(),
              gain.mean() - half,
              gain.mean() + half,
              gains.stream().filter(g -> g > 0).count(),
              seeds));
    }
  }

  /** The 97.5 % quantile of Student's t, to 2 % (Abramowitz and Stegun 26.7.5). */
  private static double studentQuantile(int degrees) {
    double z = 1.959964;
    double n = degrees;
    return z
        + (Math.pow(z, 3) + z) / (4 * n)
        + (5 * Math.pow(z, 5) + 16 * Math.pow(z, 3) + 3 * z) / (96 * n * n)
        + (3 * Math.pow(z, 7) + 19 * Math.pow(z, 5) + 17 * Math.pow(z, 3) - 15 * z)
            / (384 * n * n * n);
  }

  private static double score(BalanceProblem problem, Balance rule, long seed) {
    try (Network network = problem.network().apply(seed)) {
      Trainer.of(network)
          .balance(rule)
          .optimizer(AdamW.withLearningRate(3e-3))
          .schedule(Schedule.cosine().warmup(problem.steps() / 20))
          .batchSize(32)
          .steps(problem.steps())
          .seed(seed)
          .fit(problem.training().apply(seed));
      return problem.score(network);
    }
  }
}
