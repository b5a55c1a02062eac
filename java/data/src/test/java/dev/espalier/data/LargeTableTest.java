// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Dataset;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A million rows are read, fitted and split in the heap that tests have, in bounded time. */
class LargeTableTest {
  private static final int ROWS = 1_000_000;

  @Test
  void readsAMillionRows(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("large.csv");
    try (BufferedWriter writer = Files.newBufferedWriter(file)) {
      writer.write("id,a,b,c,day,kind,answer\n");
      for (int i = 0; i < ROWS; i++) {
        writer.write(
            i
                + ","
                + i * 0.5
                + ","
                + i % 1000
                + ","
                + (i % 10 == 0 ? "" : "7")
                + ",2026-01-0"
                + (1 + i % 9)
                + ",k"
                + i % 30
                + ","
                + (i % 3 == 0 ? "yes" : i % 3 == 1 ? "no" : "")
                + "\n");
      }
    }
    Assertions.assertTimeout(
        Duration.ofSeconds(120),
        () -> {
          Table table = Table.csv(file, TableOptions.defaults().ignore("id").labels("", "answer"));
          assertEquals(ROWS, table.size());
          assertEquals(333_334, table.statistics().labels().get(0).yes());
          TableSplit split = table.split(0.9, 1);
          TableInputs inputs = TableInputs.fit(split.first());
          assertEquals(4 + 1 + 30, inputs.size());
          Dataset data = inputs.dataset(split.second());
          float[] row = new float[inputs.size()];
          double sum = 0;
          for (int i = 0; i < data.size(); i++) {
            data.readInput(i, row, 0);
            sum += row[0];
          }
          assertTrue(Math.abs(sum / data.size()) < 0.05, sum / data.size() + " in the mean");
        });
  }
}
