// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.service;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Pauses and what they freed, from the log that {@code -Xlog:gc:file=…:timemillis} writes. */
final class GcLog {
  private static final Pattern PAUSE =
      Pattern.compile("^\\[(\\d+)ms\\].* Pause .* (\\d+)M->(\\d+)M\\(\\d+M\\) ([0-9.]+)ms");

  /** The pauses between two times. */
  record Summary(int pauses, double longestMillis, double totalMillis, double freedMegabytes) {}

  private GcLog() {}

  /** Times as {@link System#currentTimeMillis()} has them. */
  static Summary read(Path log, long fromMillis, long toMillis) throws IOException {
    int pauses = 0;
    double longest = 0;
    double total = 0;
    double freed = 0;
    for (String line : Files.readAllLines(log)) {
      Matcher pause = PAUSE.matcher(line);
      if (!pause.find()) {
        continue;
      }
      long time = Long.parseLong(pause.group(1));
      if (time < fromMillis || time > toMillis) {
        continue;
      }
      double millis = Double.parseDouble(pause.group(4));
      pauses++;
      total += millis;
      longest = Math.max(longest, millis);
      freed += Long.parseLong(pause.group(2)) - Long.parseLong(pause.group(3));
    }
    return new Summary(pauses, longest, total, freed);
  }
}
