// SPDX-License-Identifier: Apache-2.0

/**
 * Files as data sets for networks: {@link dev.espalier.data.PictureDataset} reads pictures, {@link
 * dev.espalier.data.Table} rows with named columns, {@link dev.espalier.data.IdxDataset} pictures
 * as MNIST has them. A {@link dev.espalier.data.PictureReader} gives a predictor single pictures, a
 * {@link dev.espalier.data.RowPredictor} takes raw rows.
 *
 * <p>Exceptions, nulls and printing are as in {@link dev.espalier}.
 *
 * @since 0.1
 */
@NullMarked
package dev.espalier.data;

import org.jspecify.annotations.NullMarked;
