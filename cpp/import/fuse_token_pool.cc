// SPDX-License-Identifier: Apache-2.0

// The mean of a text's vectors, as Sentence Transformers are exported: with a mask [batch, length],
//   m = Unsqueeze(mask, 2), perhaps expanded to [batch, length, width]
//   ReduceSum(x * m, 1) / Clip(ReduceSum(m, 1), 1e-9)
// where the sum of the mask may be that of [batch, length], and the clip an addition or nothing.

#include "import/composites.h"
#include "import/mask_lengths.h"
#include "import/mask_trace.h"
#include "import/node_facts.h"
#include "import/pattern.h"

namespace espalier {
namespace {

// Most nodes between a mask's vectors and the mask.
constexpr int kMostSteps = 8;

// What keeps a division by 0 away is at most this.
constexpr double kMostFloor = 1.0;

// The input of ones and zeros that a value is, element by element: [batch, length], or repeated
// along a third dimension. Empty if it is none.
std::string MaskBehind(const ForeignGraph& graph, std::string value, std::int64_t length) {
  for (int step = 0; step < kMostSteps; ++step) {
    if (SizeOf(graph, value, 1) != length) return "";
    if (RankOf(graph, value) == 2) {
      const std::optional<MaskTrace> trace = TraceMask(graph, value);
      const bool is_mask = trace.has_value() && trace->at_one == 1.0 && trace->at_zero == 0.0;
      return is_mask ? trace->mask : "";
    }
    const ForeignGraph::Node node = graph.Producer(value);
    if (RankOf(graph, value) != 3 || node == graph.nodes().end()) return "";
    const bool widens = node->Is("Unsqueeze") && SizeOf(graph, value, 2) == 1;
    if (!widens && !node->Is("Expand") && !node->Is("Cast") && !node->Is("Identity")) return "";
    value = node->Input(0);
  }
  return "";
}

// value = ReduceSum(…, 1), over the positions.
const ForeignNode* TakeSum(Pattern& pattern, const std::string& value) {
  const ForeignNode* const sum = pattern.Take(value, "ReduceSum");
  if (sum == nullptr) return nullptr;
  const auto axes = IntegersOfNode(pattern.graph(), *sum, "axes", 1);
  const int rank = RankOf(pattern.graph(), sum->Input(0));
  const bool is_of_positions =
      axes.has_value() && axes->size() == 1 && ((*axes)[0] == 1 || (*axes)[0] == 1 - rank);
  return is_of_positions ? sum : nullptr;
}

// The sum of masks, without what keeps a division by 0 away.
std::string TakeFloor(Pattern& pattern, const std::string& value) {
  const ForeignGraph& graph = pattern.graph();
  std::string sum = value;
  pattern.Either(
      [&] {
        const ForeignNode* const clip = pattern.Take(value, "Clip");
        if (clip == nullptr) return false;
        const auto bounds = ClipBounds(graph, *clip);
        if (!bounds.has_value() || !(static_cast<double>(bounds->first) <= kMostFloor) ||
            bounds->second < 1e6f) {
          return false;
        }
        sum = clip->Input(0);
        return true;
      },
      [&] {
        const ForeignNode* const most = pattern.Take(value, "Max");
        if (most == nullptr || most->inputs.size() != 2) return false;
        const std::optional<float> floor = graph.Scalar(most->Input(1));
        if (!floor.has_value() || !(static_cast<double>(*floor) <= kMostFloor)) return false;
        sum = most->Input(0);
        return true;
      });
  return sum;
}

struct PoolMatch {
  std::string x;
  std::string mask;
};

bool TakePool(Pattern& pattern, const ForeignNode& last, PoolMatch& match) {
  const ForeignGraph& graph = pattern.graph();
  if (!last.Is("Div") || RankOf(graph, last.outputs[0]) != 2) return false;
  const ForeignNode* const sum = TakeSum(pattern, last.Input(0));
  const ForeignNode* const product = sum == nullptr ? nullptr : pattern.Take(sum->Input(0), "Mul");
  const ForeignNode* const count =
      product == nullptr ? nullptr : TakeSum(pattern, TakeFloor(pattern, last.Input(1)));
  if (count == nullptr || product->inputs.size() != 2) return false;
  for (const std::size_t i : {0u, 1u}) {
    match.x = product->Input(i);
    const std::int64_t length = SizeOf(graph, match.x, 1);
    if (RankOf(graph, match.x) != 3 || length < 1 ||
        !HaveSameDimensions(graph, match.x, product->outputs[0]) ||
        SizeOf(graph, match.x, 2) != SizeOf(graph, last.outputs[0], 1)) {
      continue;
    }
    match.mask = MaskBehind(graph, product->Input(1 - i), length);
    if (!match.mask.empty() && MaskBehind(graph, count->Input(0), length) == match.mask) {
      return true;
    }
  }
  return false;
}

}  // namespace

void FuseTokenPools(ForeignGraph& graph, ImportReport& report, MaskLengths& lengths) {
  for (auto node = graph.nodes().begin(); node != graph.nodes().end(); ++node) {
    Pattern pattern(graph);
    PoolMatch match;
    if (!TakePool(pattern, *node, match) || !pattern.IsClosed(*node)) continue;
    node = Fuse(graph, report, pattern, node,
                {.kind = "TokenPool",
                 .domain = kCompositeDomain,
                 .version = kCompositeVersion,
                 .inputs = {match.x, lengths.Of(match.mask)}});
  }
}

}  // namespace espalier
