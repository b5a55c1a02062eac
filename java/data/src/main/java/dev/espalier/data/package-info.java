// SPDX-License-Identifier: Apache-2.0

/**
 * Files as data sets for networks: {@link dev.espalier.data.CsvDataset} reads tables, {@link
 * dev.espalier.data.IdxDataset} pictures as MNIST has them.
 *
 * <p>Exceptions, nulls and printing are as in {@link dev.espalier}.
 *
 * @since 0.1
 */
@NullMarked
package dev.espalier.data;

import org.jspecify.annotations.NullMarked;
