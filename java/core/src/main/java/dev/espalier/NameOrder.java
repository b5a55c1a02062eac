// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Brings targets from the order of names that a data set has into the one that is wanted. */
final class NameOrder {
  private static final int MOST_LISTED = 20;

  private final int[] givenOfWanted;
  private final int[] wantedOfGiven;

  private NameOrder(int[] givenOfWanted, int[] wantedOfGiven) {
    this.givenOfWanted = givenOfWanted;
    this.wantedOfGiven = wantedOfGiven;
  }

  /** Returns how to change the order; null if there is nothing to change. Same names both. */
  static NameOrder of(List<String> wanted, List<String> given) {
    if (wanted.equals(given)) {
      return null;
    }
    Map<String, Integer> positions = new HashMap<>();
    for (int i = 0; i < given.size(); i++) {
      positions.put(given.get(i), i);
    }
    int[] givenOfWanted = new int[wanted.size()];
    int[] wantedOfGiven = new int[wanted.size()];
    for (int j = 0; j < givenOfWanted.length; j++) {
      givenOfWanted[j] = positions.get(wanted.get(j));
      wantedOfGiven[givenOfWanted[j]] = j;
    }
    return new NameOrder(givenOfWanted, wantedOfGiven);
  }

  /** Returns what differs, for people; empty if both have the same names in whatever order. */
  static String difference(List<String> wanted, List<String> given) {
    Set<String> missing = new LinkedHashSet<>(wanted);
    given.forEach(missing::remove);
    Set<String> unknown = new LinkedHashSet<>(given);
    wanted.forEach(unknown::remove);
    if (missing.isEmpty() && unknown.isEmpty()) {
      return "";
    }
    return "expected "
        + brief(wanted)
        + ", got "
        + brief(given)
        + (missing.isEmpty() ? "" : "; missing " + brief(new ArrayList<>(missing)))
        + (unknown.isEmpty() ? "" : "; unknown " + brief(new ArrayList<>(unknown)));
  }

  /** Lists the first few names, and says how many more there are. */
  static String brief(List<String> names) {
    return names.size() <= MOST_LISTED
        ? names.toString()
        : "["
            + String.join(", ", names.subList(0, MOST_LISTED))
            + " and "
            + (names.size() - MOST_LISTED)
            + " more]";
  }

  /** Changes the numbers, or the class, of one example; what is no class stays what it is. */
  void apply(boolean isClasses, float[] target, int offset) {
    if (isClasses) {
      float given = target[offset];
      if (given >= 0 && given < wantedOfGiven.length && given == (int) given) {
        target[offset] = wantedOfGiven[(int) given];
      }
      return;
    }
    float[] given = new float[givenOfWanted.length];
    System.arraycopy(target, offset, given, 0, given.length);
    for (int j = 0; j < given.length; j++) {
      target[offset + j] = given[givenOfWanted[j]];
    }
  }
}
