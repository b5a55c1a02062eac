// SPDX-License-Identifier: Apache-2.0
#include "layers/attention.h"

#include <algorithm>
#include <cmath>

#include "core/checked.h"
#include "core/text.h"
#include "kernels/attention/attention.h"
#include "layers/attribute_reader.h"
#include "layers/positions.h"
#include "layers/valid_positions.h"
#include "layers/work.h"

namespace espalier {
namespace {

constexpr double kMostScale = 1e6;
constexpr std::int64_t kTaskProduct = 1 << 19;  // multiply-adds: about 10 µs

// Heads, or parts of one, that make a task, each of so many products of scores' size.
std::int64_t RunOf(std::int64_t products, std::int64_t queries, std::int64_t keys,
                   std::int64_t width) {
  const std::int64_t scores = SaturatedMultiply(queries, keys);
  return std::max<std::int64_t>(
      1, kTaskProduct / SaturatedMultiply(scores, SaturatedMultiply(products, width)));
}

}  // namespace

Attention::Attention(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  heads_ = reader.Whole("heads", 1, kMaxUnits);
  is_causal_ = reader.Flag("causal", false);
  scale_ = reader.Real("scale", 0.0, kMostScale, 0.0);
  is_packed_ = reader.Flag("packed", false);
  reader.Finish();
}

Attributes Attention::attributes() const {
  return {{"heads", heads_}, {"causal", is_causal_}, {"scale", scale_}, {"packed", is_packed_}};
}

ElementType Attention::InputType(std::size_t input) const {
  return input < value_inputs() ? ElementType::kFloat32 : ElementType::kInt32;
}

IntegerRange Attention::InputRange(std::size_t /*input*/, std::span<const Shape> inputs) const {
  return RangeOfValidPositions(SizesOf(inputs).keys);
}

PositionUse Attention::InputPositions(std::size_t input, std::span<const Shape> inputs) const {
  if (input >= value_inputs()) return PositionUse::kAll;
  if (!is_packed_ && input == 0) return PositionUse::kSame;  // a query
  if (inputs.size() == value_inputs()) return PositionUse::kAll;
  return is_packed_ ? PositionUse::kSameAndValid : PositionUse::kValid;
}

Shape Attention::OutputShape(std::span<const Shape> inputs) const {
  const std::size_t values = value_inputs();
  if (inputs.size() != values && inputs.size() != values + 1) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected ", values, " inputs",
         is_packed_ ? ", queries, keys and values packed" : ", queries, keys and values",
         ", and perhaps the number of valid keys, got ", inputs.size());
  }
  for (const Shape& input : inputs.first(values)) {
    if (input.rank() != 2) {
      Fail(ErrorCode::kShapeMismatch, kKind, ": expected inputs [length, width], got ",
           input.ToString());
    }
  }
  CheckValidPositions(inputs, values, kKind);
  const Shape& q = inputs[0];
  if (!is_packed_ && (inputs[1] != inputs[2] || inputs[1][1] != q[1])) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected keys and values of one shape, as wide as ",
         q.ToString(), ", got ", inputs[1].ToString(), " and ", inputs[2].ToString());
  }
  const std::int64_t parts = is_packed_ ? 3 : 1;
  if (q[1] % (parts * heads_) != 0) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected a width that ",
         is_packed_ ? "3 parts of " : "", heads_, " heads can share, got ", q[1]);
  }
  return Shape{q[0], q[1] / parts};
}

Attention::Sizes Attention::SizesOf(std::span<const Shape> inputs) const {
  return {.queries = inputs[0][0],
          .keys = inputs[is_packed_ ? 0 : 1][0],
          .width = inputs[0][1] / (is_packed_ ? 3 : 1) / heads_,
          .row_floats = inputs[0][1]};
}

std::int64_t Attention::Work(std::span<const Shape> inputs) const {
  const Shape output = OutputShape(inputs);
  const Sizes sizes = SizesOf(inputs);
  const std::int64_t scores = SaturatedMultiply(sizes.queries, sizes.keys);
  const std::int64_t products =
      SaturatedMultiply(scores, SaturatedMultiply(2 * heads_, WholeVectors(sizes.width)));
  const std::int64_t exponentials =
      SaturatedMultiply(SaturatedMultiply(scores, heads_), kElementWork);
  return SaturatedAdd(SaturatedAdd(products, exponentials), ElementWork(inputs, output));
}

// Saved: the logarithm of each query's sum, by example, head and query. In Backward another number
// for each.
LayerMemory Attention::Memory(std::int64_t batch, std::span<const Shape> inputs,
                              const LayerUse& use) const {
  if (!use.grad_inputs) return {};
  const std::int64_t rows =
      CheckedMultiply(CheckedMultiply(batch, heads_), SizesOf(inputs).queries);
  return {.saved = rows, .backward = rows, .reads_inputs = true, .reads_output = true};
}

std::int64_t Attention::ScratchFloats(std::int64_t /*batch*/, std::span<const Shape> inputs) const {
  return AttentionScratchFloats(SizesOf(inputs).width);
}

template <typename Float>
Float* Attention::PartOf(std::span<Float* const> values, const Sizes& sizes, int part,
                         const Place& place) const {
  Float* const value = values[static_cast<std::size_t>(is_packed_ ? 0 : part)];
  if (value == nullptr) return nullptr;
  const std::int64_t positions = part == 0 ? sizes.queries : sizes.keys;
  const std::int64_t column = place.head * sizes.width;
  return value + place.example * positions * sizes.row_floats + column +
         (is_packed_ ? part * heads_ * sizes.width : 0);
}

AttentionHead Attention::HeadAt(std::span<const float* const> inputs, const Sizes& sizes,
                                const Place& place) const {
  const double scale = scale_ > 0.0 ? scale_ : 1.0 / std::sqrt(static_cast<double>(sizes.width));
  return {.q = {PartOf(inputs, sizes, 0, place), sizes.row_floats},
          .k = {PartOf(inputs, sizes, 1, place), sizes.row_floats},
          .v = {PartOf(inputs, sizes, 2, place), sizes.row_floats},
          .queries = sizes.queries,
          .keys = ValidPositions(inputs, value_inputs(), place.example, sizes.keys),
          .width = sizes.width,
          .scale = static_cast<float>(scale),
          .is_causal = is_causal_};
}

void Attention::Forward(const ForwardArguments& arguments) const {
  const Sizes sizes = SizesOf(arguments.input_shapes);
  const std::int64_t output_stride = heads_ * sizes.width;
  const std::int64_t parts = (sizes.queries + kAttentionQueries - 1) / kAttentionQueries;
  const std::int64_t count = arguments.batch * heads_ * parts;
  const std::int64_t run =
      RunOf(2, std::min(sizes.queries, kAttentionQueries), sizes.keys, sizes.width);
  arguments.workspace->ParallelFor((count + run - 1) / run, [&](std::int64_t task,
                                                                std::span<float> scratch) {
    for (std::int64_t i = task * run; i < std::min(count, (task + 1) * run); ++i) {
      const std::int64_t first = i % parts * kAttentionQueries;
      const std::int64_t last = std::min(sizes.queries, first + kAttentionQueries);
      const std::int64_t row = i / parts;  // example and head
      const Place place = {row / heads_, row % heads_};
      float* const output = arguments.output + place.example * sizes.queries * output_stride +
                            place.head * sizes.width;
      AttentionForward(HeadAt(arguments.inputs, sizes, place), first, last, {output, output_stride},
                       arguments.saved == nullptr ? nullptr : arguments.saved + row * sizes.queries,
                       scratch.data());
    }
  });
}

void Attention::Backward(const BackwardArguments& arguments) const {
  const Sizes sizes = SizesOf(arguments.input_shapes);
  const std::int64_t output_stride = heads_ * sizes.width;
  const std::int64_t count = arguments.batch * heads_;
  const std::int64_t run = RunOf(5, sizes.queries, sizes.keys, sizes.width);
  arguments.workspace->ParallelFor(
      (count + run - 1) / run, [&](std::int64_t task, std::span<float> scratch) {
        for (std::int64_t row = task * run; row < std::min(count, (task + 1) * run); ++row) {
          const Place place = {row / heads_, row % heads_};
          const std::int64_t at =
              place.example * sizes.queries * output_stride + place.head * sizes.width;
          const AttentionHead head = HeadAt(arguments.inputs, sizes, place);
          const std::span<float* const> grads = arguments.grad_inputs;
          const AttentionGradients gradients = {
              .q = {PartOf(grads, sizes, 0, place), sizes.row_floats},
              .k = {PartOf(grads, sizes, 1, place), sizes.row_floats},
              .v = {PartOf(grads, sizes, 2, place), sizes.row_floats}};
          AttentionBackward(head,
                            {.output = {arguments.output + at, output_stride},
                             .grad_output = {arguments.grad_output + at, output_stride},
                             .log_sums = arguments.saved + row * sizes.queries},
                            gradients, arguments.temporary + row * sizes.queries, scratch.data());
          for (const HeadRows& rows : {gradients.k, gradients.v}) {
            for (std::int64_t i = head.keys; rows.data != nullptr && i < sizes.keys; ++i) {
              std::fill_n(rows.data + i * rows.stride, sizes.width, 0.0f);
            }
          }
        }
      });
}

}  // namespace espalier
