// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a program of workload S says when it has predicted. */
public final class StartupReport {
  static final String READY = "@@ ready ";

  private StartupReport() {}

  /** Prints the line, with the peak resident memory in KiB. */
  public static void print() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        System.out.println(READY + line.replaceAll("[^0-9]", ""));
      }
    }
  }
}
