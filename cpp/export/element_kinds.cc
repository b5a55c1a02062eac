// SPDX-License-Identifier: Apache-2.0

// Functions of each element, of one value and of several.

#include <array>
#include <cmath>
#include <numbers>

#include "export/layer_export.h"

namespace espalier {
namespace {

// Kinds whose operator is the same function of one value, without attributes, or of two.
struct SameFunction {
  std::string_view kind;
  const char* operation;
};

constexpr SameFunction kOfOne[] = {
    {"abs", "Abs"},
    {"dropout", "Identity"},
    {"erf", "Erf"},
    {"exp", "Exp"},
    {"hard_swish", "HardSwish"},
    {"log", "Log"},
    {"neg", "Neg"},
    {"reciprocal", "Reciprocal"},
    {"relu", "Relu"},
    {"selu", "Selu"},
    {"sigmoid", "Sigmoid"},
    {"softplus", "Softplus"},
    {"sqrt", "Sqrt"},
    {"tanh", "Tanh"},
};

constexpr SameFunction kOfTwo[] = {{"div", "Div"}, {"max", "Max"}, {"min", "Min"},
                                   {"mul", "Mul"}, {"pow", "Pow"}, {"sub", "Sub"}};

constexpr SameFunction kComparisons[] = {
    {"equal", "Equal"}, {"greater", "Greater"}, {"less", "Less"}};

template <std::size_t kCount>
const char* OperationOf(const SameFunction (&functions)[kCount], const LayerExport& layer) {
  for (const SameFunction& function : functions) {
    if (function.kind == layer.layer().layer->kind()) return function.operation;
  }
  return nullptr;
}

void WriteOfOne(LayerExport& layer) { layer.Result(OperationOf(kOfOne, layer), {layer.Input()}); }

void WriteOfTwo(LayerExport& layer) {
  layer.Result(OperationOf(kOfTwo, layer),
               {layer.InputOfOutputRank(0), layer.InputOfOutputRank(1)});
}

// 1 and 0 for true and false.
void WriteComparison(LayerExport& layer) {
  const std::string holds = layer.Node("holds", OperationOf(kComparisons, layer),
                                       {layer.InputOfOutputRank(0), layer.InputOfOutputRank(1)});
  layer.Result("Cast", {holds}, {{"to", static_cast<std::int64_t>(onnx::ElementType::kFloat)}});
}

void WriteFmod(LayerExport& layer) {
  layer.Result("Mod", {layer.InputOfOutputRank(0), layer.InputOfOutputRank(1)},
               {{"fmod", std::int64_t{1}}});
}

// The operator's other form takes no floats: b more where what is left has not b's sign.
void WriteRemainder(LayerExport& layer) {
  const std::string divisor = layer.InputOfOutputRank(1);
  const std::string left =
      layer.Node("left", "Mod", {layer.InputOfOutputRank(0), divisor}, {{"fmod", std::int64_t{1}}});
  const std::string product = layer.Node("product", "Mul", {left, divisor});
  const std::string is_other = layer.Node("is_other", "Less", {product, layer.Scalar("zero", 0.0)});
  layer.Result("Where", {is_other, layer.Node("sum", "Add", {left, divisor}), left});
}

void WriteAdd(LayerExport& layer) {
  std::vector<std::string> terms;
  for (std::size_t i = 0; i < layer.InputCount(); ++i) terms.push_back(layer.InputOfOutputRank(i));
  layer.Result(terms.size() == 2 ? "Add" : "Sum", terms);
}

void WriteWhere(LayerExport& layer) {
  const std::string condition =
      layer.Node("condition", "Cast", {layer.InputOfOutputRank(0)},
                 {{"to", static_cast<std::int64_t>(onnx::ElementType::kBool)}});
  layer.Result("Where", {condition, layer.InputOfOutputRank(1), layer.InputOfOutputRank(2)});
}

void WriteCast(LayerExport& layer) {
  const bool is_to_float = layer.Text("to") == ElementTypeName(ElementType::kFloat32);
  layer.Result("Cast", {layer.Input()},
               {{"to", static_cast<std::int64_t>(is_to_float ? onnx::ElementType::kFloat
                                                             : onnx::ElementType::kInt64)}});
}

void WriteRelu6(LayerExport& layer) {
  layer.Result("Clip", {layer.Input(), layer.Scalar("low", 0.0), layer.Scalar("high", 6.0)});
}

void WriteLeakyRelu(LayerExport& layer) {
  layer.Result("LeakyRelu", {layer.Input()}, {{"alpha", static_cast<float>(layer.Real("slope"))}});
}

void WriteElu(LayerExport& layer) {
  layer.Result("Elu", {layer.Input()}, {{"alpha", static_cast<float>(layer.Real("alpha"))}});
}

void WriteHardSigmoid(LayerExport& layer) {
  layer.Result("HardSigmoid", {layer.Input()}, {{"alpha", 1.0f / 6.0f}, {"beta", 0.5f}});
}

// 0.5 · x · (1 + erf(x / √2)), in the order of PyTorch's exports, which others know.
void WriteGelu(LayerExport& layer) {
  const std::string x = layer.Input();
  if (layer.OperatorSet() >= 20) {
    layer.Result("Gelu", {x});
    return;
  }
  const std::string scaled =
      layer.Node("scaled", "Div", {x, layer.Scalar("root", std::numbers::sqrt2)});
  const std::string erf = layer.Node("erf", "Erf", {scaled});
  const std::string sum = layer.Node("sum", "Add", {erf, layer.Scalar("one", 1.0)});
  const std::string product = layer.Node("product", "Mul", {x, sum});
  layer.Result("Mul", {product, layer.Scalar("half", 0.5)});
}

// 0.5 · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))), in the order of PyTorch's exports too.
void WriteGeluTanh(LayerExport& layer) {
  const std::string x = layer.Input();
  if (layer.OperatorSet() >= 20) {
    layer.Result("Gelu", {x}, {{"approximate", std::string("tanh")}});
    return;
  }
  const std::string cube = layer.Node("cube", "Pow", {x, layer.Scalar("three", 3.0)});
  const std::string bend = layer.Node("bend", "Mul", {cube, layer.Scalar("cubic", 0.044715)});
  const std::string bent = layer.Node("bent", "Add", {x, bend});
  const std::string scale = layer.Scalar("scale", std::sqrt(2.0 / std::numbers::pi));
  const std::string tanh = layer.Node("tanh", "Tanh", {layer.Node("scaled", "Mul", {bent, scale})});
  const std::string sum = layer.Node("sum", "Add", {tanh, layer.Scalar("one", 1.0)});
  const std::string product = layer.Node("product", "Mul", {x, sum});
  layer.Result("Mul", {product, layer.Scalar("half", 0.5)});
}

void WriteSilu(LayerExport& layer) {
  const std::string x = layer.Input();
  layer.Result("Mul", {x, layer.Node("gate", "Sigmoid", {x})});
}

void WriteMish(LayerExport& layer) {
  const std::string x = layer.Input();
  if (layer.OperatorSet() >= 18) {
    layer.Result("Mish", {x});
    return;
  }
  const std::string softplus = layer.Node("softplus", "Softplus", {x});
  layer.Result("Mul", {x, layer.Node("gate", "Tanh", {softplus})});
}

void WritePrelu(LayerExport& layer) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(layer.OutputShape().rank()), 1);
  shape[0] = layer.ParameterShape(0)[0];
  layer.Result("PRelu", {layer.Input(), layer.Parameter(0, shape)});
}

void WriteSoftmax(LayerExport& layer) {
  const std::int64_t axis = layer.Text("axis") == "last" ? -1 : 1;
  const bool is_log = layer.layer().layer->kind() == "log_softmax";
  layer.Result(is_log ? "LogSoftmax" : "Softmax", {layer.Input()}, {{"axis", axis}});
}

}  // namespace

std::span<const KindExport> ElementKinds() {
  static constexpr std::array kKinds = {
      KindExport{"abs", WriteOfOne},           KindExport{"add", WriteAdd},
      KindExport{"cast", WriteCast},           KindExport{"div", WriteOfTwo},
      KindExport{"dropout", WriteOfOne},       KindExport{"elu", WriteElu},
      KindExport{"equal", WriteComparison},    KindExport{"erf", WriteOfOne},
      KindExport{"exp", WriteOfOne},           KindExport{"fmod", WriteFmod},
      KindExport{"gelu", WriteGelu},           KindExport{"gelu_tanh", WriteGeluTanh},
      KindExport{"greater", WriteComparison},  KindExport{"hard_sigmoid", WriteHardSigmoid},
      KindExport{"hard_swish", WriteOfOne},    KindExport{"leaky_relu", WriteLeakyRelu},
      KindExport{"less", WriteComparison},     KindExport{"log", WriteOfOne},
      KindExport{"log_softmax", WriteSoftmax}, KindExport{"max", WriteOfTwo},
      KindExport{"min", WriteOfTwo},           KindExport{"mish", WriteMish},
      KindExport{"mul", WriteOfTwo},           KindExport{"neg", WriteOfOne},
      KindExport{"pow", WriteOfTwo},           KindExport{"prelu", WritePrelu},
      KindExport{"reciprocal", WriteOfOne},    KindExport{"relu", WriteOfOne},
      KindExport{"relu6", WriteRelu6},         KindExport{"remainder", WriteRemainder},
      KindExport{"selu", WriteOfOne},          KindExport{"sigmoid", WriteOfOne},
      KindExport{"silu", WriteSilu},           KindExport{"softmax", WriteSoftmax},
      KindExport{"softplus", WriteOfOne},      KindExport{"sqrt", WriteOfOne},
      KindExport{"sub", WriteOfTwo},           KindExport{"tanh", WriteOfOne},
      KindExport{"where", WriteWhere}};
  return kKinds;
}

}  // namespace espalier
