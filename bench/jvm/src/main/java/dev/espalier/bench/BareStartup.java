// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;

/** A JVM that does nothing, to compare workload S with. */
public final class BareStartup {
  private BareStartup() {}

  /** Reports at once. */
  public static void main(String[] arguments) throws IOException {
    StartupReport.print();
  }
}
