// SPDX-License-Identifier: Apache-2.0

// Gelu: x · 0.5 · (1 + Erf(x / √2)), or with Tanh(√(2/π) · (x + 0.044715·x³)) in the place of Erf:
// a product of three, in any order.

#include <cmath>
#include <numbers>

#include "import/composites.h"
#include "import/passes.h"
#include "import/pattern.h"

namespace espalier {
namespace {

constexpr double kCubic = 0.044715;
const double kTanhScale = std::sqrt(2.0 / std::numbers::pi);

// value = x · number, as a product or a quotient.
bool TakeScaled(Pattern& pattern, const std::string& value, const std::string& x, double number) {
  return pattern.Either(
      [&] {
        const ForeignNode* const product = pattern.Take(value, "Mul");
        const std::string* const factor =
            product == nullptr ? nullptr : pattern.BesideNumber(*product, number);
        return factor != nullptr && *factor == x;
      },
      [&] {
        const ForeignNode* const quotient = pattern.Take(value, "Div");
        return quotient != nullptr && quotient->Input(0) == x &&
               pattern.IsNumber(quotient->Input(1), 1.0 / number);
      });
}

// value = x³
bool TakeCube(Pattern& pattern, const std::string& value, const std::string& x) {
  return pattern.Either(
      [&] {
        const ForeignNode* const power = pattern.Take(value, "Pow");
        return power != nullptr && power->Input(0) == x && pattern.IsNumber(power->Input(1), 3.0);
      },
      [&] {
        const ForeignNode* const product = pattern.Take(value, "Mul");
        const std::string* const square =
            product == nullptr ? nullptr : pattern.Beside(*product, x);
        const ForeignNode* const factor =
            square == nullptr ? nullptr : pattern.Take(*square, "Mul");
        return factor != nullptr && factor->Input(0) == x && factor->Input(1) == x;
      });
}

// value = √(2/π) · (x + 0.044715·x³)
bool TakeCubic(Pattern& pattern, const std::string& value, const std::string& x) {
  const ForeignNode* const product = pattern.Take(value, "Mul");
  const std::string* const factor =
      product == nullptr ? nullptr : pattern.BesideNumber(*product, kTanhScale);
  const ForeignNode* const sum = factor == nullptr ? nullptr : pattern.Take(*factor, "Add");
  const std::string* const scaled = sum == nullptr ? nullptr : pattern.Beside(*sum, x);
  const ForeignNode* const term = scaled == nullptr ? nullptr : pattern.Take(*scaled, "Mul");
  const std::string* const cube = term == nullptr ? nullptr : pattern.BesideNumber(*term, kCubic);
  return cube != nullptr && TakeCube(pattern, *cube, x);
}

// value = 1 + Erf(x / √2), or with Tanh.
bool TakeRise(Pattern& pattern, const std::string& value, const std::string& x, bool& is_tanh) {
  const ForeignNode* const sum = pattern.Take(value, "Add");
  const std::string* const function = sum == nullptr ? nullptr : pattern.BesideNumber(*sum, 1.0);
  if (function == nullptr) return false;
  return pattern.Either(
      [&] {
        is_tanh = false;
        const ForeignNode* const erf = pattern.Take(*function, "Erf");
        return erf != nullptr && TakeScaled(pattern, erf->Input(0), x, std::numbers::sqrt2 / 2.0);
      },
      [&] {
        is_tanh = true;
        const ForeignNode* const tanh = pattern.Take(*function, "Tanh");
        return tanh != nullptr && TakeCubic(pattern, tanh->Input(0), x);
      });
}

// last = x · 0.5 · rise; x is found.
bool TakeGelu(Pattern& pattern, const ForeignNode& last, std::string& x, bool& is_tanh) {
  if (!last.Is("Mul") || last.inputs.size() != 2) return false;
  // (x · rise) · 0.5
  if (const std::string* const product = pattern.BesideNumber(last, 0.5)) {
    const bool is_match = pattern.Either([&] {
      const ForeignNode* const inner = pattern.Take(*product, "Mul");
      if (inner == nullptr || inner->inputs.size() != 2) return false;
      for (const std::size_t i : {0u, 1u}) {
        x = inner->Input(i);
        if (pattern.Either([&] { return TakeRise(pattern, inner->Input(1 - i), x, is_tanh); })) {
          return true;
        }
      }
      return false;
    });
    if (is_match) return true;
  }
  for (const std::size_t i : {0u, 1u}) {
    // (x · 0.5) · rise
    const bool is_halved = pattern.Either([&] {
      const ForeignNode* const half = pattern.Take(last.Input(i), "Mul");
      const std::string* const factor =
          half == nullptr ? nullptr : pattern.BesideNumber(*half, 0.5);
      if (factor == nullptr) return false;
      x = *factor;
      return TakeRise(pattern, last.Input(1 - i), x, is_tanh);
    });
    // x · (rise · 0.5)
    if (is_halved || pattern.Either([&] {
          const ForeignNode* const half = pattern.Take(last.Input(i), "Mul");
          const std::string* const rise =
              half == nullptr ? nullptr : pattern.BesideNumber(*half, 0.5);
          x = last.Input(1 - i);
          return rise != nullptr && TakeRise(pattern, *rise, x, is_tanh);
        })) {
      return true;
    }
  }
  return false;
}

}  // namespace

void FuseGelu(ForeignGraph& graph, ImportReport& report) {
  for (auto node = graph.nodes().begin(); node != graph.nodes().end(); ++node) {
    Pattern pattern(graph);
    std::string x;
    bool is_tanh = false;
    if (!TakeGelu(pattern, *node, x, is_tanh) || !pattern.IsClosed(*node) ||
        !HaveSameDimensions(graph, x, node->outputs[0])) {
      continue;
    }
    ForeignNode gelu = {.kind = "Gelu", .version = kGeluVersion, .inputs = {x}};
    gelu.attributes["approximate"] = std::string(is_tanh ? "tanh" : "none");
    node = Fuse(graph, report, pattern, node, std::move(gelu));
  }
}

}  // namespace espalier
