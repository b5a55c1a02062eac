// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * What {@link Adaptation#fit} made: a network, and how it came about.
 *
 * @since 0.1
 */
public final class Adapted implements AutoCloseable {
  private final Network network;
  private final AdaptationReport report;

  Adapted(Network network, AdaptationReport report) {
    this.network = network;
    this.report = report;
  }

  /**
   * Returns the network. What was frozen for the chosen setting still is.
   *
   * @return closed by {@link #close}; the caller may close it instead
   */
  public Network network() {
    return network;
  }

  /**
   * Returns what was tried and chosen.
   *
   * @return the report
   */
  public AdaptationReport report() {
    return report;
  }

  /** Closes the network. */
  @Override
  public void close() {
    network.close();
  }

  /** Returns the network in a line and the report. */
  @Override
  public String toString() {
    return network + "\n" + report;
  }
}
