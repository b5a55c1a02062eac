// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.report.Report;
import dev.espalier.report.Section;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The page of the photographs: the task, where to cut, what it gains, what it answers. */
final class PhotographPage {
  private static final Map<String, String> NAMES =
      Map.of(
          "scratch", "from scratch",
          "random_trunk", "random weights",
          "frozen", "frozen trunk",
          "fine_tuned", "fine-tuned, head first",
          "missing_as_no", "missing counted as no");

  private Section task = Section.titled("1. The task");
  private Section cuts = Section.titled("2. Where to cut the detector");
  private Section gain = Section.titled("3. What it gains");
  private Section figures = Section.titled("");
  private Section answers = Section.titled("4. What it answers");

  /** Sets the task; {@code parts} are the pictures to learn from, for validation, for tests. */
  void task(Map<String, Object> parts) {
    List<List<Object>> questions = new ArrayList<>();
    Stamps.QUESTIONS.forEach((name, yes) -> questions.add(List.of(name, String.join(", ", yes))));
    task =
        task.text(
                "Photographs of Debian's package `tuxpaint-stamps-default`, 96 × 96 pixels on"
                    + " white, and nine yes/no questions about each, several of them true at once."
                    + " The package's folders answer them; 60 % of the answers are then hidden, as"
                    + " if nobody had said. Pictures of one subject lie all in one part: "
                    + parts.get("pool")
                    + " to learn from, "
                    + parts.get("validation")
                    + " for validation, "
                    + parts.get("test")
                    + " for tests.")
            .table(List.of("question", "yes for"), questions);
  }

  void cuts(List<StampTransfer.Cut> all, StampTransfer.Cut best) {
    List<List<Object>> rows = new ArrayList<>();
    for (StampTransfer.Cut cut : all) {
      rows.add(
          List.of(
              cut.layer(),
              cut.channels(),
              cut.cost().toString(),
              cut.macroAuc().toString(),
              cut == best ? "chosen" : ""));
    }
    cuts =
        cuts.text(
                "An SSD MobileNetV2, trained on Open Images to find 24 kinds of things (Apache-2.0,"
                    + " of MediaPipe's Objectron), gives the features: the mean of each channel of"
                    + " one of its layers. Which one, validation pictures decide: the highest"
                    + " macro AUC of a head trained from 200 pictures, over the seeds.")
            .table(List.of("trunk up to", "features", "validation cost", "macro AUC", ""), rows);
  }

  void gain(
      Map<String, Map<String, StampTransfer.Score>> scores, List<Map<String, Object>> verdicts) {
    List<String> sizes = List.copyOf(scores.keySet());
    String most = sizes.get(sizes.size() - 1);
    for (String size : List.of(sizes.get(0), most)) {
      figures =
          figures.figure(
              ReportParts.figure(scores.get(size).get("frozen").macroAuc().mean()),
              "macro AUC from "
                  + size
                  + " photographs (from scratch: "
                  + ReportParts.figure(scores.get(size).get("scratch").macroAuc().mean())
                  + ")");
    }
    figures =
        figures
            .figure(
                ReportParts.percent(scores.get(most).get("frozen").hamming().mean()),
                "of the answers wrong from " + most)
            .figure(
                ReportParts.percent(scores.get(most).get("missing_as_no").hamming().mean()),
                "had missing counted as no");
    gain =
        ReportParts.verdicts(
                gain.charts(
                        ReportParts.overSizes(
                                "labelled pictures",
                                "macro AUC",
                                scores,
                                StampTransfer.Score::macroAuc,
                                NAMES)
                            .caption(
                                "Mean ROC-AUC over the nine questions (higher is better);"
                                    + " whiskers: one standard deviation over the seeds"),
                        ReportParts.overSizes(
                                "labelled pictures",
                                "Hamming loss",
                                scores,
                                StampTransfer.Score::hamming,
                                NAMES)
                            .caption(
                                "Share of wrong answers on the test pictures (lower is better)"))
                    .table(
                        List.of("pictures", "way", "macro AUC", "Hamming loss"),
                        ReportParts.rows(
                            scores,
                            NAMES,
                            score ->
                                List.of(score.macroAuc().toString(), score.hamming().toString()))),
                verdicts)
            .text(
                "Every way is trained by one rule: as many steps for each network, at a rate that"
                    + " the macro AUC on validation pictures chooses with the first seed. \"From"
                    + " scratch\" is a network of four convolutions with batch norms. \"Random"
                    + " weights\" is the detector's own form, frozen, with weights that know"
                    + " nothing. \"Fine-tuned\" tries the head alone, the head first and then all,"
                    + " and all at once, and keeps with each seed what has the highest.");
  }

  void answered(List<AnsweredPicture> pictures) {
    answers =
        answers.text(
            "Test pictures and what the head on the frozen trunk says that was trained from 200 of"
                + " them, first seed: green is right, red is wrong (✓ said yes, ✗ said no).");
    for (AnsweredPicture picture : pictures) {
      answers = picture.addTo(answers);
    }
  }

  Report report(double seconds) {
    return Report.titled("Espalier: a published network, a folder of photographs")
        .subtitle(ReportParts.subtitle(seconds))
        .section(figures)
        .section(task)
        .section(cuts)
        .section(gain)
        .section(answers);
  }
}
