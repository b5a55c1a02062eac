// SPDX-License-Identifier: Apache-2.0

/**
 * A model file in a Spring Boot application: {@code espalier.model=models/garments.safetensors}
 * makes a {@link dev.espalier.Predictor} to inject. {@link dev.espalier.spring.EspalierProperties}
 * has the other properties.
 *
 * @since 0.1
 */
@NullMarked
package dev.espalier.spring;

import org.jspecify.annotations.NullMarked;
