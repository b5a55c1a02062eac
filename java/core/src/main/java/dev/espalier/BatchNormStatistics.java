// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * What freezing does to the running statistics of batch norm layers.
 *
 * @since 0.1
 */
public enum BatchNormStatistics {
  /** The layer is a pure function: it uses its running statistics and keeps them. The default. */
  KEEP,
  /** Parameters are frozen, but batch statistics are used and the running ones follow them. */
  ADAPT
}
