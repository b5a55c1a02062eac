// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Which tags are asked for, and what is known of them. Whoever gave a package a tag of a facet has
 * looked at that facet: its other tags are a no. Of a facet without a tag nothing is known, nor of
 * one that is still to do. Blanks are no fair sample: people tag what says something of a package.
 */
record Debtags(List<String> names) {
  static final String TASK = "tags";

  /** What stands for the tags of a facet that nobody has chosen yet. */
  private static final String TO_DO = "::TODO";

  /** The tags that so many packages have at least. */
  static Debtags frequent(List<DebianPackages.Tagged> packages, int least) {
    Map<String, Long> counts =
        packages.stream()
            .flatMap(one -> one.tags().stream())
            .collect(
                Collectors.groupingBy(Function.identity(), TreeMap::new, Collectors.counting()));
    return new Debtags(
        counts.keySet().stream()
            .filter(tag -> counts.get(tag) >= least && !tag.endsWith(TO_DO))
            .toList());
  }

  /** 1 for yes, 0 for no, and {@code blank} where nobody said. */
  float[] answers(DebianPackages.Tagged one, float blank) {
    Set<String> facets = new HashSet<>();
    one.tags().forEach(tag -> facets.add(facet(tag)));
    facets.removeIf(facet -> one.tags().contains(facet + TO_DO));
    float[] answers = new float[names.size()];
    for (int i = 0; i < answers.length; i++) {
      boolean isKnown = facets.contains(facet(names.get(i)));
      answers[i] = one.tags().contains(names.get(i)) ? 1 : isKnown ? 0 : blank;
    }
    return answers;
  }

  float[][] answers(List<DebianPackages.Tagged> packages, float blank) {
    return packages.stream().map(one -> answers(one, blank)).toArray(float[][]::new);
  }

  /** The share of answers that are known. */
  double known(List<DebianPackages.Tagged> packages) {
    long known = 0;
    for (float[] row : answers(packages, Float.NaN)) {
      for (float answer : row) {
        known += Float.isNaN(answer) ? 0 : 1;
      }
    }
    return (double) known / packages.size() / names.size();
  }

  private static String facet(String tag) {
    return tag.substring(0, Math.max(0, tag.indexOf("::")));
  }

  String[] labels() {
    return names.toArray(String[]::new);
  }
}
