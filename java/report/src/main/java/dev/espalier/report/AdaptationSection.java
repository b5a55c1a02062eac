// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.AdaptationReport;
import dev.espalier.AdaptationReport.Trial;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What an adaptation tried and chose. */
final class AdaptationSection {
  private AdaptationSection() {}

  static Section of(String title, AdaptationReport report) {
    List<List<Object>> rows = new ArrayList<>();
    for (Trial trial : report.trials()) {
      rows.add(
          List.of(
              trial.setting().toString(),
              trial.value().orElse(Double.NaN),
              trial.steps(),
              trial.seconds(),
              trial == report.chosen() ? "chosen" : trial.note()));
    }
    Section section =
        Section.titled(title)
            .table(List.of("setting", "validation", "steps", "seconds", ""), rows)
            .verdict(
                String.format(
                    Locale.ROOT,
                    "Chosen by the %s on the validation data, the earliest of equals, after %.1f s:"
                        + " %s.",
                    report.chosenBy(),
                    report.seconds(),
                    report.chosen().setting()),
                true);
    return HistorySection.add(section.heading("Training as chosen"), report.history());
  }
}
