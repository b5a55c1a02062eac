// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Which cores this process may use. */
final class Cores {
  private Cores() {}

  /** The number of cores. */
  static int count() {
    return Runtime.getRuntime().availableProcessors();
  }

  /** What to put before a command so that it runs on the last core only; empty if that can't be. */
  static List<String> pinned() {
    if (!Files.isExecutable(Path.of("/usr/bin/taskset"))) {
      return List.of();
    }
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("Cpus_allowed_list:")) {
          return List.of("taskset", "-c", last(line));
        }
      }
    } catch (IOException unreadable) {
      return List.of();
    }
    return List.of();
  }

  /** The last number of a list such as "0-3,6". */
  static String last(String list) {
    return list.replaceAll(".*[^0-9]", "");
  }
}
