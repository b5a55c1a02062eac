// SPDX-License-Identifier: Apache-2.0
#include "layers/binary.h"

#include <algorithm>
#include <array>

#include "core/checked.h"
#include "core/text.h"
#include "layers/attribute_reader.h"
#include "layers/broadcast.h"
#include "layers/work.h"

namespace espalier {
namespace {

// In the order of Binary, from kSub on: sums are a layer of their own.
constexpr std::array<std::string_view, 11> kKinds = {
    "sub", "mul", "div", "min", "max", "pow", "equal", "less", "greater", "remainder", "fmod"};
static_assert(static_cast<std::size_t>(Binary::kFmod) == kKinds.size());

// Two logarithms and exponentials in double take as long as so many passes over the elements; so do
// remainders, which are taken one by one.
constexpr std::int64_t kSlowPasses = 16;

bool IsSlow(Binary function) {
  return function == Binary::kPow || function == Binary::kRemainder || function == Binary::kFmod;
}

}  // namespace

BinaryLayer::BinaryLayer(std::string_view kind, const Attributes& attributes) {
  const auto found = std::find(kKinds.begin(), kKinds.end(), kind);
  if (found == kKinds.end()) {
    Fail(ErrorCode::kInternal, "expected a kind of function of two inputs, got ", kind);
  }
  function_ = static_cast<Binary>(found - kKinds.begin() + 1);
  AttributeReader(kind, attributes).Finish();
}

std::span<const std::string_view> BinaryLayer::Kinds() { return kKinds; }

std::string_view BinaryLayer::kind() const {
  return kKinds[static_cast<std::size_t>(function_) - 1];
}

Shape BinaryLayer::OutputShape(std::span<const Shape> inputs) const {
  if (inputs.size() != 2) {
    Fail(ErrorCode::kShapeMismatch, kind(), ": expected 2 inputs, got ", inputs.size());
  }
  return BroadcastShape(kind(), inputs[0], inputs[1]);
}

std::int64_t BinaryLayer::Work(std::span<const Shape> inputs) const {
  const std::int64_t work = ElementWork(inputs, OutputShape(inputs));
  return IsSlow(function_) ? SaturatedMultiply(work, kSlowPasses) : work;
}

LayerMemory BinaryLayer::Memory(std::int64_t /*batch*/, std::span<const Shape> /*inputs*/,
                                const LayerUse& /*use*/) const {
  return {.reads_inputs = function_ != Binary::kSub};
}

std::int64_t BinaryLayer::ScratchFloats(std::int64_t /*batch*/,
                                        std::span<const Shape> inputs) const {
  return BroadcastScratchFloats(inputs);
}

void BinaryLayer::Forward(const ForwardArguments& arguments) const {
  BroadcastForward(function_, arguments);
}

void BinaryLayer::Backward(const BackwardArguments& arguments) const {
  BroadcastBackward(function_, arguments);
}

}  // namespace espalier
