// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import picocli.CommandLine.Option;

/** The option for those who read results by programs. */
final class JsonOption {
  @Option(names = "--json", description = "Prints the result as JSON.")
  private boolean json;

  boolean isGiven() {
    return json;
  }
}
