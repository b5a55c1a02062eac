// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A strict reader of Prometheus' text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Beyond what servers insist on,
 * every family needs HELP, TYPE and their order, counters end in {@code _total}, and histograms are
 * whole.
 */
final class PrometheusText {
  private static final Pattern HELP = Pattern.compile("# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (\\S.*)");
  private static final Pattern TYPE =
      Pattern.compile("# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary)");
  private static final String LABEL =
      "[a-zA-Z_][a-zA-Z0-9_]*=\"(?:[^\\\\\"\\n]|\\\\\\\\|\\\\\"|\\\\n)*\"";
  private static final Pattern SAMPLE =
      Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{" + LABEL + "(?:," + LABEL + ")*\\})? (\\S+)");
  private static final Pattern NUMBER =
      Pattern.compile("[+-]?(?:[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?");
  private static final Pattern BOUND = Pattern.compile("\\{le=\"([^\"]+)\"\\}");

  private final Map<String, Double> samples = new LinkedHashMap<>();
  private final Map<String, String> types = new HashMap<>();

  /** Reads a whole answer; throws IllegalArgumentException with the line that is wrong. */
  PrometheusText(String text) {
    require(text.endsWith("\n"), "the last line has to end");
    Set<String> finished = new HashSet<>();
    String family = null;
    boolean hasType = true;
    for (String line : text.substring(0, text.length() - 1).split("\n", -1)) {
      Matcher help = HELP.matcher(line);
      Matcher type = TYPE.matcher(line);
      Matcher sample = SAMPLE.matcher(line);
      if (help.matches()) {
        require(hasType && finished.add(help.group(1)), line);
        family = help.group(1);
        hasType = false;
      } else if (type.matches()) {
        require(!hasType && type.group(1).equals(family), line);
        types.put(family, type.group(2));
        require(type.group(2).equals("counter") == family.endsWith("_total"), line);
        hasType = true;
      } else {
        require(sample.matches() && hasType && belongs(sample.group(1), family), line);
        String key = line.substring(0, line.lastIndexOf(' '));
        require(samples.put(key, number(sample.group(3))) == null, line);
      }
    }
    require(hasType, "a family without TYPE");
    types.forEach(this::check);
  }

  /** Returns the value of a sample, by its name and labels as they are written. */
  double value(String sample) {
    Double value = samples.get(sample);
    require(value != null, "no " + sample + " in " + samples.keySet());
    return value;
  }

  /** Returns all samples of counters, histograms' counts and sums included. */
  Map<String, Double> counts() {
    Map<String, Double> counts = new LinkedHashMap<>();
    samples.forEach(
        (key, value) -> {
          if (!"gauge".equals(types.get(key.replaceAll("\\{.*", "")))) {
            counts.put(key, value);
          }
        });
    return counts;
  }

  private boolean belongs(String name, String family) {
    return switch (types.get(family)) {
      case "histogram" ->
          Set.of(family + "_bucket", family + "_sum", family + "_count").contains(name);
      case "summary" -> Set.of(family, family + "_sum", family + "_count").contains(name);
      default -> name.equals(family);
    };
  }

  private void check(String family, String type) {
    if (type.equals("counter")) {
      samples.forEach((key, value) -> require(!key.startsWith(family) || value >= 0, key));
    } else if (type.equals("histogram")) {
      List<double[]> buckets = new ArrayList<>();
      samples.forEach(
          (key, value) -> {
            Matcher bound = BOUND.matcher(key);
            if (key.startsWith(family + "_bucket") && bound.find()) {
              buckets.add(new double[] {number(bound.group(1)), value});
            }
          });
      for (int i = 1; i < buckets.size(); i++) {
        require(buckets.get(i)[0] > buckets.get(i - 1)[0], family + ": bounds have to rise");
        require(buckets.get(i)[1] >= buckets.get(i - 1)[1], family + ": counts have to add up");
      }
      double[] last = buckets.get(buckets.size() - 1);
      require(last[0] == Double.POSITIVE_INFINITY, family + ": no bucket +Inf");
      require(last[1] == value(family + "_count"), family + ": the count is not that of +Inf");
      require(value(family + "_sum") >= 0, family + "_sum");
    }
  }

  private static double number(String text) {
    return switch (text) {
      case "NaN" -> Double.NaN;
      case "+Inf" -> Double.POSITIVE_INFINITY;
      case "-Inf" -> Double.NEGATIVE_INFINITY;
      default -> {
        require(NUMBER.matcher(text).matches(), "no number: " + text);
        yield Double.parseDouble(text);
      }
    };
  }

  private static void require(boolean isSo, String what) {
    if (!isSo) {
      throw new IllegalArgumentException(what);
    }
  }
}
