// SPDX-License-Identifier: Apache-2.0

/** Espalier's meters for Micrometer. Everything public is in {@link dev.espalier.micrometer}. */
module dev.espalier.micrometer {
  requires transitive dev.espalier;
  requires transitive micrometer.core;
  // Annotations that tools read: nothing at run time.
  requires static org.jspecify;

  exports dev.espalier.micrometer;
}
