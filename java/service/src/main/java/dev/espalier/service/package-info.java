// SPDX-License-Identifier: Apache-2.0

/**
 * Serves a model file by HTTP: as a program, {@link dev.espalier.service.ServiceMain}, or as a part
 * of one, {@link dev.espalier.service.PredictionService}.
 */
@NullMarked
package dev.espalier.service;

import org.jspecify.annotations.NullMarked;
