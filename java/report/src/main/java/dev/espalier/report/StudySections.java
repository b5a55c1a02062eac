// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import dev.espalier.advice.Interval;
import dev.espalier.advice.KnownShare;
import dev.espalier.advice.LayerProbe;
import dev.espalier.advice.SharingArm;
import dev.espalier.advice.SharingResult;
import dev.espalier.advice.TransferArm;
import dev.espalier.advice.TransferResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What studies found: the verdict, the intervals that it comes from, and what explains it. */
final class StudySections {
  private static final List<TransferArm> TRANSFERS =
      List.of(TransferArm.FROZEN, TransferArm.FINE_TUNED);

  private StudySections() {}

  static Section of(String title, TransferResult result) {
    List<Integer> sizes = result.sizes();
    Section section = Section.titled(title);
    if (sizes.isEmpty()) {
      return section
          .verdict(result.sentence(), true)
          .plain(ending(result.isComplete(), result.seconds()));
    }
    Chart curves =
        Chart.steps("examples", result.metric(), sizes.stream().map(size -> "" + size).toList());
    for (TransferArm arm : TransferArm.values()) {
      List<double[]> ranges = new ArrayList<>();
      sizes.forEach(size -> ranges.add(range(result.score(arm, size))));
      curves = curves.ranges(arm.toString(), ranges.toArray(double[][]::new));
    }
    Comparison gains =
        Comparison.of(title, result.metric() + ", less that from scratch")
            .reference(0)
            .verdict(result.sentence());
    for (int size : sizes) {
      for (TransferArm arm : TRANSFERS) {
        boolean isLast = size == sizes.get(sizes.size() - 1);
        String note = isLast ? result.verdict(arm).toString() : "";
        gains = row(gains, arm + ", " + size + " examples", result.gain(arm, size), note);
      }
    }
    section =
        section
            .comparison(gains.text("Paired differences on the same folds, intervals of 97.5 %."))
            .charts(curves.caption("Mean over folds; whiskers: intervals of 95 %"));
    List<List<String>> crossings = crossings(result);
    if (!crossings.isEmpty()) {
      section = section.table(List.of("better", "than", "from about"), crossings);
    }
    for (KnownShare share : result.known()) {
      section = section.plain(share.toString());
    }
    if (!result.probes().isEmpty()) {
      section =
          section
              .heading("What layers know")
              .plain(
                  "Simple models on what each layer makes, beside the same of random weights."
                      + result
                          .cutLayer()
                          .map(layer -> " The place to cut, as far as can be told: " + layer + ".")
                          .orElse(""))
              .table(
                  List.of("layer", "ridge", "neighbors", "ridge, random", "neighbors, random"),
                  result.probes().stream().map(StudySections::cells).toList());
    }
    return section.plain(ending(result.isComplete(), result.seconds()));
  }

  private static List<List<String>> crossings(TransferResult result) {
    List<List<String>> crossings = new ArrayList<>();
    for (TransferArm lower : TransferArm.values()) {
      for (TransferArm upper : TransferArm.values()) {
        if (lower != upper) {
          result
              .crossing(lower, upper)
              .ifPresent(
                  from ->
                      crossings.add(
                          List.of(
                              upper.toString(),
                              lower.toString(),
                              String.format(Locale.ROOT, "%.0f examples", from))));
        }
      }
    }
    return crossings;
  }

  private static List<String> cells(LayerProbe probe) {
    return List.of(
        probe.layer().isEmpty() ? "raw input" : probe.layer(),
        probe.ridge().toString(),
        probe.neighbors().toString(),
        probe.ridgeOfRandom().map(Interval::toString).orElse("–"),
        probe.neighborsOfRandom().map(Interval::toString).orElse("–"));
  }

  static Section of(String title, SharingResult result) {
    List<List<Object>> rows = new ArrayList<>();
    for (SharingArm arm : result.arms()) {
      rows.add(cells(arm));
    }
    result.grouped().ifPresent(arm -> rows.add(cells(arm)));
    int count = result.questions().size();
    boolean hasSeparate =
        count > 1 && result.arms().stream().anyMatch(arm -> arm.groups().size() == count);
    Comparison gains =
        Comparison.of(title, result.metric() + ", one network less separate ones")
            .reference(0)
            .verdict(result.sentence());
    for (SharingArm arm : result.arms()) {
      if (hasSeparate && arm.groups().size() == 1) {
        gains = row(gains, "all, width × " + arm.width(), result.gain(arm.width()), "");
        for (int q = 0; q < count; q++) {
          gains =
              row(
                  gains,
                  result.questions().get(q) + ", width × " + arm.width(),
                  result.gains(arm.width()).get(q),
                  "");
        }
      }
    }
    Section section =
        Section.titled(title)
            .comparison(
                gains.text(
                    "Paired differences on the same folds. Those of all questions are right for"
                        + " all widths together in 95 % of studies, those of each question by"
                        + " themselves."))
            .table(List.of("ways", result.metric(), "parameters", "steps", "µs an example"), rows);
    double[][] cosines = result.gradientCosines();
    if (cosines.length > 0) {
      section = section.with(cosines(result.questions(), cosines));
    }
    return section.plain(ending(result.isComplete(), result.seconds()));
  }

  private static Map<String, Object> cosines(List<String> questions, double[][] cosines) {
    Map<String, Object> block = Section.block("cosines");
    block.put("names", questions);
    block.put("values", List.of(cosines));
    return block;
  }

  private static List<Object> cells(SharingArm arm) {
    boolean isOne = arm.groups().size() == 1;
    boolean isSeparate = arm.groups().stream().allMatch(group -> group.size() == 1);
    String name = isOne ? "one" : isSeparate ? arm.groups().size() + " separate" : "groups";
    return List.of(
        name + ", width × " + arm.width(),
        arm.score().toString(),
        arm.parameters(),
        arm.steps(),
        arm.microseconds());
  }

  private static Comparison row(Comparison to, String name, Interval of, String note) {
    return to.row(name, of.estimate(), of.low(), of.high(), note);
  }

  private static double[] range(Interval of) {
    return new double[] {of.estimate(), of.low(), of.high()};
  }

  private static String ending(boolean isComplete, double seconds) {
    return String.format(
        Locale.ROOT, "%s after %.1f s.", isComplete ? "Complete" : "Ended early", seconds);
  }
}
