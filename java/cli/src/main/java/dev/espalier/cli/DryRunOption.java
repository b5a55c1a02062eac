// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** The option for those who look before they leap: all is read and checked, nothing is written. */
final class DryRunOption {
  @Option(names = "--dry-run", description = "Says what would be done, and does nothing.")
  private boolean dryRun;

  boolean isGiven() {
    return dryRun;
  }

  /** Prints what would be done. */
  static void print(String plan, JsonOption json, PrintWriter out) {
    if (!json.isGiven()) {
      out.println(plan.stripTrailing());
      return;
    }
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("dry_run", true);
    all.put("plan", plan.lines().toList());
    out.println(Json.pretty(all));
  }
}
