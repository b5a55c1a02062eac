// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/blas.h"

#include <dlfcn.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <string>

#include "espalier/runtime.h"

namespace espalier {
namespace {

// From cblas.h.
constexpr int kRowMajor = 101;
constexpr int kNoTranspose = 111;
constexpr int kTranspose = 112;
using Sgemm = void (*)(int order, int transpose_a, int transpose_b, int m, int n, int k,
                       float alpha, const float* a, int lda, const float* b, int ldb, float beta,
                       float* c, int ldc);
using SetThreads = void (*)(int threads);

struct Library {
  std::mutex mutex;
  std::string path;
  bool was_tried = false;
  Sgemm sgemm = nullptr;
};

Library& TheLibrary() {
  static Library library;
  return library;
}

// Null if there is none. Never closed again: other threads may be inside.
Sgemm FindSgemm() {
  Library& library = TheLibrary();
  const std::lock_guard lock(library.mutex);
  if (library.was_tried) return library.sgemm;
  library.was_tried = true;
  library.sgemm = nullptr;
  if (library.path.empty()) return nullptr;
  void* handle = dlopen(library.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return nullptr;
  // Our own pool splits the work; a second one would compete with it.
  if (void* symbol = dlsym(handle, "openblas_set_num_threads")) {
    reinterpret_cast<SetThreads>(symbol)(1);
  }
  library.sgemm = reinterpret_cast<Sgemm>(dlsym(handle, "cblas_sgemm"));
  return library.sgemm;
}

struct Operand {
  int transpose;
  int leading;
};

bool IsDense(const MatrixRef& matrix) {
  const auto fits = [](std::int64_t stride, std::int64_t length) {
    return stride >= std::max<std::int64_t>(length, 1) && stride <= std::numeric_limits<int>::max();
  };
  return (matrix.column_stride == 1 && fits(matrix.row_stride, matrix.columns)) ||
         (matrix.row_stride == 1 && fits(matrix.column_stride, matrix.rows));
}

Operand AsOperand(const MatrixRef& matrix) {
  if (matrix.column_stride == 1 && matrix.row_stride >= matrix.columns) {
    return {kNoTranspose, static_cast<int>(matrix.row_stride)};
  }
  return {kTranspose, static_cast<int>(matrix.column_stride)};
}

}  // namespace

void SetOpenBlasPath(const std::string& path) {
  Library& library = TheLibrary();
  const std::lock_guard lock(library.mutex);
  library.path = path;
  library.was_tried = false;
}

bool OpenBlasIsAvailable() { return FindSgemm() != nullptr; }

void OpenBlasMatmul(const MatrixRef& a, const MatrixRef& b, float* c, std::int64_t c_stride) {
  const Operand left = AsOperand(a);
  const Operand right = AsOperand(b);
  FindSgemm()(kRowMajor, left.transpose, right.transpose, static_cast<int>(a.rows),
              static_cast<int>(b.columns), static_cast<int>(a.columns), 1.0f, a.data, left.leading,
              b.data, right.leading, 0.0f, c, static_cast<int>(c_stride));
}

bool OpenBlasServes(CpuTargetId target, std::int64_t m, std::int64_t n, std::int64_t k) {
  constexpr std::int64_t kMost = 1 << 20;  // far from where its int sizes end
  if (std::max({m, n, k}) > kMost) return false;
  constexpr std::int64_t kLeast = 2048;
  return target != CpuTargetId::kBaseline && target != CpuTargetId::kNeon &&
         std::min({m, n, k}) >= kLeast;
}

void TrainingMatmul(const MatrixRef& a, const MatrixRef& b, float* c, std::int64_t c_stride,
                    const Epilogue& epilogue, Workspace& workspace) {
  const bool is_plain = epilogue.row_bias == nullptr && epilogue.column_bias == nullptr &&
                        epilogue.residual == nullptr && epilogue.activation == Activation::kNone &&
                        !epilogue.accumulate;
  if (!is_plain || IsCpuTargetForced() || !IsDense(a) || !IsDense(b) ||
      !OpenBlasServes(ActiveCpuTarget(), a.rows, b.columns, a.columns) || !OpenBlasIsAvailable()) {
    ParallelMatmul(a, b, c, c_stride, epilogue, workspace);
    return;
  }
  constexpr std::int64_t kRowsPerTask = 512;
  const std::int64_t tasks = (a.rows + kRowsPerTask - 1) / kRowsPerTask;
  workspace.ParallelFor(tasks, [&](std::int64_t task, std::span<float>) {
    const std::int64_t row = task * kRowsPerTask;
    MatrixRef part = a;
    part.data += row * a.row_stride;
    part.rows = std::min(kRowsPerTask, a.rows - row);
    OpenBlasMatmul(part, b, c + row * c_stride, c_stride);
  });
}

}  // namespace espalier
