// SPDX-License-Identifier: Apache-2.0
#include "kernels/recurrent/recurrent_steps.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/recurrent/recurrent_steps.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/elementary-inl.h"
#include "kernels/vectors/partial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Calls step(j, count) for vectors of `count` elements from j on.
template <class Step>
HWY_INLINE void ForVectors(std::size_t hidden, Step step) {
  const std::size_t lanes = hn::Lanes(D());
  std::size_t j = 0;
  for (; j + lanes <= hidden; j += lanes) step(j, lanes);
  if (j < hidden) step(j, hidden - j);
}

// The derivatives of sigmoid and tanh, from their values.
HWY_INLINE V SigmoidSlope(V s) { return hn::Mul(s, hn::Sub(hn::Set(D(), 1.0f), s)); }
HWY_INLINE V TanhSlope(V t) { return hn::NegMulAdd(t, t, hn::Set(D(), 1.0f)); }

// f·c + i·g
HWY_INLINE V NextCell(V i, V f, V g, V c) { return hn::MulAdd(f, c, hn::Mul(i, g)); }

void LstmForward(std::size_t hidden, const float* recurrent, float* gates, float* cell,
                 float* state) {
  const D d;
  ForVectors(hidden, [=](std::size_t j, std::size_t count) HWY_ATTR {
    const auto sum = [=](std::size_t gate) HWY_ATTR {
      const std::size_t at = gate * hidden + j;
      return hn::Add(LoadFirst(d, gates + at, count), LoadFirst(d, recurrent + at, count));
    };
    const V i = Sigmoid(d, sum(0));
    const V f = Sigmoid(d, sum(1));
    const V g = Tanh(d, sum(2));
    const V o = Sigmoid(d, sum(3));
    const V c = NextCell(i, f, g, LoadFirst(d, cell + j, count));
    StoreFirst(i, d, gates + j, count);
    StoreFirst(f, d, gates + hidden + j, count);
    StoreFirst(g, d, gates + 2 * hidden + j, count);
    StoreFirst(o, d, gates + 3 * hidden + j, count);
    StoreFirst(c, d, cell + j, count);
    StoreFirst(hn::Mul(o, Tanh(d, c)), d, state + j, count);
  });
}

void LstmBackward(std::size_t hidden, const float* gates, const float* cell, float* grad_state,
                  float* grad_cell, float* grad_gates) {
  const D d;
  ForVectors(hidden, [=](std::size_t j, std::size_t count) HWY_ATTR {
    const V i = LoadFirst(d, gates + j, count);
    const V f = LoadFirst(d, gates + hidden + j, count);
    const V g = LoadFirst(d, gates + 2 * hidden + j, count);
    const V o = LoadFirst(d, gates + 3 * hidden + j, count);
    const V c = LoadFirst(d, cell + j, count);
    const V t = Tanh(d, NextCell(i, f, g, c));
    const V grad_h = LoadFirst(d, grad_state + j, count);
    const V grad_c =
        hn::MulAdd(hn::Mul(grad_h, o), TanhSlope(t), LoadFirst(d, grad_cell + j, count));
    const auto store = [=](std::size_t gate, V grad)
                           HWY_ATTR { StoreFirst(grad, d, grad_gates + gate * hidden + j, count); };
    store(0, hn::Mul(hn::Mul(grad_c, g), SigmoidSlope(i)));
    store(1, hn::Mul(hn::Mul(grad_c, c), SigmoidSlope(f)));
    store(2, hn::Mul(hn::Mul(grad_c, i), TanhSlope(g)));
    store(3, hn::Mul(hn::Mul(grad_h, t), SigmoidSlope(o)));
    StoreFirst(hn::Mul(grad_c, f), d, grad_cell + j, count);
    StoreFirst(hn::Zero(d), d, grad_state + j, count);
  });
}

void GruForward(std::size_t hidden, const float* recurrent, float* gates, float* state) {
  const D d;
  ForVectors(hidden, [=](std::size_t j, std::size_t count) HWY_ATTR {
    const auto x = [=](std::size_t gate)
                       HWY_ATTR { return LoadFirst(d, gates + gate * hidden + j, count); };
    const auto s = [=](std::size_t gate)
                       HWY_ATTR { return LoadFirst(d, recurrent + gate * hidden + j, count); };
    const V r = Sigmoid(d, hn::Add(x(0), s(0)));
    const V z = Sigmoid(d, hn::Add(x(1), s(1)));
    const V s_n = s(2);
    const V n = Tanh(d, hn::MulAdd(r, s_n, x(2)));
    const V h = LoadFirst(d, state + j, count);
    StoreFirst(r, d, gates + j, count);
    StoreFirst(z, d, gates + hidden + j, count);
    StoreFirst(n, d, gates + 2 * hidden + j, count);
    StoreFirst(s_n, d, gates + 3 * hidden + j, count);
    StoreFirst(hn::MulAdd(z, hn::Sub(h, n), n), d, state + j, count);
  });
}

void GruBackward(std::size_t hidden, const float* gates, const float* state, float* grad_state,
                 float* grad_gates) {
  const D d;
  ForVectors(hidden, [=](std::size_t j, std::size_t count) HWY_ATTR {
    const V r = LoadFirst(d, gates + j, count);
    const V z = LoadFirst(d, gates + hidden + j, count);
    const V n = LoadFirst(d, gates + 2 * hidden + j, count);
    const V s_n = LoadFirst(d, gates + 3 * hidden + j, count);
    const V h = LoadFirst(d, state + j, count);
    const V grad_h = LoadFirst(d, grad_state + j, count);
    const V grad_n = hn::Mul(hn::Mul(grad_h, hn::Sub(hn::Set(d, 1.0f), z)), TanhSlope(n));
    const V grad_z = hn::Mul(hn::Mul(grad_h, hn::Sub(h, n)), SigmoidSlope(z));
    const V grad_r = hn::Mul(hn::Mul(grad_n, s_n), SigmoidSlope(r));
    StoreFirst(grad_r, d, grad_gates + j, count);
    StoreFirst(grad_z, d, grad_gates + hidden + j, count);
    StoreFirst(grad_n, d, grad_gates + 2 * hidden + j, count);
    StoreFirst(hn::Mul(grad_n, r), d, grad_gates + 3 * hidden + j, count);
    StoreFirst(hn::Mul(grad_h, z), d, grad_state + j, count);
  });
}

void GruResetForward(std::size_t hidden, const float* recurrent, const float* state, float* gates,
                     float* reset) {
  const D d;
  ForVectors(hidden, [=](std::size_t j, std::size_t count) HWY_ATTR {
    const auto gate = [=](std::size_t index) HWY_ATTR {
      const std::size_t at = index * hidden + j;
      return Sigmoid(d,
                     hn::Add(LoadFirst(d, gates + at, count), LoadFirst(d, recurrent + at, count)));
    };
    const V r = gate(0);
    const V z = gate(1);
    const V h = hn::Mul(r, LoadFirst(d, state + j, count));
    StoreFirst(r, d, gates + j, count);
    StoreFirst(z, d, gates + hidden + j, count);
    StoreFirst(h, d, gates + 3 * hidden + j, count);
    StoreFirst(h, d, reset + j, count);
  });
}

void GruCandidateForward(std::size_t hidden, const float* candidate, float* gates, float* state) {
  const D d;
  ForVectors(hidden, [=](std::size_t j, std::size_t count) HWY_ATTR {
    const V z = LoadFirst(d, gates + hidden + j, count);
    const V n = Tanh(d, hn::Add(LoadFirst(d, gates + 2 * hidden + j, count),
                                LoadFirst(d, candidate + j, count)));
    const V h = LoadFirst(d, state + j, count);
    StoreFirst(n, d, gates + 2 * hidden + j, count);
    StoreFirst(hn::MulAdd(z, hn::Sub(h, n), n), d, state + j, count);
  });
}

void GruCandidateGradients(std::size_t hidden, const float* gates, const float* state,
                           float* grad_state, float* grad_gates) {
  const D d;
  ForVectors(hidden, [=](std::size_t j, std::size_t count) HWY_ATTR {
    const V z = LoadFirst(d, gates + hidden + j, count);
    const V n = LoadFirst(d, gates + 2 * hidden + j, count);
    const V h = LoadFirst(d, state + j, count);
    const V grad_h = LoadFirst(d, grad_state + j, count);
    const V grad_n = hn::Mul(hn::Mul(grad_h, hn::Sub(hn::Set(d, 1.0f), z)), TanhSlope(n));
    const V grad_z = hn::Mul(hn::Mul(grad_h, hn::Sub(h, n)), SigmoidSlope(z));
    StoreFirst(hn::Zero(d), d, grad_gates + j, count);
    StoreFirst(grad_z, d, grad_gates + hidden + j, count);
    StoreFirst(grad_n, d, grad_gates + 2 * hidden + j, count);
    StoreFirst(hn::Zero(d), d, grad_gates + 3 * hidden + j, count);
    StoreFirst(hn::Mul(grad_h, z), d, grad_state + j, count);
  });
}

void GruResetGradients(std::size_t hidden, const float* gates, const float* state,
                       const float* grad_reset, float* grad_state, float* grad_gates) {
  const D d;
  ForVectors(hidden, [=](std::size_t j, std::size_t count) HWY_ATTR {
    const V r = LoadFirst(d, gates + j, count);
    const V h = LoadFirst(d, state + j, count);
    const V grad = LoadFirst(d, grad_reset + j, count);
    StoreFirst(hn::Mul(hn::Mul(grad, h), SigmoidSlope(r)), d, grad_gates + j, count);
    StoreFirst(hn::MulAdd(grad, r, LoadFirst(d, grad_state + j, count)), d, grad_state + j, count);
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void LstmStep(std::int64_t hidden, const float* recurrent, float* gates, float* cell,
              float* state) {
  ESPALIER_KERNEL(LstmForward)
  (static_cast<std::size_t>(hidden), recurrent, gates, cell, state);
}

void LstmStepBackward(std::int64_t hidden, const float* gates, const float* cell, float* grad_state,
                      float* grad_cell, float* grad_gates) {
  ESPALIER_KERNEL(LstmBackward)
  (static_cast<std::size_t>(hidden), gates, cell, grad_state, grad_cell, grad_gates);
}

void GruStep(std::int64_t hidden, const float* recurrent, float* gates, float* state) {
  ESPALIER_KERNEL(GruForward)(static_cast<std::size_t>(hidden), recurrent, gates, state);
}

void GruStepBackward(std::int64_t hidden, const float* gates, const float* state, float* grad_state,
                     float* grad_gates) {
  ESPALIER_KERNEL(GruBackward)
  (static_cast<std::size_t>(hidden), gates, state, grad_state, grad_gates);
}

void GruReset(std::int64_t hidden, const float* recurrent, const float* state, float* gates,
              float* reset) {
  ESPALIER_KERNEL(GruResetForward)
  (static_cast<std::size_t>(hidden), recurrent, state, gates, reset);
}

void GruCandidate(std::int64_t hidden, const float* candidate, float* gates, float* state) {
  ESPALIER_KERNEL(GruCandidateForward)(static_cast<std::size_t>(hidden), candidate, gates, state);
}

void GruCandidateBackward(std::int64_t hidden, const float* gates, const float* state,
                          float* grad_state, float* grad_gates) {
  ESPALIER_KERNEL(GruCandidateGradients)
  (static_cast<std::size_t>(hidden), gates, state, grad_state, grad_gates);
}

void GruResetBackward(std::int64_t hidden, const float* gates, const float* state,
                      const float* grad_reset, float* grad_state, float* grad_gates) {
  ESPALIER_KERNEL(GruResetGradients)
  (static_cast<std::size_t>(hidden), gates, state, grad_reset, grad_state, grad_gates);
}

}  // namespace espalier
#endif
