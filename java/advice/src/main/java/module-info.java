// SPDX-License-Identifier: Apache-2.0

/**
 * Espalier's advice: small experiments on one's own data. Everything public is in {@link
 * dev.espalier.advice}.
 */
module dev.espalier.advice {
  requires transitive dev.espalier;
  // Annotations that tools read: nothing at run time.
  requires static org.jspecify;

  exports dev.espalier.advice;
}
