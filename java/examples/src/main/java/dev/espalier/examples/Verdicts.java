// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What the numbers say, held against what was expected; measured either way. */
final class Verdicts {
  static final String WHY_TRANSFER_HURTS =
      "The input is the same, 28 × 28 grey levels, but frozen features only keep what the first"
          + " task needed to tell its own classes apart. What the new task needs may be gone from"
          + " them, and a new head cannot bring it back. Training from scratch, or fine-tuning the"
          + " backbone too, can.";

  private Verdicts() {}

  static List<Map<String, Object>> attributes(
      Map<String, Map<String, AttributeTransfer.Score>> scores) {
    List<Verdict> verdicts = new ArrayList<>();
    var few = scores.get("20");
    double frozen = few.get("frozen").hamming().mean();
    double scratch = few.get("scratch").hamming().mean();
    double wrong = few.get("missing_as_no").hamming().mean();
    verdicts.add(
        Verdict.of(
            frozen <= 0.8 * scratch,
            "From 20 half-labelled pictures the frozen backbone is wrong in %.1f %% of the answers,"
                + " training from scratch in %.1f %%: %.2f times as often.",
            100 * frozen,
            100 * scratch,
            frozen / scratch));
    verdicts.add(
        Verdict.of(
            frozen < wrong,
            "Counting missing answers as no gives %.1f %% wrong answers, leaving them out of the"
                + " cost %.1f %%.",
            100 * wrong,
            100 * frozen));
    for (String size : List.of("20", "500")) {
      verdicts.add(fineTuning(size, scores.get(size)));
    }
    return maps(verdicts);
  }

  private static Verdict fineTuning(String size, Map<String, AttributeTransfer.Score> arms) {
    double frozen = arms.get("frozen").hamming().mean();
    Spread tuned = arms.get("fine_tuned").hamming();
    return Verdict.of(
        tuned.mean() <= frozen + tuned.standardDeviation(),
        "From %s pictures fine-tuning gives %.1f %% wrong answers as chosen and %.1f %% all at"
            + " once, the head alone %.1f %%: %s.",
        size,
        100 * tuned.mean(),
        100 * arms.get("fine_tuned_at_once").hamming().mean(),
        100 * frozen,
        Math.abs(tuned.mean() - frozen) <= tuned.standardDeviation()
            ? "no difference beyond the spread over seeds"
            : tuned.mean() < frozen ? "it pays" : "leave the backbone frozen");
  }

  static List<Map<String, Object>> hurts(Map<String, Spread> five, Map<String, Spread> digits) {
    List<Verdict> verdicts = new ArrayList<>();
    verdicts.add(hurt("To the other five garments", five));
    if (digits != null) {
      verdicts.add(hurt("To handwritten digits", digits));
    }
    return maps(verdicts);
  }

  private static Verdict hurt(String what, Map<String, Spread> scores) {
    double frozen = scores.get("frozen").mean();
    double scratch = scores.get("scratch").mean();
    return Verdict.of(
        frozen < scratch,
        "%s, from %d labels: frozen %.3f, from scratch %.3f, fine-tuned %.3f (all at once %.3f)"
            + " accuracy.",
        what,
        WhenTransferHurts.LABELS,
        frozen,
        scratch,
        scores.get("fine_tuned").mean(),
        scores.get("fine_tuned_at_once").mean());
  }

  static List<Map<String, Object>> oneOrSeveral(
      Map<String, OneOrSeveral.Score> scores, double alwaysNo) {
    List<Verdict> verdicts = new ArrayList<>();
    Spread narrow = scores.get("shared_width1").macroAuc();
    double one = narrow.mean();
    var two = scores.get("shared_width2");
    var separate = scores.get("separate");
    double gain = separate.macroAuc().mean() - one;
    double spread = Math.max(narrow.standardDeviation(), separate.macroAuc().standardDeviation());
    verdicts.add(
        Verdict.of(
            gain > -spread,
            "From 1,000 scenes a shared network of width 1 has macro AUC %s, four separate ones %s:"
                + " %s.",
            narrow,
            separate.macroAuc(),
            gain > spread
                ? "too small a network pays for sharing"
                : gain < -spread
                    ? "what one question teaches helps the others"
                    : "no difference beyond the spread over seeds"));
    verdicts.add(
        Verdict.of(
            two.macroAuc().mean() > one && two.hamming().mean() < alwaysNo,
            "A shared network of width 2, as large as the four together, has %s, in %.0f %% of"
                + " their training steps, and is wrong in %.1f %% of the answers (the four: %.1f"
                + " %%; always no: %.1f %%).",
            two.macroAuc(),
            100.0 * two.steps() / separate.steps(),
            100 * two.hamming().mean(),
            100 * separate.hamming().mean(),
            100 * alwaysNo));
    double wrong = scores.get("shared_missing_as_no").macroAuc().mean();
    verdicts.add(
        Verdict.of(
            wrong < one,
            "Missing must not count as no: width 1 has %.3f then, instead of %.3f (fully labelled:"
                + " %.3f).",
            wrong,
            one,
            scores.get("shared_fully_labelled").macroAuc().mean()));
    return maps(verdicts);
  }

  static List<Map<String, Object>> stamps(Map<String, Map<String, StampTransfer.Score>> scores) {
    List<Verdict> verdicts = new ArrayList<>();
    scores.forEach(
        (size, arms) -> {
          double frozen = arms.get("frozen").macroAuc().mean();
          double scratch = arms.get("scratch").macroAuc().mean();
          double random = arms.get("random_trunk").macroAuc().mean();
          verdicts.add(
              Verdict.of(
                  frozen > scratch && frozen > random,
                  "From %s pictures the frozen trunk has macro AUC %.3f, a network from scratch"
                      + " %.3f, a trunk of random weights %.3f.",
                  size,
                  frozen,
                  scratch,
                  random));
        });
    String most = Integer.toString(StampTransfer.SIZES[StampTransfer.SIZES.length - 1]);
    Spread frozen = scores.get(most).get("frozen").macroAuc();
    Spread fineTuned = scores.get(most).get("fine_tuned").macroAuc();
    verdicts.add(
        Verdict.of(
            fineTuned.mean() >= frozen.mean() - frozen.standardDeviation(),
            "From %s pictures fine-tuning head first has %s, the frozen trunk %s.",
            most,
            fineTuned,
            frozen));
    double wrong = scores.get(most).get("missing_as_no").hamming().mean();
    double right = scores.get(most).get("frozen").hamming().mean();
    verdicts.add(
        Verdict.of(
            wrong > right,
            "Missing must not count as no: %.1f %% of the answers are wrong then, instead of"
                + " %.1f %%.",
            100 * wrong,
            100 * right));
    return maps(verdicts);
  }

  private static List<Map<String, Object>> maps(List<Verdict> verdicts) {
    return verdicts.stream().map(Verdict::toMap).toList();
  }
}
