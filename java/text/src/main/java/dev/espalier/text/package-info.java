// SPDX-License-Identifier: Apache-2.0

/**
 * Texts for networks: tokenizers and data sets, in Java alone.
 *
 * <p>A {@link dev.espalier.text.Tokenizer} reads the {@code tokenizer.json} that a published
 * network comes with and turns texts into its ids. {@link dev.espalier.text.TextInputs} says what
 * of a text each input of a network is, and makes rows for predictors; a {@link
 * dev.espalier.text.TextDataset} is what trainers and evaluations read.
 *
 * <p>Exceptions, nulls and printing are as in {@link dev.espalier}.
 *
 * @since 0.1
 */
@NullMarked
package dev.espalier.text;

import org.jspecify.annotations.NullMarked;
