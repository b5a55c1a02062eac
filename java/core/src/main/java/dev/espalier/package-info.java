// SPDX-License-Identifier: Apache-2.0

/**
 * Neural networks on the CPU: train once, graft many heads, learn from incomplete labels.
 *
 * <p>A {@link dev.espalier.Network} is built layer by layer, trained by a {@link
 * dev.espalier.Trainer} on a {@link dev.espalier.Dataset}, turned into another by a {@link
 * dev.espalier.TransferBuilder}, and served by a {@link dev.espalier.Predictor}.
 *
 * <p>Native code does the computing. Networks and predictors hold native memory and are {@link
 * java.lang.AutoCloseable}; a closed one throws {@link dev.espalier.ClosedException}. All
 * exceptions are unchecked. Arguments that are null where nothing else is said throw {@link
 * java.lang.NullPointerException} with their name. The library never prints.
 *
 * <p>What makes a network, a predictor or a trainer, or changes several things, throws {@link
 * java.lang.StackOverflowError} before it begins where the calling thread has less than 192 KiB of
 * stack left. Predictions need no more than the virtual machine promises native code anyway.
 *
 * @since 0.1
 */
@NullMarked
package dev.espalier;

import org.jspecify.annotations.NullMarked;
