// SPDX-License-Identifier: Apache-2.0
#pragma once

// Other libraries' matrix products, for comparison.

#include <functional>
#include <string>
#include <vector>

namespace espalier {

/// C [m, n] = A·B in row-major order. A is [m, k], or [k, m] if transposed; B is [k, n].
struct Gemm {
  int m, n, k;
  bool is_a_transposed;
  const float* a;
  const float* b;
  float* c;
};

/// Computes the product; what it refers to must outlive it.
using RunGemm = std::function<void()>;

struct GemmPeer {
  std::string name;     ///< as in the results
  std::string version;  ///< and what it runs on this CPU, if it tells
  std::function<RunGemm(const Gemm&)> plain;
  std::function<RunGemm(const Gemm&)> packed;  ///< B packed once beforehand; null if there is none
};

/// The libraries that are there: OpenBLAS as ESPALIER_OPENBLAS, MKL as the environment's
/// MKL_LIBRARY, oneDNN if this was built with it. All held to so many threads.
std::vector<GemmPeer> GemmPeers(int threads);

}  // namespace espalier
