// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

/** The version, which Maven puts in. */
public final class Version {
  /** For example "0.1.0". */
  public static final String OF_LIBRARY = "${project.version}";

  private Version() {}
}
