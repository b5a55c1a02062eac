// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.service;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Pauses and allocation from the log that {@code -Xlog:gc:file=…:uptime} writes. */
final class GcLog {
  private static final Pattern PAUSE =
      Pattern.compile("^\\[([0-9.]+)s\\].* Pause .* (\\d+)M->(\\d+)M\\(\\d+M\\) ([0-9.]+)ms");

  /** Pauses between two times and what was allocated between the first and the last of them. */
  record Summary(int pauses, double longestMillis, double totalMillis, double megabytesPerSecond) {}

  private GcLog() {}

  static Summary read(Path log, double fromSeconds, double toSeconds) throws IOException {
    int pauses = 0;
    double longest = 0;
    double total = 0;
    double allocated = 0;
    double first = Double.NaN;
    double last = Double.NaN;
    long after = 0;
    for (String line : Files.readAllLines(log)) {
      Matcher pause = PAUSE.matcher(line);
      if (!pause.find()) {
        continue;
      }
      double time = Double.parseDouble(pause.group(1));
      if (time < fromSeconds || time > toSeconds) {
        continue;
      }
      if (pauses == 0) {
        first = time;
      } else {
        allocated += Long.parseLong(pause.group(2)) - after;
      }
      last = time;
      after = Long.parseLong(pause.group(3));
      double millis = Double.parseDouble(pause.group(4));
      pauses++;
      total += millis;
      longest = Math.max(longest, millis);
    }
    return new Summary(pauses, longest, total, allocated / (last - first));
  }
}
