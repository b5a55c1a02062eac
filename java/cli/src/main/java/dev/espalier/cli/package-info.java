// SPDX-License-Identifier: Apache-2.0

/**
 * The command {@code espalier}. A class for each of its commands, and what they share: options,
 * data, progress, messages. No library: nothing here is meant to be called by others.
 */
package dev.espalier.cli;
