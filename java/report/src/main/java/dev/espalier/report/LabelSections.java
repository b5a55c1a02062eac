// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.LabelCounts;
import dev.espalier.advice.LabelRegime;
import dev.espalier.advice.LabelVerdict;
import dev.espalier.advice.SuspectAnswer;
import java.util.ArrayList;
import java.util.List;

/** What answers allow to learn and to measure, and which of them look wrong. */
final class LabelSections {
  private static final int MOST_PAIRS = 100;

  private LabelSections() {}

  static Section of(String title, LabelRegime regime) {
    List<List<Object>> rows = new ArrayList<>();
    for (LabelVerdict label : regime.labels()) {
      rows.add(
          List.of(
              label.label(),
              label.yes(),
              label.no(),
              label.blank(),
              label.predictability().toString(),
              label.advice()));
    }
    Section section =
        Section.titled(title)
            .plain(
                "How well the features tell which examples are labelled, as AUC: 0.5 if they don't."
                    + " Above 0.6, what is measured on the labelled ones is biased.")
            .table(List.of("label", "yes", "no", "blank", "labelled, predicted", "advice"), rows);
    List<List<String>> pairs = new ArrayList<>();
    for (List<LabelCounts> pair : regime.pairsNeverTogether()) {
      if (pairs.size() < MOST_PAIRS) {
        pairs.add(List.of(pair.get(0).name(), pair.get(1).name()));
      }
    }
    if (pairs.isEmpty()) {
      return section;
    }
    int more = regime.pairsNeverTogether().size() - pairs.size();
    return section
        .heading("Never labelled together")
        .plain(
            "Nothing can be learned of how these go together."
                + (more > 0 ? " " + more + " more pairs are left out." : ""))
        .table(List.of("label", "and"), pairs);
  }

  static Section of(String title, List<SuspectAnswer> suspects) {
    List<List<Object>> rows = new ArrayList<>();
    for (SuspectAnswer suspect : suspects) {
      rows.add(
          List.of(
              suspect.example(),
              suspect.label(),
              suspect.given(),
              suspect.instead(),
              suspect.probability(),
              suspect.isContradicted() ? "contradicted" : ""));
    }
    return Section.titled(title)
        .plain("The most doubtful first; of each, what heads say that were not trained on it.")
        .table(
            List.of("example", "label", "answer", "rather", "probability of the answer", ""), rows);
  }
}
