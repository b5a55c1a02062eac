// SPDX-License-Identifier: Apache-2.0

/**
 * What helps on one's own data, found by small paired experiments whose results come with
 * intervals, never as bare scores.
 *
 * <p>Exceptions, nulls and printing are as in {@link dev.espalier}.
 *
 * @since 0.1
 */
@NullMarked
package dev.espalier.advice;

import org.jspecify.annotations.NullMarked;
