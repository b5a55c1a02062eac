// SPDX-License-Identifier: Apache-2.0

/**
 * Meters for Micrometer's registries: {@link dev.espalier.micrometer.EspalierMetrics} shows what
 * predictors and the library count, {@link dev.espalier.micrometer.PredictionTimer} how long
 * predictions take and how many examples they have.
 *
 * <p>Exceptions, nulls and printing are as in {@link dev.espalier}.
 *
 * @since 0.1
 */
@NullMarked
package dev.espalier.micrometer;

import org.jspecify.annotations.NullMarked;
