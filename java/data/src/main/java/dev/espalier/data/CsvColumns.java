// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Where in a file the columns are that {@link CsvOptions} name. */
final class CsvColumns {
  private static final int MOST_LISTED = 20;

  private final List<String> header;
  private final Set<Integer> ignored = new HashSet<>();
  private final String[] uses;

  /** The columns of the inputs, and of each task. */
  record Choice(int[] inputs, List<int[]> targets) {}

  private CsvColumns(List<String> header) {
    this.header = header;
    uses = new String[header.size()];
  }

  /** Throws an {@link IllegalArgumentException} that says which column there is not, or twice. */
  static Choice choose(List<String> header, CsvOptions options) {
    requireDistinct(header);
    CsvColumns columns = new CsvColumns(header);
    for (String name : options.ignored()) {
      Arrays.stream(columns.find(name)).forEach(columns.ignored::add);
    }
    List<int[]> targets = new ArrayList<>();
    for (CsvOptions.TaskColumns task : options.tasks()) {
      String use = "the targets of task \"" + task.task() + '"';
      targets.add(columns.use(use, task.columns()));
    }
    int[] inputs =
        options.inputs().map(names -> columns.use("the inputs", names)).orElseGet(columns::rest);
    if (inputs.length == 0) {
      throw new IllegalArgumentException(
          "expected a column of inputs, got none but targets and those left out");
    }
    return new Choice(inputs, targets);
  }

  /** Of two columns of one name nobody could say which is meant. */
  private static void requireDistinct(List<String> header) {
    Map<String, Integer> columns = new HashMap<>();
    for (int column = 0; column < header.size(); column++) {
      Integer first = columns.putIfAbsent(header.get(column), column);
      if (first != null) {
        throw new IllegalArgumentException(
            "header: expected a name of its own for each column, got \""
                + header.get(column)
                + "\" for columns "
                + (first + 1)
                + " and "
                + (column + 1));
      }
    }
  }

  private int[] rest() {
    return IntStream.range(0, header.size())
        .filter(i -> uses[i] == null && !ignored.contains(i))
        .toArray();
  }

  private int[] use(String use, List<String> names) {
    List<Integer> all = new ArrayList<>();
    for (String name : names) {
      for (int column : find(name)) {
        if (name.contains("*") && ignored.contains(column)) {
          continue;
        }
        if (uses[column] != null) {
          throw new IllegalArgumentException(
              "column \""
                  + header.get(column)
                  + "\": expected to use it once, got it among "
                  + uses[column]
                  + (uses[column].equals(use) ? " twice" : " and " + use));
        }
        uses[column] = use;
        all.add(column);
      }
    }
    return all.stream().mapToInt(Integer::intValue).toArray();
  }

  private int[] find(String name) {
    Pattern pattern =
        Pattern.compile(
            Arrays.stream(name.split("\\*", -1))
                .map(Pattern::quote)
                .collect(Collectors.joining(".*")),
            Pattern.DOTALL);
    int[] found =
        IntStream.range(0, header.size())
            .filter(i -> pattern.matcher(header.get(i)).matches())
            .toArray();
    if (found.length == 0) {
      throw new IllegalArgumentException(
          "expected a column \"" + name + "\", got " + brief(header));
    }
    for (int column : found) {
      if (header.indexOf(header.get(column)) != header.lastIndexOf(header.get(column))) {
        throw new IllegalArgumentException(
            "expected one column \"" + header.get(column) + "\", got several");
      }
    }
    return found;
  }

  private static String brief(List<String> names) {
    return names.size() <= MOST_LISTED
        ? names.toString()
        : "["
            + String.join(", ", names.subList(0, MOST_LISTED))
            + " and "
            + (names.size() - MOST_LISTED)
            + " more]";
  }
}
