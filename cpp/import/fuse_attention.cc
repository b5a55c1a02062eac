// SPDX-License-Identifier: Apache-2.0

// Attention as exporters write it. Of queries, keys and values [batch, length, heads · width]:
//   q, v = Transpose(Reshape(…, [batch, length, heads, width]), 0 2 1 3); k likewise, or 0 2 3 1
//   Reshape(Transpose(MatMul(Softmax(MatMul(q, kᵀ) · scale + mask), v), 0 2 1 3), as the queries)
// with the scale as Mul or Div, at the product or at its factors, with or without a mask that
// follows from an input of ones and zeros [batch, length], and with or without a constant one,
// added or selected by, of which each query has nothing but the keys up to its own. Or of all three
// in one, as vision transformers have them, [batch, length, 3 · heads · width]:
//   q, k, v = Gather or Split of Transpose(Reshape(…, [batch, length, 3, heads, width]), 2 0 3 1 4)

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "import/composites.h"
#include "import/mask_lengths.h"
#include "import/mask_trace.h"
#include "import/node_facts.h"
#include "import/passes.h"
#include "import/pattern.h"

namespace espalier {
namespace {

// A score to which at most this is added counts for nothing beside others.
constexpr double kMasked = -1000.0;

// Most factors in one place.
constexpr int kMostScales = 4;

using Order = std::vector<std::int64_t>;

// Queries, keys or values, [batch, length, heads · width], as they are before they are cut; or
// part 0, 1 or 2 of all three, side by side.
struct Projection {
  std::string value;
  std::int64_t heads = 0;
  std::int64_t width = 0;
  std::int64_t part = -1;
};

struct AttentionMatch {
  Projection queries, keys, values;
  double scale = 1.0;
  std::string mask;  // the input, or empty
  bool is_causal = false;

  bool IsPacked() const {
    return queries.part == 0 && keys.part == 1 && values.part == 2 && queries.value == keys.value &&
           keys.value == values.value;
  }
  bool IsApart() const { return queries.part < 0 && keys.part < 0 && values.part < 0; }
};

// `value` without what it is multiplied or divided by, that goes to `scale`, and without a 0 that
// is added.
std::string TakeScale(Pattern& pattern, std::string value, double& scale) {
  const ForeignGraph& graph = pattern.graph();
  for (int steps = 0; steps < kMostScales; ++steps) {
    std::string inner;
    const bool is_scaled = pattern.Either(
        [&] {
          const ForeignNode* const product = pattern.Take(value, "Mul");
          if (product == nullptr || product->inputs.size() != 2) return false;
          const std::size_t constant = graph.Scalar(product->Input(1)).has_value() ? 1 : 0;
          const std::optional<float> factor = graph.Scalar(product->Input(constant));
          if (!factor.has_value()) return false;
          scale *= static_cast<double>(*factor);
          inner = product->Input(1 - constant);
          return true;
        },
        [&] {
          const ForeignNode* const quotient = pattern.Take(value, "Div");
          const std::optional<float> divisor =
              quotient == nullptr ? std::nullopt : graph.Scalar(quotient->Input(1));
          if (!divisor.has_value()) return false;
          scale /= static_cast<double>(*divisor);
          inner = quotient->Input(0);
          return true;
        },
        [&] {
          const ForeignNode* const sum = pattern.Take(value, "Add");
          const std::string* const term =
              sum == nullptr ? nullptr : pattern.BesideNumber(*sum, 0.0);
          if (term == nullptr) return false;
          inner = *term;
          return true;
        });
    if (!is_scaled) return value;
    value = inner;
  }
  return value;
}

const ForeignNode* TakeTranspose(Pattern& pattern, const std::string& value, const Order& order) {
  const ForeignNode* const transpose = pattern.Take(value, "Transpose");
  return transpose != nullptr && transpose->Integers("perm") == order ? transpose : nullptr;
}

bool IsBatch(const ForeignDimension& dimension) {
  return dimension.is_batch() && dimension.size == 1;
}

// Of a slice that takes one element of the first dimension alone, which; or -1.
std::int64_t PartOfSlice(const ForeignGraph& graph, const ForeignNode& slice) {
  for (std::size_t i = 1; i < slice.inputs.size(); ++i) {
    if (slice.HasInput(i) && graph.Constant(slice.Input(i)) == nullptr) return -1;
  }
  const auto starts = IntegersOfNode(graph, slice, "starts", 1);
  const auto ends = IntegersOfNode(graph, slice, "ends", 2);
  const auto axes = IntegersOfNode(graph, slice, "axes", 3);
  const bool is_one = starts.has_value() && ends.has_value() && starts->size() == 1 &&
                      ends->size() == 1 && (*ends)[0] == (*starts)[0] + 1 && (*starts)[0] >= 0 &&
                      (!axes.has_value() || *axes == std::vector<std::int64_t>{0});
  return is_one ? (*starts)[0] : -1;
}

// Which of three that lie behind one another along the first dimension `value` is; they are `all`
// then. -1 if it is not that.
std::int64_t TakePart(Pattern& pattern, const std::string& value, std::string& all) {
  const ForeignGraph& graph = pattern.graph();
  std::int64_t part = -1;
  pattern.Either(
      [&] {
        const ForeignNode* const gather = pattern.Take(value, "Gather");
        if (gather == nullptr || gather->Integer("axis", 0) != 0) return false;
        const ForeignTensor* const index = graph.Constant(gather->Input(1));
        if (index == nullptr || index->rank() != 0) return false;
        part = index->IntegerAt(0);
        all = gather->Input(0);
        return true;
      },
      [&] {
        const ForeignNode* const squeeze = pattern.Take(value, "Squeeze");
        if (squeeze == nullptr) return false;
        if (const ForeignNode* const slice = pattern.Take(squeeze->Input(0), "Slice")) {
          part = PartOfSlice(graph, *slice);
          all = slice->Input(0);
          return part >= 0;
        }
        const ForeignGraph::Node split = graph.Producer(squeeze->Input(0));
        if (split == graph.nodes().end() || !split->Is("Split") || split->outputs.size() != 3 ||
            split->Integer("axis", 0) != 0 || SizeOf(graph, squeeze->Input(0), 0) != 1) {
          return false;
        }
        pattern.Take(split);
        part = std::find(split->outputs.begin(), split->outputs.end(), squeeze->Input(0)) -
               split->outputs.begin();
        all = split->Input(0);
        return true;
      });
  return SizeOf(graph, all, 0) == 3 && part >= 0 && part < 3 ? part : -1;
}

// value = part of Transpose(Reshape(projections, [batch, length, 3, heads, width]), 2 0 3 1 4)
bool TakePackedCut(Pattern& pattern, const std::string& value, Projection& result, double& scale) {
  const ForeignGraph& graph = pattern.graph();
  std::string all;
  result.part = TakePart(pattern, TakeScale(pattern, value, scale), all);
  if (result.part < 0) return false;
  const ForeignNode* const transpose = TakeTranspose(pattern, all, {2, 0, 3, 1, 4});
  const ForeignNode* const reshape =
      transpose == nullptr ? nullptr : pattern.Take(transpose->Input(0), "Reshape");
  if (reshape == nullptr) return false;
  result.value = reshape->Input(0);
  const auto& whole = graph.Value(result.value).dimensions;
  const auto& cut = graph.Value(reshape->outputs[0]).dimensions;
  if (!whole.has_value() || !cut.has_value() || whole->size() != 3 || cut->size() != 5) {
    return false;
  }
  result.heads = (*cut)[3].size;
  result.width = (*cut)[4].size;
  return IsBatch((*whole)[0]) && IsBatch((*cut)[0]) && (*whole)[1].is_fixed() &&
         (*whole)[1] == (*cut)[1] && (*cut)[3].is_fixed() && (*cut)[4].is_fixed() &&
         (*whole)[2].is(3 * result.heads * result.width);
}

// value = Transpose(Reshape(projection, [batch, length, heads, width]), order)
bool TakeCut(Pattern& pattern, const std::string& value, const Order& order, Projection& result,
             double& scale) {
  const ForeignGraph& graph = pattern.graph();
  const ForeignNode* const transpose =
      TakeTranspose(pattern, TakeScale(pattern, value, scale), order);
  if (transpose == nullptr) return false;
  const ForeignNode* const reshape =
      pattern.Take(TakeScale(pattern, transpose->Input(0), scale), "Reshape");
  if (reshape == nullptr) return false;
  result.value = reshape->Input(0);
  const auto& whole = graph.Value(result.value).dimensions;
  const auto& cut = graph.Value(reshape->outputs[0]).dimensions;
  if (!whole.has_value() || !cut.has_value() || whole->size() != 3 || cut->size() != 4) {
    return false;
  }
  result.heads = (*cut)[2].size;
  result.width = (*cut)[3].size;
  return IsBatch((*whole)[0]) && IsBatch((*cut)[0]) && (*whole)[1].is_fixed() &&
         (*whole)[1] == (*cut)[1] && (*cut)[2].is_fixed() && (*cut)[3].is_fixed() &&
         (*whole)[2].is(result.heads * result.width);
}

// Either form, as [batch, heads, length, width].
bool TakeHeads(Pattern& pattern, const std::string& value, Projection& result, double& scale) {
  const auto attempt = [&](const auto& take) {
    return [&] {
      double own = 1.0;
      result = Projection();
      if (!take(own)) return false;
      scale *= own;
      return true;
    };
  };
  return pattern.Either(
      attempt([&](double& own) { return TakeCut(pattern, value, {0, 2, 1, 3}, result, own); }),
      attempt([&](double& own) { return TakePackedCut(pattern, value, result, own); }));
}

bool TakeKeys(Pattern& pattern, const std::string& value, AttentionMatch& match) {
  return pattern.Either(
      [&] {
        double scale = 1.0;
        if (!TakeCut(pattern, value, {0, 2, 3, 1}, match.keys, scale)) return false;
        match.scale *= scale;
        return true;
      },
      [&] {
        double scale = 1.0;
        const ForeignNode* const transpose =
            TakeTranspose(pattern, TakeScale(pattern, value, scale), {0, 1, 3, 2});
        if (transpose == nullptr || !TakeHeads(pattern, transpose->Input(0), match.keys, scale)) {
          return false;
        }
        match.scale *= scale;
        return true;
      });
}

// value = MatMul(queries, keysᵀ) · scale
bool TakeScores(Pattern& pattern, const std::string& value, AttentionMatch& match) {
  const ForeignNode* const product = pattern.Take(TakeScale(pattern, value, match.scale), "MatMul");
  return product != nullptr && TakeHeads(pattern, product->Input(0), match.queries, match.scale) &&
         TakeKeys(pattern, product->Input(1), match);
}

// If `value` is a constant [length, length], with ones before it, for whose elements up to the
// diagonal `kept` holds, and `masked` for those past it.
template <class Kept, class Masked>
bool IsTriangle(const Pattern& pattern, const std::string& value, const Kept& kept,
                const Masked& masked) {
  const ForeignTensor* const tensor = pattern.graph().Constant(value);
  if (tensor == nullptr || tensor->rank() < 2) return false;
  const std::int64_t length = tensor->dimensions().back();
  if (length < 2 || tensor->dimensions()[static_cast<std::size_t>(tensor->rank() - 2)] != length ||
      tensor->element_count() / length != length) {
    return false;
  }
  for (std::int64_t row = 0; row < length; ++row) {
    for (std::int64_t column = 0; column < length; ++column) {
      const auto element = static_cast<double>(tensor->FloatAt(row * length + column));
      if (!(column <= row ? kept(element) : masked(element))) return false;
    }
  }
  return true;
}

// value = scores, the keys after each query's own masked; they are found.
bool TakeCausal(Pattern& pattern, const std::string& value, std::string& scores) {
  const auto is_zero = [](double element) { return element == 0.0; };
  const auto is_one = [](double element) { return element == 1.0; };
  const auto is_masked = [](double element) { return element <= kMasked; };
  const auto sum = [&](std::size_t mask) {
    const ForeignNode* const node = pattern.Take(value, "Add");
    if (node == nullptr || node->inputs.size() != 2 ||
        !IsTriangle(pattern, node->Input(mask), is_zero, is_masked)) {
      return false;
    }
    scores = node->Input(1 - mask);
    return true;
  };
  const auto selection = [&](bool keeps_ones) {
    const ForeignNode* const node = pattern.Take(value, "Where");
    if (node == nullptr || node->inputs.size() != 3) return false;
    const std::optional<float> other = pattern.graph().Scalar(node->Input(keeps_ones ? 2 : 1));
    scores = node->Input(keeps_ones ? 1 : 2);
    return other.has_value() && is_masked(static_cast<double>(*other)) &&
           (keeps_ones ? IsTriangle(pattern, node->Input(0), is_one, is_zero)
                       : IsTriangle(pattern, node->Input(0), is_zero, is_one));
  };
  return pattern.Either([&] { return sum(1); }, [&] { return sum(0); },
                        [&] { return selection(true); }, [&] { return selection(false); });
}

// value = scores, with a mask of each kind at most
bool TakeMaskedScores(Pattern& pattern, const std::string& value, AttentionMatch& match) {
  const AttentionMatch before = match;
  const ForeignGraph& graph = pattern.graph();
  const auto with_mask = [&](std::size_t mask) {
    match = before;
    const ForeignNode* const sum = pattern.Take(value, "Add");
    if (sum == nullptr || sum->inputs.size() != 2 || !match.mask.empty()) return false;
    const std::optional<MaskTrace> trace = TraceMask(graph, sum->Input(mask));
    if (!trace.has_value() || trace->mask.empty() || trace->at_one != 0.0 ||
        trace->at_zero > kMasked) {
      return false;
    }
    match.mask = trace->mask;
    return TakeMaskedScores(pattern, sum->Input(1 - mask), match) &&
           SizeOf(graph, match.mask, 1) == SizeOf(graph, match.keys.value, 1);
  };
  const auto with_order = [&] {
    match = before;
    std::string scores;
    if (match.is_causal || !TakeCausal(pattern, value, scores)) return false;
    match.is_causal = true;
    return TakeMaskedScores(pattern, scores, match) &&
           SizeOf(graph, match.queries.value, 1) == SizeOf(graph, match.keys.value, 1);
  };
  return pattern.Either([&] { return with_mask(1); }, [&] { return with_mask(0); }, with_order,
                        [&] {
                          match = before;
                          return TakeScores(pattern, value, match);
                        });
}

bool TakeAttention(Pattern& pattern, const ForeignNode& last, AttentionMatch& match) {
  const ForeignGraph& graph = pattern.graph();
  if (!last.Is("Reshape")) return false;
  const ForeignNode* const transpose = TakeTranspose(pattern, last.Input(0), {0, 2, 1, 3});
  const ForeignNode* const product =
      transpose == nullptr ? nullptr : pattern.Take(transpose->Input(0), "MatMul");
  const ForeignNode* const softmax =
      product == nullptr ? nullptr : pattern.Take(product->Input(0), "Softmax");
  if (softmax == nullptr) return false;
  const int rank = RankOf(graph, softmax->Input(0));
  const std::int64_t axis = softmax->Integer("axis", softmax->version < 13 ? 1 : -1);
  if (rank != 4 || (axis != -1 && axis != rank - 1)) return false;
  double of_values = 1.0;
  if (!TakeHeads(pattern, product->Input(1), match.values, of_values) || of_values != 1.0 ||
      !TakeMaskedScores(pattern, softmax->Input(0), match)) {
    return false;
  }
  const auto fits = [&](const Projection& part) {
    return part.heads == match.queries.heads && part.width == match.queries.width;
  };
  if (!fits(match.keys) || !fits(match.values) || !(match.scale > 0.0)) return false;
  if (match.IsPacked()) {
    const std::int64_t width = match.queries.heads * match.queries.width;
    return RankOf(graph, last.outputs[0]) == 3 && SizeOf(graph, last.outputs[0], 2) == width &&
           SizeOf(graph, last.outputs[0], 1) == SizeOf(graph, match.queries.value, 1);
  }
  return match.IsApart() && HaveSameDimensions(graph, match.keys.value, match.values.value) &&
         HaveSameDimensions(graph, match.queries.value, last.outputs[0]);
}

}  // namespace

void FuseAttention(ForeignGraph& graph, ImportReport& report) {
  MaskLengths lengths(graph, report);
  for (auto node = graph.nodes().begin(); node != graph.nodes().end(); ++node) {
    Pattern pattern(graph);
    AttentionMatch match;
    if (!TakeAttention(pattern, *node, match) || !pattern.IsClosed(*node)) continue;
    ForeignNode attention = {.kind = "MultiHeadAttention",
                             .domain = kCompositeDomain,
                             .version = kCompositeVersion,
                             .inputs = {match.queries.value, match.keys.value, match.values.value}};
    attention.attributes["heads"] = match.queries.heads;
    attention.attributes["scale"] = static_cast<float>(match.scale);
    if (match.IsPacked()) {
      attention.attributes["packed"] = std::int64_t{1};
      attention.inputs = {match.queries.value, "", ""};
    }
    if (match.is_causal) attention.attributes["causal"] = std::int64_t{1};
    if (!match.mask.empty()) attention.inputs.push_back(lengths.Of(match.mask));
    node = Fuse(graph, report, pattern, node, std::move(attention));
  }
  FuseTokenPools(graph, report, lengths);
  lengths.ReplaceMasks();
}

}  // namespace espalier
