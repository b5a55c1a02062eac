// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

/**
 * A blank that an answer would fill.
 *
 * @param example its place in the data set
 * @param label name of the label; of a task of classes, which have one blank an example, the task's
 * @param guess what would be said of it today: {@code "yes"}, {@code "no"}, or a class
 * @param probability that of the guess
 * @param gain by how much the mean variance of what is said of all examples is expected to fall,
 *     with those before it answered: to compare, not to read
 * @since 0.1
 */
public record OpenAnswer(
    int example, String label, String guess, double probability, double gain) {}
