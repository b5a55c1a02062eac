// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** The results of a run: a row for each measured cell, written as soon as it is known. */
public final class ResultsFile {
  /** The first line. */
  static final String HEADER = "workload,contender,threads,batch,metric,value";

  private static final MathContext DIGITS = new MathContext(6);

  private final Path file;

  private ResultsFile(Path file) {
    this.file = file;
  }

  /** Opens a file to add rows to; begins it if it is not there. */
  public static ResultsFile open(Path file) throws IOException {
    if (!Files.exists(file)) {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.writeString(file, HEADER + "\n");
    }
    return new ResultsFile(file);
  }

  /** Adds a row, unless the value is not a number. */
  public void add(Key key, double value) {
    if (Double.isNaN(value)) {
      return;
    }
    String number = new BigDecimal(value).round(DIGITS).stripTrailingZeros().toPlainString();
    try {
      Files.writeString(file, key + "," + number + "\n", StandardOpenOption.APPEND);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** Reads all rows of a file. */
  static List<Row> read(Path file) throws IOException {
    List<String> lines = Files.readAllLines(file);
    if (lines.isEmpty() || !lines.get(0).equals(HEADER)) {
      throw new IOException(file + ": expected the first line " + HEADER);
    }
    List<Row> rows = new ArrayList<>();
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(",", -1);
      if (cells.length != 6) {
        throw new IOException(file + ": expected six cells, got " + line);
      }
      try {
        Key key =
            new Key(
                cells[0],
                cells[1],
                Integer.parseInt(cells[2]),
                Integer.parseInt(cells[3]),
                cells[4]);
        rows.add(new Row(key, Double.parseDouble(cells[5])));
      } catch (NumberFormatException error) {
        throw new IOException(file + ": expected numbers, got " + line, error);
      }
    }
    return rows;
  }

  /** What was measured. */
  public record Key(String workload, String contender, int threads, int batch, String metric) {
    @Override
    public String toString() {
      return String.join(",", workload, contender, "" + threads, "" + batch, metric);
    }
  }

  /** What was measured and its value. */
  record Row(Key key, double value) {}
}
