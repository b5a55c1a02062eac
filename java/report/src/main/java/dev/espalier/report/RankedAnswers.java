// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The known answers to one yes/no question, ranked by what the network says: how many yeses and
 * noes lie above each threshold. ROC, precision and recall follow from that.
 */
final class RankedAnswers {
  /** Of that many points a curve on a page consists at most, and a slider of as many stops. */
  private static final int MOST_POINTS = 200;

  private static final int FIRST_POINTS = 10;

  private final int yes;
  private final int no;
  private final List<Point> points;
  private final double kept;

  /** What lies above a threshold; the threshold is a probability, above 1 where nothing does. */
  private record Point(double threshold, int yes, int no) {}

  private RankedAnswers(List<Point> points, double kept) {
    this.points = List.copyOf(points);
    this.kept = kept;
    yes = points.get(points.size() - 1).yes;
    no = points.get(points.size() - 1).no;
  }

  /**
   * Ranks the known answers.
   *
   * @param scores logits, or probabilities, one an example
   * @param probabilities of the scores, in the same order
   * @param targets yes from 0.5 on, NaN where unknown
   * @param kept a threshold whose point is shown in any case
   */
  static RankedAnswers of(float[] scores, float[] probabilities, float[] targets, double kept) {
    int[] order =
        IntStream.range(0, scores.length)
            .filter(i -> !Float.isNaN(targets[i]) && !Float.isNaN(scores[i]))
            .boxed()
            .sorted((a, b) -> Float.compare(scores[b], scores[a]))
            .mapToInt(Integer::intValue)
            .toArray();
    List<Point> all = new ArrayList<>();
    all.add(new Point(Math.nextUp(1.0f), 0, 0));
    int yes = 0;
    int no = 0;
    for (int k = 0; k < order.length; k++) {
      if (targets[order[k]] >= 0.5f) {
        yes++;
      } else {
        no++;
      }
      // Equal ones share a threshold.
      if (k + 1 == order.length || scores[order[k + 1]] != scores[order[k]]) {
        all.add(new Point(probabilities[order[k]], yes, no));
      }
    }
    return new RankedAnswers(all, kept);
  }

  /** Returns the area under the ROC curve; NaN unless there are both answers. */
  double auc() {
    double area = 0;
    for (int k = 1; k < points.size(); k++) {
      Point point = points.get(k);
      Point former = points.get(k - 1);
      area += (point.no - former.no) * ((double) point.yes + former.yes) / 2;
    }
    return yes == 0 || no == 0 ? Double.NaN : area / ((double) yes * no);
  }

  /** Returns the sum of gain in recall times precision; NaN without a yes. */
  double averagePrecision() {
    double sum = 0;
    for (int k = 1; k < points.size(); k++) {
      Point point = points.get(k);
      double precision = (double) point.yes / (point.yes + point.no);
      sum += (point.yes - points.get(k - 1).yes) * precision;
    }
    return yes == 0 ? Double.NaN : sum / yes;
  }

  /**
   * Returns columns: threshold, yeses and noes at or above it. Of many points those are left that
   * are as far from one another along the ROC curve, the first few, the last, and the kept one.
   */
  Map<String, Object> data() {
    List<Point> shown = shown();
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("threshold", shown.stream().map(Point::threshold).toList());
    data.put("yes", shown.stream().map(Point::yes).toList());
    data.put("no", shown.stream().map(Point::no).toList());
    return data;
  }

  private List<Point> shown() {
    if (points.size() <= MOST_POINTS) {
      return points;
    }
    int last = points.size() - 1;
    double step = 2.0 / (MOST_POINTS - FIRST_POINTS - 2);
    double next = 0;
    List<Point> shown = new ArrayList<>();
    for (int k = 0; k <= last; k++) {
      Point point = points.get(k);
      boolean isKept = point.threshold >= kept && (k == last || points.get(k + 1).threshold < kept);
      if (k < FIRST_POINTS || k == last || isKept || along(point) >= next) {
        shown.add(point);
        next = along(point) + step;
      }
    }
    return shown;
  }

  private double along(Point point) {
    return (double) point.yes / Math.max(1, yes) + (double) point.no / Math.max(1, no);
  }
}
