// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How far this process's resident memory grows: proc_pid_status(5), VmRSS and VmHWM. */
public final class PeakMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR = Path.of("/proc/self/clear_refs");
  private static long before = -1;

  private PeakMemory() {}

  /** Forgets former peaks: what is resident now is what growth is counted from. */
  public static void start() {
    System.gc();
    try {
      Files.writeString(CLEAR, "5"); // the peak becomes what is resident, proc_pid_clear_refs(5)
      before = kilobytes("VmHWM:");
    } catch (IOException unknown) {
      before = -1;
    }
  }

  /**
   * In millions of bytes, since {@link #start}; NaN without it, or where the system does not tell.
   */
  static double growthMegabytes() {
    try {
      return before < 0 ? Double.NaN : (kilobytes("VmHWM:") - before) * 1024 / 1e6;
    } catch (IOException unknown) {
      return Double.NaN;
    }
  }

  private static long kilobytes(String field) throws IOException {
    for (String line : Files.readAllLines(STATUS)) {
      if (line.startsWith(field)) {
        return Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    throw new IOException(STATUS + " has no " + field);
  }
}
