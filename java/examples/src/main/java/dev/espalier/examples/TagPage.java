// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.report.Report;
import dev.espalier.report.Section;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The page of the texts: the question, and words against features against all of the network. */
final class TagPage {
  private static final Map<String, String> NAMES =
      Map.of(
          "bag_of_words", "bag of words",
          "frozen", "frozen MiniLM",
          "fine_tuned", "fine-tuned, head first",
          "missing_as_no", "frozen, missing counted as no");

  private Section figures = Section.titled("");
  private Section question = Section.titled("The question");
  private Section ways = Section.titled("Words, features, or all of the network");

  /**
   * Sets what is asked.
   *
   * @param examples rows of description, tags that are a yes, number of noes and of blanks
   */
  void question(int packages, int tags, double known, List<List<Object>> examples) {
    figures =
        figures
            .figure(
                String.format(Locale.ROOT, "%,d", packages),
                "packages with tags, " + tags + " tags")
            .figure(String.format(Locale.ROOT, "%.0f %%", 100 * known), "of the answers are known");
    question =
        question
            .text(
                "Which tags does a Debian package have, going by the one line that describes it?"
                    + " People tagged part of the packages, by facets: what a program is used for,"
                    + " what it is written in, what it works with. A tag that a package has is a"
                    + " yes. The other tags of the same facet are then a no: whoever gave the tag"
                    + " has looked. Facets without a tag, or marked as still to be tagged, stay"
                    + " blank: nobody said.")
            .table(List.of("description", "yes", "no", "blank"), examples)
            .text(
                "Blanks are not at random. People tag the facets that say something of a package,"
                    + " so a blank is probably a no more often than a known answer is. All figures"
                    + " below are of known answers alone; they do not say how well the blanks"
                    + " would be answered.");
  }

  void ways(
      Map<String, Map<String, TagTransfer.Score>> scores,
      List<Map<String, Object>> verdicts,
      TagTransfer transfer) {
    String fewest = scores.keySet().iterator().next();
    figures =
        figures
            .figure(
                ReportParts.figure(scores.get(fewest).get("frozen").macroAuc().mean()),
                "macro AUC from "
                    + fewest
                    + " packages by frozen MiniLM (words: "
                    + ReportParts.figure(scores.get(fewest).get("bag_of_words").macroAuc().mean())
                    + ")")
            .figure(
                String.format(Locale.ROOT, "%.1f s", transfer.featureSeconds()),
                String.format(
                    Locale.ROOT,
                    "for the features of %,d descriptions, computed once for all heads",
                    transfer.packages()));
    ways =
        ReportParts.verdicts(
                ways.text(
                        "all-MiniLM-L6-v2, a published network of sentences, makes 384 numbers of"
                            + " a description. A head on those is trained on few packages; it is"
                            + " compared with a network on the words alone, and with all of MiniLM"
                            + " trained further. Packages of one source lie all on one side:"
                            + " trained on, or tested.")
                    .charts(
                        ReportParts.overSizes(
                                "tagged packages",
                                "macro AUC",
                                scores,
                                TagTransfer.Score::macroAuc,
                                NAMES)
                            .caption(
                                "Mean ROC-AUC over the tags, on held-out packages (higher is"
                                    + " better); whiskers: one standard deviation over the seeds"),
                        ReportParts.overSizes(
                                "tagged packages",
                                "mean average precision",
                                scores,
                                TagTransfer.Score::meanPrecision,
                                NAMES)
                            .caption("Mean average precision over the tags (higher is better)"))
                    .table(
                        List.of("packages", "way", "macro AUC", "mean average precision"),
                        ReportParts.rows(
                            scores,
                            NAMES,
                            score ->
                                List.of(
                                    score.macroAuc().toString(),
                                    score.meanPrecision().toString()))),
                verdicts)
            .heading("How it was done")
            .text(transfer.method());
  }

  Report report(double seconds) {
    return Report.titled("Espalier: tags from descriptions")
        .subtitle(ReportParts.subtitle(seconds))
        .section(figures)
        .section(question)
        .section(ways);
  }
}
