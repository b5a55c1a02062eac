// SPDX-License-Identifier: Apache-2.0

/**
 * Espalier's texts: tokenizers and data sets, in Java alone. Everything public is in {@link
 * dev.espalier.text}.
 */
module dev.espalier.text {
  requires transitive dev.espalier;
  // Annotations that tools read: nothing at run time.
  requires static org.jspecify;

  exports dev.espalier.text;
}
