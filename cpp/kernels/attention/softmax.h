// SPDX-License-Identifier: Apache-2.0
#pragma once

// Softmax of rows, and its cross-entropy. A row's bits depend on the row alone.

#include <cstdint>

namespace espalier {

/// probabilities = softmax(logits), row by row; may be in place. NaN or +Inf among
/// the logits makes the row NaN. Of two logits each result is within 2.5 units of the last
/// place; more logits add the rounding of their sum.
void Softmax(const float* logits, std::int64_t rows, std::int64_t columns,
             std::int64_t logits_stride, std::int64_t probabilities_stride, float* probabilities);

/// y = log(softmax(x)), row by row, the rows one after the other; may be in place.
void LogSoftmax(const float* x, std::int64_t rows, std::int64_t columns, float* y);

/// grad_x = y·(grad_y - Σ grad_y·y), the gradient through y = softmax(x). It may be grad_y.
void SoftmaxBackward(const float* y, const float* grad_y, std::int64_t rows, std::int64_t columns,
                     float* grad_x);

/// grad_x = grad_y - exp(y)·Σ grad_y, the gradient through y = log(softmax(x)). It may be grad_y.
void LogSoftmaxBackward(const float* y, const float* grad_y, std::int64_t rows,
                        std::int64_t columns, float* grad_x);

/// Cross-entropy of one row with the smoothed target t[c] = on·[c = target] + off:
///
///   loss = Σ w[c]·t[c]·(log Σ exp(z) - z[c]),  grad = scale·(W·softmax(z) - w·t),  W = Σ w[c]·t[c]
struct CrossEntropyRow {
  const float* logits = nullptr;
  float* grad_logits = nullptr;  ///< may be `logits`; null: loss only
  std::int64_t columns = 0;
  std::int64_t target = 0;                ///< in [0, columns)
  const double* class_weights = nullptr;  ///< w; null: all 1
  double class_weight_sum = 0.0;          ///< Σ w, or `columns`
  double on = 1.0;
  double off = 0.0;
  double scale = 1.0;
};

/// Returns the loss, without `scale`.
double SoftmaxCrossEntropy(const CrossEntropyRow& row);

}  // namespace espalier
