// SPDX-License-Identifier: Apache-2.0
#include "import/tflite_reader.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "core/text.h"
#include "import/tflite_model.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

constexpr std::int64_t kVersion = 17;        // of the operator set that nodes are of
constexpr std::int64_t kResizeVersion = 18;  // from which on sizes may be of some axes alone
constexpr std::int64_t kSumVersion = 11;     // up to which a sum has its axes as an attribute

constexpr std::int64_t kFromImage[] = {0, 2, 3, 1};  // axes of [n, h, w, c] in [n, c, h, w]
constexpr std::int64_t kToImage[] = {0, 3, 1, 2};

// ActivationFunctionType
enum class Fused : std::int8_t { kNone = 0, kRelu = 1, kReluN1To1 = 2, kRelu6 = 3, kTanh = 4 };

// Where the axis of [n, h, w, c] is in [n, c, h, w].
std::int64_t ImageAxis(std::int64_t axis) { return axis == 0 ? 0 : axis == 3 ? 1 : axis + 1; }

ForeignTensor Permuted(const ForeignTensor& tensor, std::span<const std::int64_t> order) {
  const Integers& from = tensor.dimensions();
  const std::size_t rank = from.size();
  Integers strides(rank, 1);
  for (std::size_t i = rank - 1; i > 0; --i) strides[i - 1] = strides[i] * from[i];
  Integers to(rank);
  for (std::size_t i = 0; i < rank; ++i) to[i] = from[static_cast<std::size_t>(order[i])];
  const auto size = static_cast<std::size_t>(ForeignTypeBytes(tensor.type()));
  std::vector<std::byte> bytes(tensor.bytes().size());
  Integers place(rank, 0);
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    std::int64_t source = 0;
    for (std::size_t i = 0; i < rank; ++i) {
      source += place[i] * strides[static_cast<std::size_t>(order[i])];
    }
    std::memcpy(bytes.data() + at, tensor.bytes().data() + static_cast<std::size_t>(source) * size,
                size);
    for (std::size_t i = rank; i-- > 0 && ++place[i] == to[i];) place[i] = 0;
  }
  return ForeignTensor::OfBytes(tensor.type(), std::move(to), std::move(bytes));
}

class Translator {
 public:
  Translator(TfliteModel model, const std::shared_ptr<const void>& owner)
      : model_(std::move(model)), owner_(owner), forms_(model_.tensors.size()) {}

  ForeignGraph Run() {
    graph_.metadata["producer"] = model_.description;
    for (const std::int32_t input : model_.inputs) AddInput(input);
    for (const TfliteOperator& op : model_.operators) {
      op_ = &op;
      if (!TranslateOp()) Refuse();
    }
    for (const std::int32_t output : model_.outputs) {
      const std::string value = form(output).image.empty() ? Plain(output) : form(output).image;
      graph_.AddOutput(tensor(output).name, value);
    }
    return std::move(graph_);
  }

 private:
  /// The values that are a tensor: as it lies in the file, and as an image, channels first.
  struct Forms {
    std::string plain;
    std::string image;
  };

  const TfliteTensor& tensor(std::int32_t index) const {
    return model_.tensors[static_cast<std::size_t>(index)];
  }
  Forms& form(std::int32_t index) { return forms_[static_cast<std::size_t>(index)]; }

  std::size_t input_count() const { return op_->inputs.size(); }
  bool HasInput(std::size_t i) const { return i < input_count() && op_->inputs[i] >= 0; }
  std::int32_t input(std::size_t i) const {
    if (!HasInput(i) || op_->outputs.empty()) {
      Fail(ErrorCode::kModelFile, op_->name, ": expected input ", i, " and an output, got none");
    }
    return op_->inputs[i];
  }
  std::int32_t output() const {
    input(0);
    return op_->outputs[0];
  }
  bool IsImage(std::int32_t index) const { return tensor(index).rank() == 4; }
  bool CanBeImage(std::int32_t index) const {
    return IsImage(index) || (tensor(index).is_constant() && tensor(index).rank() < 4);
  }
  bool IsConstant(std::size_t i) const { return HasInput(i) && tensor(input(i)).is_constant(); }

  template <typename T>
  T Option(int field, T otherwise) const {
    return op_->options ? op_->options->Scalar<T>(field, otherwise) : otherwise;
  }

  void AddInput(std::int32_t index) {
    const TfliteTensor& what = tensor(index);
    ForeignValue value = {.type = what.scales.empty() ? what.type : ForeignType::kFloat32,
                          .dimensions = ForeignDimensions()};
    for (int i = 0; i < what.rank(); ++i) {
      const auto from = static_cast<std::size_t>(IsImage(index) ? kToImage[i] : i);
      value.dimensions->push_back(ForeignDimension::Fixed(what.dimensions[from]));
    }
    graph_.AddInput(what.name, std::move(value));
    (IsImage(index) ? form(index).image : form(index).plain) = what.name;
  }

  // Elements of constants of integers that stand for real numbers become these.
  ForeignTensor ConstantOf(std::int32_t index) const {
    const TfliteTensor& what = tensor(index);
    const ForeignTensor raw = owner_ != nullptr
                                  ? ForeignTensor(what.type, what.dimensions, what.bytes, owner_)
                                  : ForeignTensor::OfBytes(what.type, what.dimensions,
                                                           {what.bytes.begin(), what.bytes.end()});
    if (what.scales.empty() || IsFloatType(what.type)) return raw;
    std::int64_t inner = 1;  // elements from one scale to the next
    std::int64_t count = 1;
    if (what.scales.size() > 1) {
      if (what.quantized_axis < 0 || what.quantized_axis >= what.rank() ||
          what.dimensions[static_cast<std::size_t>(what.quantized_axis)] !=
              static_cast<std::int64_t>(what.scales.size())) {
        Fail(ErrorCode::kModelFile, "tensor '", what.name, "': expected a scale for each index of ",
             "an axis, got ", what.scales.size());
      }
      count = static_cast<std::int64_t>(what.scales.size());
      for (int i = what.quantized_axis + 1; i < what.rank(); ++i) {
        inner *= what.dimensions[static_cast<std::size_t>(i)];
      }
    }
    std::vector<float> values(static_cast<std::size_t>(raw.element_count()));
    for (std::int64_t i = 0; i < raw.element_count(); ++i) {
      const auto scale = static_cast<std::size_t>(i / inner % count);
      const std::int64_t zero =
          what.zero_points.empty() ? 0
                                   : what.zero_points[std::min(scale, what.zero_points.size() - 1)];
      values[static_cast<std::size_t>(i)] =
          what.scales[scale] *
          static_cast<float>(static_cast<double>(raw.IntegerAt(i)) - static_cast<double>(zero));
    }
    return ForeignTensor::OfFloats(what.dimensions, std::move(values));
  }

  Integers IntegersOf(std::size_t i) const {
    if (!IsConstant(i)) Fail(ErrorCode::kModelFile, op_->name, ": expected a constant input ", i);
    return ConstantOf(input(i)).Integers();
  }

  std::string AddConstant(const std::string& base, ForeignTensor what) {
    const std::string name = graph_.NewName(base);
    graph_.AddConstant(name, std::move(what));
    return name;
  }

  const std::string& Plain(std::int32_t index) {
    Forms& forms = form(index);
    if (!forms.plain.empty()) return forms.plain;
    if (tensor(index).is_constant()) {
      forms.plain = AddConstant(tensor(index).name, ConstantOf(index));
    } else {
      RequireMade(index);
      forms.plain = Transposed(index, forms.image, kFromImage);
    }
    return forms.plain;
  }

  /// Of a tensor of rank 4, or of a constant that is broadcast to one.
  const std::string& Image(std::int32_t index) {
    Forms& forms = form(index);
    if (!forms.image.empty()) return forms.image;
    if (tensor(index).is_constant()) {
      ForeignTensor what = ConstantOf(index);
      Integers dimensions(static_cast<std::size_t>(4 - what.rank()), 1);
      dimensions.insert(dimensions.end(), what.dimensions().begin(), what.dimensions().end());
      forms.image = AddConstant(tensor(index).name, Permuted(what.Reshaped(dimensions), kToImage));
    } else {
      RequireMade(index);
      forms.image = Transposed(index, forms.plain, kToImage);
    }
    return forms.image;
  }

  void RequireMade(std::int32_t index) {
    if (form(index).plain.empty() && form(index).image.empty()) {
      Fail(ErrorCode::kModelFile, "tensor '", tensor(index).name,
           "': expected what an earlier operator makes, got one that none does");
    }
  }

  using Attributes = std::map<std::string, ForeignAttribute>;

  std::string Unused(const std::string& name) const {
    return graph_.Knows(name) ? graph_.NewName(name) : name;
  }

  std::string AddNode(std::string value, const char* kind, std::vector<std::string> inputs,
                      Attributes attributes, std::int64_t version, std::string name = {}) {
    graph_.Append({.name = name.empty() ? value : std::move(name),
                   .kind = kind,
                   .version = version,
                   .inputs = std::move(inputs),
                   .outputs = {value},
                   .attributes = std::move(attributes)});
    return value;
  }

  /// The node that makes the operator's result, and has its name.
  std::string Emit(const char* kind, std::vector<std::string> inputs, Attributes attributes = {},
                   std::int64_t version = kVersion) {
    return AddNode(Unused(tensor(output()).name), kind, std::move(inputs), std::move(attributes),
                   version);
  }

  /// A node on the way to it.
  std::string EmitPart(const char* kind, std::vector<std::string> inputs,
                       Attributes attributes = {}) {
    return AddNode(Unused(Concat(tensor(output()).name, "/", kind)), kind, std::move(inputs),
                   std::move(attributes), kVersion);
  }

  std::string Transposed(std::int32_t index, const std::string& value,
                         std::span<const std::int64_t> order) {
    return AddNode(Unused(tensor(index).name + "/Transpose"), "Transpose", {value},
                   {{"perm", Integers(order.begin(), order.end())}}, kVersion);
  }

  /// What Activated goes on with.
  std::string EmitSum(std::int8_t function, const char* kind, std::vector<std::string> inputs,
                      Attributes attributes = {}) {
    return function == 0 ? Emit(kind, std::move(inputs), std::move(attributes))
                         : EmitPart(kind, std::move(inputs), std::move(attributes));
  }

  void SetPlain(std::string value) { form(output()).plain = std::move(value); }
  void SetImage(std::string value) { form(output()).image = std::move(value); }

  std::string Clip(const std::string& value, float least, float greatest) {
    return Emit("Clip", {value, AddConstant("least", ForeignTensor::OfFloats({}, {least})),
                         AddConstant("greatest", ForeignTensor::OfFloats({}, {greatest}))});
  }

  std::string Activated(std::string value, std::int8_t function) {
    switch (static_cast<Fused>(function)) {
      case Fused::kNone:
        return value;
      case Fused::kRelu:
        return Emit("Relu", {value});
      case Fused::kReluN1To1:
        return Clip(value, -1.0f, 1.0f);
      case Fused::kRelu6:
        return Clip(value, 0.0f, 6.0f);
      case Fused::kTanh:
        return Emit("Tanh", {value});
    }
    Fail(ErrorCode::kModelFile, op_->name, ": expected an activation below 5, got ",
         static_cast<int>(function));
  }

  // What no operator stands for; lowering lists all of these at once.
  void Refuse() {
    ForeignNode node = {
        .name = op_->name, .kind = op_->name, .domain = "tflite", .version = kVersion};
    for (const std::int32_t index : op_->inputs) {
      node.inputs.push_back(index < 0 ? "" : Plain(index));
    }
    for (const std::int32_t index : op_->outputs) {
      form(index).plain = graph_.NewName(tensor(index).name);
      node.outputs.push_back(form(index).plain);
    }
    graph_.Append(std::move(node));
  }

  // False if no operator stands for it.
  bool TranslateOp() {
    switch (op_->kind) {
      case TfliteKind::kConv2d:
        return Convolve(false);
      case TfliteKind::kDepthwiseConv2d:
        return Convolve(true);
      case TfliteKind::kAveragePool2d:
        return Pool("AveragePool");
      case TfliteKind::kMaxPool2d:
        return Pool("MaxPool");
      case TfliteKind::kFullyConnected:
        return Multiply();
      case TfliteKind::kDequantize:
      case TfliteKind::kQuantize:
        return PassOn();
      case TfliteKind::kAdd:
        return Combine("Add", true);
      case TfliteKind::kSub:
        return Combine("Sub", true);
      case TfliteKind::kMul:
        return Combine("Mul", true);
      case TfliteKind::kDiv:
        return Combine("Div", true);
      case TfliteKind::kMaximum:
        return Combine("Max", false);
      case TfliteKind::kMinimum:
        return Combine("Min", false);
      case TfliteKind::kPow:
        return Combine("Pow", false);
      case TfliteKind::kPrelu:
        return Combine("PRelu", false);
      case TfliteKind::kRelu:
        return Map([&](const std::string& x) { return Emit("Relu", {x}); });
      case TfliteKind::kReluN1To1:
        return Map([&](const std::string& x) { return Clip(x, -1.0f, 1.0f); });
      case TfliteKind::kRelu6:
        return Map([&](const std::string& x) { return Clip(x, 0.0f, 6.0f); });
      case TfliteKind::kLeakyRelu:
        return Map([&](const std::string& x) {
          return Emit("LeakyRelu", {x}, {{"alpha", Option(0, 0.0f)}});
        });
      case TfliteKind::kLogistic:
        return Map([&](const std::string& x) { return Emit("Sigmoid", {x}); });
      case TfliteKind::kTanh:
        return Map([&](const std::string& x) { return Emit("Tanh", {x}); });
      case TfliteKind::kElu:
        return Map([&](const std::string& x) { return Emit("Elu", {x}); });
      case TfliteKind::kHardSwish:
        return Map([&](const std::string& x) { return Emit("HardSwish", {x}); });
      case TfliteKind::kGelu:
        return Map([&](const std::string& x) {
          const bool is_approximate = Option<std::int8_t>(0, 0) != 0;
          return Emit("Gelu", {x},
                      {{"approximate", std::string(is_approximate ? "tanh" : "none")}});
        });
      case TfliteKind::kExp:
        return Map([&](const std::string& x) { return Emit("Exp", {x}); });
      case TfliteKind::kLog:
        return Map([&](const std::string& x) { return Emit("Log", {x}); });
      case TfliteKind::kSqrt:
        return Map([&](const std::string& x) { return Emit("Sqrt", {x}); });
      case TfliteKind::kAbs:
        return Map([&](const std::string& x) { return Emit("Abs", {x}); });
      case TfliteKind::kNeg:
        return Map([&](const std::string& x) { return Emit("Neg", {x}); });
      case TfliteKind::kMean:
        return Reduce("ReduceMean", kVersion);
      case TfliteKind::kSum:
        return Reduce("ReduceSum", kSumVersion);
      case TfliteKind::kReduceMax:
        return Reduce("ReduceMax", kVersion);
      case TfliteKind::kReduceMin:
        return Reduce("ReduceMin", kVersion);
      case TfliteKind::kReshape:
      case TfliteKind::kSqueeze:
      case TfliteKind::kExpandDims:
        return Reshape();
      case TfliteKind::kConcatenation:
        return Concatenate();
      case TfliteKind::kSoftmax:
        return Softmax("Softmax", Option(0, 0.0f));
      case TfliteKind::kLogSoftmax:
        return Softmax("LogSoftmax", 1.0f);
      case TfliteKind::kPad:
        return PadZeros();
      case TfliteKind::kTranspose:
        SetPlain(Emit("Transpose", {Plain(input(0))}, {{"perm", IntegersOf(1)}}));
        return true;
      case TfliteKind::kResizeBilinear:
        return Resize("linear", 2);
      case TfliteKind::kResizeNearest:
        return Resize("nearest", 0);
    }
    return false;
  }

  // Options: padding 0, strides 1 and 2; those of the window follow.
  Attributes WindowAttributes() const {
    return {{"auto_pad", std::string(Option<std::int8_t>(0, 0) == 0 ? "SAME_UPPER" : "VALID")},
            {"strides", Integers{Option(2, 0), Option(1, 0)}}};
  }

  bool Convolve(bool is_depthwise) {
    if (!IsConstant(1) || tensor(input(1)).rank() != 4 || !IsImage(input(0))) return false;
    const int dilation = is_depthwise ? 5 : 4;
    Attributes attributes = WindowAttributes();
    attributes["dilations"] = Integers{Option(dilation + 1, 1), Option(dilation, 1)};
    if (is_depthwise) attributes["group"] = tensor(input(0)).dimensions[3];
    // [out, h, w, in], or [1, h, w, out].
    constexpr std::int64_t kDepthwise[] = {3, 0, 1, 2};
    std::vector<std::string> inputs = {
        Image(input(0)),
        AddConstant(tensor(input(1)).name,
                    Permuted(ConstantOf(input(1)), is_depthwise ? kDepthwise : kToImage))};
    if (HasInput(2)) inputs.push_back(Plain(input(2)));
    const auto function = Option<std::int8_t>(is_depthwise ? 4 : 3, 0);
    SetImage(
        Activated(EmitSum(function, "Conv", std::move(inputs), std::move(attributes)), function));
    return true;
  }

  bool Pool(const char* kind) {
    if (!IsImage(input(0))) return false;
    Attributes attributes = WindowAttributes();
    attributes["kernel_shape"] = Integers{Option(4, 0), Option(3, 0)};
    const auto function = Option<std::int8_t>(5, 0);
    SetImage(
        Activated(EmitSum(function, kind, {Image(input(0))}, std::move(attributes)), function));
    return true;
  }

  bool Multiply() {
    if (!IsConstant(1) || tensor(input(1)).rank() != 2 || Option<std::int8_t>(1, 0) != 0) {
      return false;
    }
    std::string value = Plain(input(0));
    constexpr std::int64_t kTransposed[] = {1, 0};
    const std::string weights =
        AddConstant(tensor(input(1)).name, Permuted(ConstantOf(input(1)), kTransposed));
    if (tensor(input(0)).rank() != tensor(output()).rank()) {
      value = EmitPart("Flatten", {value}, {{"axis", std::int64_t{1}}});
    }
    const auto function = Option<std::int8_t>(0, 0);
    if (HasInput(2)) {
      // The two become one layer, which has the product's name.
      const std::string& name = tensor(output()).name;
      value = AddNode(Unused(name + "/MatMul"), "MatMul", {value, weights}, {}, kVersion, name);
      value = EmitSum(function, "Add", {value, Plain(input(2))});
    } else {
      value = EmitSum(function, "MatMul", {value, weights});
    }
    SetPlain(Activated(value, function));
    return true;
  }

  bool PassOn() {
    const std::int32_t from = input(0);
    if (tensor(from).is_constant()) {
      // A constant is known to those that read it, in whatever order they want.
      TfliteTensor& to = model_.tensors[static_cast<std::size_t>(output())];
      const std::string name = to.name;
      to = tensor(from);
      to.name = name;
      return true;
    }
    RequireMade(from);
    form(output()) = form(from);
    return true;
  }

  template <typename Make>
  bool Map(Make make) {
    if (form(input(0)).image.empty()) {
      SetPlain(make(Plain(input(0))));
    } else {
      SetImage(make(Image(input(0))));
    }
    return true;
  }

  // Of two, the other broadcast. As images where one is, and the other is one or a constant.
  bool Combine(const char* kind, bool has_function) {
    bool is_image = false;
    for (std::size_t i = 0; i < 2; ++i) is_image = is_image || !form(input(i)).image.empty();
    for (std::size_t i = 0; i < 2; ++i) is_image = is_image && CanBeImage(input(i));
    std::vector<std::string> inputs;
    for (std::size_t i = 0; i < 2; ++i) {
      inputs.push_back(is_image ? Image(input(i)) : Plain(input(i)));
    }
    const std::int8_t function = has_function ? Option<std::int8_t>(0, 0) : std::int8_t{0};
    const std::string value = Activated(EmitSum(function, kind, std::move(inputs)), function);
    is_image ? SetImage(value) : SetPlain(value);
    return true;
  }

  bool Reduce(const char* kind, std::int64_t version) {
    const std::int64_t rank = tensor(input(0)).rank();
    const std::int64_t keeps = Option<std::uint8_t>(0, 0);
    Integers axes = IntegersOf(1);
    for (std::int64_t& axis : axes) axis = axis < 0 ? axis + rank : axis;
    std::sort(axes.begin(), axes.end());
    const bool is_image = IsImage(input(0)) && axes == Integers{1, 2};
    if (is_image) axes = {2, 3};
    const std::string value = Emit(kind, {is_image ? Image(input(0)) : Plain(input(0))},
                                   {{"axes", axes}, {"keepdims", keeps}}, version);
    is_image&& keeps != 0 ? SetImage(value) : SetPlain(value);
    return true;
  }

  // To the dimensions that the file says, whatever the batch.
  bool Reshape() {
    Integers to = tensor(output()).dimensions;
    const Integers& from = tensor(input(0)).dimensions;
    if (to.empty() || from.empty() || to[0] != from[0]) return false;
    to[0] = -1;
    const auto rank = static_cast<std::int64_t>(to.size());
    SetPlain(Emit("Reshape",
                  {Plain(input(0)), AddConstant("shape", ForeignTensor::OfIntegers({rank}, to))}));
    return true;
  }

  bool Concatenate() {
    const std::int64_t rank = tensor(input(0)).rank();
    std::int64_t axis = Option(0, 0);
    axis = axis < 0 ? axis + rank : axis;
    bool is_image = rank == 4;
    for (std::size_t i = 0; i < input_count(); ++i) {
      is_image = is_image && !form(input(i)).image.empty();
    }
    std::vector<std::string> inputs;
    for (std::size_t i = 0; i < input_count(); ++i) {
      inputs.push_back(is_image ? Image(input(i)) : Plain(input(i)));
    }
    const auto function = Option<std::int8_t>(1, 0);
    const std::string value = Activated(EmitSum(function, "Concat", std::move(inputs),
                                                {{"axis", is_image ? ImageAxis(axis) : axis}}),
                                        function);
    is_image ? SetImage(value) : SetPlain(value);
    return true;
  }

  bool Softmax(const char* kind, float beta) {
    std::string value = Plain(input(0));
    if (beta != 1.0f) {
      value = EmitPart("Mul", {value, AddConstant("beta", ForeignTensor::OfFloats({}, {beta}))});
    }
    SetPlain(Emit(kind, {value}, {{"axis", std::int64_t{-1}}}));
    return true;
  }

  bool PadZeros() {
    if (!IsImage(input(0)) || !IsConstant(1)) return false;
    const Integers pairs = IntegersOf(1);
    if (pairs.size() != 8) return false;
    Integers pads(8);
    for (std::int64_t axis = 0; axis < 4; ++axis) {
      const auto to = static_cast<std::size_t>(ImageAxis(axis));
      pads[to] = pairs[static_cast<std::size_t>(2 * axis)];
      pads[to + 4] = pairs[static_cast<std::size_t>(2 * axis + 1)];
    }
    SetImage(Emit("Pad", {Image(input(0)),
                          AddConstant("pads", ForeignTensor::OfIntegers({8}, std::move(pads)))}));
    return true;
  }

  // `flags`: the option that says that corners are aligned; the next one is of centers.
  bool Resize(const char* mode, int flags) {
    if (!IsImage(input(0)) || !IsConstant(1)) return false;
    const bool aligns = Option<std::uint8_t>(flags, 0) != 0;
    const bool has_centers = Option<std::uint8_t>(flags + 1, 0) != 0;
    Attributes attributes = {
        {"mode", std::string(mode)},
        {"axes", Integers{2, 3}},
        {"coordinate_transformation_mode", std::string(aligns        ? "align_corners"
                                                       : has_centers ? "half_pixel"
                                                                     : "asymmetric")},
        {"nearest_mode", std::string(aligns || has_centers ? "round_prefer_ceil" : "floor")}};
    SetImage(Emit("Resize",
                  {Image(input(0)), "", "",
                   AddConstant("size", ForeignTensor::OfIntegers({2}, IntegersOf(1)))},
                  std::move(attributes), kResizeVersion));
    return true;
  }

  TfliteModel model_;
  const std::shared_ptr<const void>& owner_;
  std::vector<Forms> forms_;
  const TfliteOperator* op_ = nullptr;
  ForeignGraph graph_;
};

}  // namespace

ForeignGraph ReadTflite(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                        const ImportOptions& options) {
  if (!SeemsTflite(bytes)) {
    Fail(ErrorCode::kModelFile, "expected a TensorFlow Lite model, which begins with TFL3 after ",
         "four bytes, got none");
  }
  if (bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) {
    Fail(ErrorCode::kModelFile, "expected a file of less than 2 GiB, got ", bytes.size(), " bytes");
  }
  constexpr flatbuffers::uoffset_t kMostDepth = 16;
  constexpr flatbuffers::uoffset_t kMostTables = 1 << 26;
  flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
                                 kMostDepth, kMostTables);
  return Translator(ReadTfliteModel(verifier, bytes, options.nodes), owner).Run();
}

}  // namespace espalier
