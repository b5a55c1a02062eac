// SPDX-License-Identifier: Apache-2.0

/**
 * Espalier's reports: pages, CSV, JSON and TensorBoard events. Everything public is in {@link
 * dev.espalier.report}.
 */
module dev.espalier.report {
  requires transitive dev.espalier;
  requires transitive dev.espalier.advice;
  requires transitive java.desktop; // pictures in memory
  requires com.fasterxml.jackson.core;
  // Annotations that tools read: nothing at run time.
  requires static org.jspecify;

  exports dev.espalier.report;
}
