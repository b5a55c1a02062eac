// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Results as tables on the console, and as plain data for result.json. */
final class Tables {
  private Tables() {}

  static Map<String, Object> attributeScores(Map<String, AttributeTransfer.Score> arms) {
    Map<String, Object> result = new LinkedHashMap<>();
    arms.forEach(
        (arm, score) ->
            result.put(
                arm,
                Map.of(
                    "hamming", score.hamming().toList(), "macro_auc", score.macroAuc().toList())));
    return result;
  }

  static Map<String, Object> accuracies(Map<String, Spread> arms) {
    Map<String, Object> result = new LinkedHashMap<>();
    arms.forEach((arm, accuracy) -> result.put(arm, Map.of("accuracy", accuracy.toList())));
    return result;
  }

  static Map<String, Object> severalScores(Map<String, OneOrSeveral.Score> ways) {
    Map<String, Object> result = new LinkedHashMap<>();
    ways.forEach(
        (way, score) ->
            result.put(
                way,
                Map.of(
                    "macro_auc", score.macroAuc().toList(),
                    "hamming", score.hamming().toList(),
                    "parameters", score.parameters(),
                    "steps", score.steps(),
                    "predict_us", score.predictMicros())));
    return result;
  }

  static void attributes(Map<String, Map<String, AttributeTransfer.Score>> scores) {
    line("%n%-8s %-16s %-16s %-16s", "labelled", "way", "Hamming loss", "macro AUC");
    scores.forEach(
        (size, arms) ->
            arms.forEach(
                (arm, score) ->
                    line("%-8s %-16s %-16s %-16s", size, arm, score.hamming(), score.macroAuc())));
  }

  static void unseen(List<String> names, int size, Map<String, AttributeTransfer.Score> scores) {
    line(
        "%nBackbone that never saw %s, judged on exactly those, %d labelled pictures:",
        String.join(" and ", names), size);
    scores.forEach((arm, score) -> line("  %-16s Hamming loss %s", arm, score.hamming()));
  }

  static void hurts(String title, Map<String, Spread> scores) {
    line("%n%s, %d labels:", title, WhenTransferHurts.LABELS);
    scores.forEach((arm, accuracy) -> line("  %-16s accuracy %s", arm, accuracy));
  }

  static void several(Map<String, Map<String, OneOrSeveral.Score>> scores) {
    line(
        "%n%-7s %-22s %-16s %-16s %10s %6s %10s",
        "scenes", "networks", "macro AUC", "Hamming loss", "parameters", "steps", "µs/call");
    scores.forEach(
        (size, ways) ->
            ways.forEach(
                (way, s) ->
                    line(
                        "%-7s %-22s %-16s %-16s %10d %6d %10.1f",
                        size,
                        way,
                        s.macroAuc(),
                        s.hamming(),
                        s.parameters(),
                        s.steps(),
                        s.predictMicros())));
  }

  static void serve(Map<String, Object> results) {
    line("%nServed from a fresh process: %s", results.get("serve"));
  }

  static void verdicts(Object verdicts) {
    for (Object verdict : (List<?>) verdicts) {
      line("→ %s", ((Map<?, ?>) verdict).get("text"));
    }
  }

  private static void line(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
  }
}
