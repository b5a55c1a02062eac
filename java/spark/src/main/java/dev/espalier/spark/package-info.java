// SPDX-License-Identifier: Apache-2.0

/**
 * Networks as stages of Spark ML: {@link dev.espalier.spark.EspalierModel} predicts on the
 * executors.
 *
 * <p>Exceptions are as in {@link dev.espalier}; those of tasks reach the caller as Spark's, with
 * their own as the cause.
 *
 * @since 0.1
 */
@NullMarked
package dev.espalier.spark;

import org.jspecify.annotations.NullMarked;
