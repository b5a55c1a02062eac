// SPDX-License-Identifier: Apache-2.0
#pragma once

// Matrix products of training, some of which OpenBLAS may do. It is never linked: if
// SetOpenBlasPath (espalier/runtime.h) named one, the library is opened when the first product
// wants it, held to one thread, and everything works without it. Which products it serves was
// measured: docs/decisions/0003-openblas-behind-the-seam.md.

#include <cstdint>

#include "core/cpu.h"
#include "core/thread_pool.h"
#include "kernels/matmul/matmul.h"

namespace espalier {

/// True if a library is set and could be opened; opens it.
bool OpenBlasIsAvailable();

/// True if OpenBLAS is the faster one for C [m, n] = A [m, k] · B [k, n] where our own code
/// would be `target`'s. Depends on nothing else, so that a product's bits do not either.
bool OpenBlasServes(CpuTargetId target, std::int64_t m, std::int64_t n, std::int64_t k);

/// C = A·B by OpenBLAS, on the calling thread. Pre: OpenBlasIsAvailable(), sizes that fit an
/// int, in A and B one stride of 1 and the other at least the length of a row (or column).
void OpenBlasMatmul(const MatrixRef& a, const MatrixRef& b, float* c, std::int64_t c_stride);

/// As ParallelMatmul, by OpenBLAS where it serves (and no target is forced). For training
/// alone: its bits depend on M, so neither predictions nor cached features may come from it.
void TrainingMatmul(const MatrixRef& a, const MatrixRef& b, float* c, std::int64_t c_stride,
                    const Epilogue& epilogue, Workspace& workspace);

}  // namespace espalier
