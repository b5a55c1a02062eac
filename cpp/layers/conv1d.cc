// SPDX-License-Identifier: Apache-2.0
#include "layers/conv1d.h"

#include <vector>

#include "core/text.h"

namespace espalier {
namespace {

using List = std::vector<std::int64_t>;

AttributeValue PaddingOfImage(AttributeReader& reader) {
  const AttributeValue* value = reader.Find("padding");
  if (value == nullptr) return std::string("same");
  const auto valid = [](std::int64_t pad) { return pad >= 0 && pad <= kMaxPad; };
  if (const std::string* text = std::get_if<std::string>(value)) {
    if (*text == "same" || *text == "valid") return *text;
  } else if (const std::int64_t* both = std::get_if<std::int64_t>(value)) {
    if (valid(*both)) return List{0, 0, *both, *both};
  } else if (const List* ends = std::get_if<List>(value)) {
    const bool is_right = !ends->empty() && ends->size() <= 2 && valid(ends->front());
    if (is_right && valid(ends->back())) return List{0, 0, ends->front(), ends->back()};
  }
  reader.FailAt("padding", "\"same\", \"valid\", a number or [begin, end], from 0 to 4096", *value);
}

// Those of the convolution of images, of one row.
Attributes AttributesOfImage(const Attributes& attributes) {
  AttributeReader reader(Conv1d::kKind, attributes);
  const auto in_width = [&](const char* name, std::optional<std::int64_t> default_value) {
    return List{1, reader.Whole(name, 1, kMaxWindow, default_value)};
  };
  Attributes result = {{"channels", reader.Whole("channels", 1, kMaxUnits)},
                       {"kernel", in_width("kernel", std::nullopt)},
                       {"stride", in_width("stride", 1)},
                       {"padding", PaddingOfImage(reader)},
                       {"dilation", in_width("dilation", 1)},
                       {"groups", reader.Whole("groups", 1, kMaxUnits, 1)},
                       {"bias", reader.Flag("bias", true)}};
  WeightInitializer::Read(reader).Write(result);
  reader.Finish();
  return result;
}

Shape WithoutRow(const Shape& image) { return {image[0], image[2]}; }

}  // namespace

Conv1d::Conv1d(const Attributes& attributes) : convolution_(AttributesOfImage(attributes)) {}

Attributes Conv1d::attributes() const {
  Attributes result = convolution_.attributes();
  for (const char* name : {"kernel", "stride", "dilation"}) {
    const std::int64_t width = std::get<List>(result.at(name))[1];
    result[name] = width;
  }
  if (const List* pads = std::get_if<List>(&result.at("padding"))) {
    result["padding"] = List{(*pads)[2], (*pads)[3]};
  }
  return result;
}

Shape Conv1d::ImageOf(std::span<const Shape> inputs) {
  const Shape& input = OnlyInput(inputs, kKind);
  if (input.rank() != 2) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected an input [channels, length], got ",
         input.ToString());
  }
  return Shape::Image(input[0], 1, input[1]);
}

Shape Conv1d::OutputShape(std::span<const Shape> inputs) const {
  const Shape image[] = {ImageOf(inputs)};
  return WithoutRow(convolution_.OutputShape(image));
}

std::int64_t Conv1d::Work(std::span<const Shape> inputs) const {
  const Shape image[] = {ImageOf(inputs)};
  return convolution_.Work(image);
}

std::vector<ParameterSpec> Conv1d::Parameters(std::span<const Shape> inputs) const {
  const Shape image[] = {ImageOf(inputs)};
  std::vector<ParameterSpec> result = convolution_.Parameters(image);
  const Shape& weight = result[0].shape;
  result[0].shape = Shape{weight[0], weight[1], weight[3]};
  return result;
}

LayerMemory Conv1d::Memory(std::int64_t batch, std::span<const Shape> inputs,
                           const LayerUse& use) const {
  const Shape image[] = {ImageOf(inputs)};
  return convolution_.Memory(batch, image, use);
}

std::int64_t Conv1d::ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const {
  const Shape image[] = {ImageOf(inputs)};
  return convolution_.ScratchFloats(batch, image);
}

void Conv1d::Prepare(std::span<const Shape> inputs, const LayerUse& use,
                     std::span<const float* const> parameters, float* prepared,
                     Workspace& workspace) const {
  const Shape image[] = {ImageOf(inputs)};
  convolution_.Prepare(image, use, parameters, prepared, workspace);
}

void Conv1d::Forward(const ForwardArguments& arguments) const {
  const Shape image[] = {ImageOf(arguments.input_shapes)};
  ForwardArguments of_image = arguments;
  of_image.input_shapes = image;
  of_image.output_shape = convolution_.OutputShape(image);
  convolution_.Forward(of_image);
}

void Conv1d::Backward(const BackwardArguments& arguments) const {
  const Shape image[] = {ImageOf(arguments.input_shapes)};
  BackwardArguments of_image = arguments;
  of_image.input_shapes = image;
  of_image.output_shape = convolution_.OutputShape(image);
  convolution_.Backward(of_image);
}

}  // namespace espalier
