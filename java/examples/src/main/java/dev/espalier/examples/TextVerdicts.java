// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What the numbers of the texts say, held against what was expected; measured either way. */
final class TextVerdicts {
  private TextVerdicts() {}

  static List<Map<String, Object>> of(Map<String, Map<String, TagTransfer.Score>> scores) {
    List<Verdict> verdicts = new ArrayList<>();
    scores.forEach(
        (size, arms) -> {
          Spread words = arms.get("bag_of_words").macroAuc();
          Spread frozen = arms.get("frozen").macroAuc();
          verdicts.add(
              Verdict.of(
                  frozen.mean() > words.mean(),
                  "From %s packages a head on frozen MiniLM has macro AUC %s, words alone %s.",
                  size,
                  frozen,
                  words));
        });
    scores.forEach(
        (size, arms) -> {
          Spread frozen = arms.get("frozen").macroAuc();
          Spread tuned = arms.get("fine_tuned").macroAuc();
          double spread = Math.max(frozen.standardDeviation(), tuned.standardDeviation());
          double gain = tuned.mean() - frozen.mean();
          verdicts.add(
              Verdict.of(
                  gain >= -spread,
                  "From %s packages fine-tuning brings it to %s: %s.",
                  size,
                  tuned,
                  gain > spread
                      ? "it pays"
                      : gain < -spread
                          ? "leave the backbone frozen"
                          : "no difference beyond the spread over seeds"));
        });
    scores.forEach(
        (size, arms) -> {
          Spread frozen = arms.get("frozen").macroAuc();
          Spread wrong = arms.get("missing_as_no").macroAuc();
          verdicts.add(
              Verdict.of(
                  wrong.mean() < frozen.mean(),
                  "From %s packages, missing counted as no gives %s, left out %s.",
                  size,
                  wrong,
                  frozen));
        });
    return verdicts.stream().map(Verdict::toMap).toList();
  }
}
