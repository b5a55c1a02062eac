// SPDX-License-Identifier: Apache-2.0

/**
 * What trainings, evaluations and studies found, for people and for other programs.
 *
 * <p>A {@link dev.espalier.report.Report} is a page in one file, which shows without a network how
 * a network learned and what it answers, and the same numbers as JSON. {@link
 * dev.espalier.report.Histories} writes learning curves as CSV and for TensorBoard.
 *
 * <p>Exceptions, nulls and printing are as in {@link dev.espalier}. No file is written over unless
 * that is asked for.
 *
 * @since 0.1
 */
@NullMarked
package dev.espalier.report;

import org.jspecify.annotations.NullMarked;
