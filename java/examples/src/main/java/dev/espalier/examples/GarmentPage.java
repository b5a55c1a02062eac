// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.History;
import dev.espalier.report.Chart;
import dev.espalier.report.Report;
import dev.espalier.report.Section;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The page of the quick start: a section for each of its parts. */
final class GarmentPage {
  private static final Map<String, String> NAMES =
      Map.ofEntries(
          Map.entry("scratch", "from scratch"),
          Map.entry("frozen", "frozen backbone"),
          Map.entry("fine_tuned", "adapted"),
          Map.entry("fine_tuned_at_once", "fine-tuned at once"),
          Map.entry("missing_as_no", "missing counted as no"),
          Map.entry("shared_width1", "one network, width 1"),
          Map.entry("shared_width2", "one network, width 2"),
          Map.entry("shared_width4", "one network, width 4"),
          Map.entry("separate", "four networks, width 1"),
          Map.entry("shared_missing_as_no", "one, missing as no"),
          Map.entry("shared_fully_labelled", "one, fully labelled"));

  private static final String SPREAD = "; whiskers: one standard deviation over the seeds";

  private Section figures = Section.titled("");
  private final List<Section> sections = new ArrayList<>();

  void pretraining(History history, double accuracy) {
    figures = figures.figure(ReportParts.percent(accuracy), "test accuracy after pre-training");
    Chart loss = Chart.lines("epoch", "cost");
    for (Map.Entry<String, double[][]> curve : Curves.losses(history).entrySet()) {
      loss = loss.points(curve.getKey(), curve.getValue());
    }
    sections.add(
        Section.titled("1. Pre-train on ten kinds of garment")
            .text(
                "A small convolutional network learns the ten classes of Fashion-MNIST from 54,000"
                    + " pictures. Its layers up to `features` are the backbone of everything"
                    + " below.")
            .charts(
                loss.caption("Cost per example: training and validation"),
                Chart.lines("epoch", "accuracy")
                    .points("accuracy", Curves.metric(history, "garment", "accuracy"))
                    .caption("Share of validation pictures named rightly")));
  }

  /**
   * Adds the transfer to six questions.
   *
   * @param classes which classes are a yes, by question
   * @param auc learning curves by question
   */
  void transfer(
      Map<String, List<String>> classes,
      Map<String, Map<String, AttributeTransfer.Score>> scores,
      List<Map<String, Object>> verdicts,
      Map<String, double[][]> auc) {
    var few = scores.get("20");
    figures =
        figures
            .figure(
                ReportParts.figure(few.get("frozen").hamming().mean()),
                "share of wrong answers from 20 labelled pictures (from scratch: "
                    + ReportParts.figure(few.get("scratch").hamming().mean())
                    + ")")
            .figure(
                ReportParts.figure(few.get("missing_as_no").hamming().mean()),
                "the same, had missing counted as no");
    List<List<Object>> questions = new ArrayList<>();
    classes.forEach((name, yes) -> questions.add(List.of(name, String.join(", ", yes))));
    Section section =
        Section.titled("2. Transfer to little, partly labelled data")
            .text(
                "Six yes/no questions about a garment, several of them true at once. The answers"
                    + " are derived from the garment's class (table below), and half of them are"
                    + " hidden: nobody labelled those. The backbone is kept, the output layer is"
                    + " replaced by a new head of six sigmoids.")
            .table(List.of("question", "yes for"), questions)
            .charts(
                ReportParts.overSizes(
                        "labelled pictures",
                        "Hamming loss",
                        scores,
                        AttributeTransfer.Score::hamming,
                        NAMES)
                    .caption(
                        "Share of wrong answers on the 10,000 test pictures (lower is better)"
                            + SPREAD),
                ReportParts.overSizes(
                        "labelled pictures",
                        "macro AUC",
                        scores,
                        AttributeTransfer.Score::macroAuc,
                        NAMES)
                    .caption("Mean ROC-AUC over the six questions (higher is better)"))
            .table(
                List.of("labelled pictures", "way", "Hamming loss", "macro AUC"),
                ReportParts.rows(
                    scores,
                    NAMES,
                    score -> List.of(score.hamming().toString(), score.macroAuc().toString())));
    Chart curves = Chart.lines("step", "AUC");
    for (Map.Entry<String, double[][]> curve : auc.entrySet()) {
      curves = curves.points(curve.getKey(), curve.getValue());
    }
    sections.add(
        ReportParts.verdicts(section, verdicts)
            .charts(
                curves.caption(
                    "Learning curves per question: validation AUC of the frozen backbone's new"
                        + " head, 20 labelled pictures, first seed")));
  }

  /** Adds test pictures with what was said of them. */
  void answered(List<AnsweredPicture> pictures) {
    Section section =
        Section.titled("")
            .heading("What it answers")
            .text(
                "Test pictures and the answers of the head trained from 20 half-labelled pictures:"
                    + " green is right, red is wrong (✓ said yes, ✗ said no).");
    for (AnsweredPicture picture : pictures) {
      section = picture.addTo(section);
    }
    sections.add(section);
  }

  void unseen(List<String> names, Map<String, AttributeTransfer.Score> scores) {
    List<List<Object>> rows = new ArrayList<>();
    scores.forEach((way, score) -> rows.add(List.of(NAMES.get(way), score.hamming().toString())));
    sections.add(
        Section.titled("")
            .heading("Classes the backbone never saw")
            .text(
                "The same questions with a backbone that was pre-trained without two of the"
                    + " classes, judged on exactly those two.")
            .table(List.of("way", "Hamming loss on " + String.join(" and ", names)), rows));
  }

  /** Adds where transfer hurts; {@code scores} by the transfer, in the order of the page. */
  void hurts(Map<String, Map<String, Spread>> scores, List<Map<String, Object>> verdicts) {
    sections.add(
        ReportParts.verdicts(
            Section.titled("3. When transfer hurts")
                .text(Verdicts.WHY_TRANSFER_HURTS)
                .charts(
                    ReportParts.bars("accuracy", scores, spread -> spread, NAMES)
                        .caption(
                            "Accuracy on test pictures, from "
                                + WhenTransferHurts.LABELS
                                + " labels"
                                + SPREAD))
                .table(
                    List.of("transfer", "way", "accuracy"),
                    ReportParts.rows(scores, NAMES, spread -> List.of(spread.toString()))),
            verdicts));
  }

  /** Adds one network or several; the pictures are scenes with what is in them. */
  void oneOrSeveral(
      List<AnsweredPicture> scenes,
      Map<String, Map<String, OneOrSeveral.Score>> scores,
      List<Map<String, Object>> verdicts) {
    Section section =
        Section.titled("4. One network or several")
            .text(
                "Scenes with one to three garments at random places; four questions about each: is"
                    + " there a trouser, a bag, a sneaker, a dress? 60 % of the answers are hidden."
                    + " One shared network answers all four, or four separate networks answer one"
                    + " each.");
    for (AnsweredPicture scene : scenes) {
      section = scene.addTo(section);
    }
    sections.add(
        ReportParts.verdicts(
            section
                .charts(
                    ReportParts.bars("macro AUC", scores, OneOrSeveral.Score::macroAuc, NAMES)
                        .caption(
                            "Mean ROC-AUC over the four questions on 2,000 unseen scenes, by the"
                                + " number of scenes trained on"
                                + SPREAD))
                .table(
                    List.of(
                        "scenes",
                        "networks",
                        "macro AUC",
                        "Hamming loss",
                        "parameters",
                        "training steps",
                        "µs per prediction"),
                    ReportParts.rows(
                        scores,
                        NAMES,
                        score ->
                            List.of(
                                score.macroAuc().toString(),
                                score.hamming().toString(),
                                score.parameters(),
                                score.steps(),
                                String.format(Locale.ROOT, "%.1f", score.predictMicros())))),
            verdicts));
  }

  void serving(Map<String, Object> measured) {
    double median = (Double) measured.get("p50_us");
    long bytes = (Long) measured.get("bytes_per_call");
    figures =
        figures
            .figure(
                String.format(Locale.ROOT, "%.1f µs", median), "per prediction in the JVM, median")
            .figure(String.format(Locale.ROOT, "%,d", bytes), "bytes allocated per prediction");
    Map<String, String> rows = new LinkedHashMap<>();
    rows.put(
        "probabilities after reload in a fresh process",
        (Boolean) measured.get("reload_bit_identical") ? "bit-identical" : "different");
    rows.put("median per call", String.format(Locale.ROOT, "%.2f µs", median));
    rows.put(
        "99th percentile per call",
        String.format(Locale.ROOT, "%.2f µs", (Double) measured.get("p99_us")));
    rows.put("heap bytes allocated per call", String.format(Locale.ROOT, "%,d", bytes));
    sections.add(
        Section.titled("5. Serve")
            .text(
                "The network of section 2 was saved, loaded in a fresh Java process, and asked one"
                    + " picture at a time.")
            .table(
                List.of("what", "measured"),
                rows.entrySet().stream().map(e -> List.of(e.getKey(), e.getValue())).toList()));
  }

  Report report(double seconds) {
    Report report =
        Report.titled("Espalier: train once, graft many heads")
            .subtitle(ReportParts.subtitle(seconds))
            .section(figures);
    for (Section section : sections) {
      report = report.section(section);
    }
    return report;
  }
}
