// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.LabelCounts;
import dev.espalier.advice.LabelAdvice;
import dev.espalier.data.Table;
import dev.espalier.data.TableOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What advice asks, filled in and read as a table. */
class AnswerSheetTest {
  private static final List<String> LABELS = List.of("cat", "dog, or \"wolf\"");

  @Test
  void readsBack(@TempDir Path folder) throws Exception {
    float[][] features = {{0, 1}, {1, 0}, {1, 1}, {0, 0}};
    float[][] answers = {{1, Float.NaN}, {0, 0}, {Float.NaN, Float.NaN}, {0, 1}};
    Dataset inputs = Datasets.withoutTargets(Datasets.of(features, answers));
    LabelAdvice advice = LabelAdvice.of(Datasets.withTargets(inputs, "", LABELS, answers));
    Path file = folder.resolve("next.csv");
    advice.writeSheet(file, advice.nextExamples(2), List.of("=a()", "b", "c\n, d", "e"));
    assertEquals(3, blanks(file));
    Files.writeString(file, Files.readString(file).replace("?", "yes"));
    assertEquals(0, blanks(file));
  }

  private static int blanks(Path file) {
    TableOptions options =
        TableOptions.defaults()
            .id("example", "id")
            .labels("", LABELS.toArray(String[]::new))
            .blanks("?");
    Table table = Table.csv(file, options);
    assertEquals(2, table.size());
    assertEquals(LABELS, table.targets().get(0).names());
    return table.statistics().labels().stream().mapToInt(LabelCounts::blank).sum();
  }
}
