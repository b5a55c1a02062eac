// SPDX-License-Identifier: Apache-2.0
#include "layers/cast.h"

#include <cstring>
#include <limits>

#include "layers/attribute_reader.h"
#include "layers/partition.h"
#include "layers/window.h"
#include "layers/work.h"

namespace espalier {
namespace {

constexpr const char* kFloat = "float32";
constexpr const char* kInt = "int32";

ElementType Read(AttributeReader& reader, const char* name, const char* default_value) {
  const std::string text = reader.Text(name, default_value);
  if (text == kFloat) return ElementType::kFloat32;
  if (text != kInt) reader.FailAt(name, "\"float32\" or \"int32\"", text);
  return ElementType::kInt32;
}

const char* NameOf(ElementType type) { return type == ElementType::kInt32 ? kInt : kFloat; }

void Copy(const float* from, std::int64_t count, float* to) {
  std::memmove(to, from, static_cast<std::size_t>(count) * sizeof(float));
}

std::int32_t Truncated(float value) {
  constexpr float kBeyond = 0x1p31f;
  if (!(value == value)) return 0;
  if (value >= kBeyond) return std::numeric_limits<std::int32_t>::max();
  if (value < -kBeyond) return std::numeric_limits<std::int32_t>::min();
  return static_cast<std::int32_t>(value);
}

}  // namespace

Cast::Cast(const Attributes& attributes) {
  AttributeReader reader(kKind, attributes);
  from_ = Read(reader, "from", kFloat);
  to_ = Read(reader, "to", "");
  reader.Finish();
}

Attributes Cast::attributes() const { return {{"from", NameOf(from_)}, {"to", NameOf(to_)}}; }

Shape Cast::OutputShape(std::span<const Shape> inputs) const { return OnlyInput(inputs, kKind); }

std::int64_t Cast::Work(std::span<const Shape> inputs) const {
  return ElementWork(inputs, OutputShape(inputs));
}

void Cast::Forward(const ForwardArguments& arguments) const {
  const std::int64_t count = arguments.batch * arguments.output_shape.element_count();
  const float* const x = arguments.inputs[0];
  float* const y = arguments.output;
  ForElements(*arguments.workspace, count, [&](std::int64_t first, std::int64_t last) {
    if (from_ == to_) {
      Copy(x + first, last - first, y + first);
    } else if (to_ == ElementType::kInt32) {
      auto* const numbers = reinterpret_cast<std::int32_t*>(y);
      for (std::int64_t i = first; i < last; ++i) numbers[i] = Truncated(x[i]);
    } else {
      const auto* const numbers = reinterpret_cast<const std::int32_t*>(x);
      for (std::int64_t i = first; i < last; ++i) y[i] = static_cast<float>(numbers[i]);
    }
  });
}

void Cast::Backward(const BackwardArguments& arguments) const {
  float* const grad_input = arguments.grad_inputs[0];
  if (grad_input == nullptr) return;
  ForElements(*arguments.workspace, arguments.batch * arguments.output_shape.element_count(),
              [&](std::int64_t first, std::int64_t last) {
                Copy(arguments.grad_output + first, last - first, grad_input + first);
              });
}

}  // namespace espalier
