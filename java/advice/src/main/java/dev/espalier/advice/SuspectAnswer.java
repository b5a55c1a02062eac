// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

/**
 * A known answer, and what heads say of it that were not trained on its example.
 *
 * @param example its place in the data set
 * @param label name of the label; of a task of classes, the task's
 * @param given the answer: {@code "yes"}, {@code "no"}, or a class
 * @param instead the likeliest other answer
 * @param probability what the heads give the known answer
 * @param isContradicted whether the other answer is given at least what it usually is where it is
 *     known, and more than this one: what confident learning counts as wrong
 * @since 0.1
 */
public record SuspectAnswer(
    int example,
    String label,
    String given,
    String instead,
    double probability,
    boolean isContradicted) {}
