// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

/**
 * What one training of a study gave.
 *
 * @param logits of the examples that it is judged by
 * @param steps of training that it took
 * @param seconds that it took
 * @param parameters of the network
 * @param microseconds median time of a prediction; 0 where nobody asked
 */
record CellOutputs(
    float[][] logits, long steps, double seconds, long parameters, double microseconds) {}
