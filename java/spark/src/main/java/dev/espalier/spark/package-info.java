// SPDX-License-Identifier: Apache-2.0

/**
 * Networks as stages of Spark ML: {@link dev.espalier.spark.EspalierModel} predicts on the
 * executors, {@link dev.espalier.spark.EspalierEstimator} gives a network new heads, {@link
 * dev.espalier.spark.EspalierEvaluator} judges answers of which not all are known.
 *
 * <p>Exceptions are as in {@link dev.espalier}; those of tasks reach the caller as Spark's, with
 * their own as the cause.
 *
 * @since 0.1
 */
@NullMarked
package dev.espalier.spark;

import org.jspecify.annotations.NullMarked;
