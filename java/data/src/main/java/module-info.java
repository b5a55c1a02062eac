// SPDX-License-Identifier: Apache-2.0

/** Espalier's data: files as data sets. Everything public is in {@link dev.espalier.data}. */
module dev.espalier.data {
  requires transitive dev.espalier;
  requires transitive java.desktop; // pictures in memory
  requires transitive java.sql; // answers of databases
  requires de.siegmar.fastcsv;
  // Annotations that tools read: nothing at run time.
  requires static org.jspecify;

  exports dev.espalier.data;
}
