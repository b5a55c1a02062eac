// SPDX-License-Identifier: Apache-2.0
#include "import/fold_arithmetic.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "import/node_facts.h"
#include "import/onnx_tensor.h"

namespace espalier {
namespace {

using Inputs = std::vector<std::optional<FoldedArray>>;
using Integers = std::vector<std::int64_t>;

// Real numbers.
using RealUnary = double (*)(double);
using RealBinary = double (*)(double, double);

const std::unordered_map<std::string_view, RealUnary> kRealUnary = {
    {"Abs", [](double x) { return std::fabs(x); }},
    {"Ceil", [](double x) { return std::ceil(x); }},
    {"Erf", [](double x) { return std::erf(x); }},
    {"Exp", [](double x) { return std::exp(x); }},
    {"Floor", [](double x) { return std::floor(x); }},
    {"Log", [](double x) { return std::log(x); }},
    {"Neg", [](double x) { return -x; }},
    {"Reciprocal", [](double x) { return 1.0 / x; }},
    {"Relu", [](double x) { return std::max(x, 0.0); }},
    {"Round", [](double x) { return std::nearbyint(x); }},
    {"Sigmoid", [](double x) { return 1.0 / (1.0 + std::exp(-x)); }},
    {"Sqrt", [](double x) { return std::sqrt(x); }},
    {"Tanh", [](double x) { return std::tanh(x); }},
    {"Cos", [](double x) { return std::cos(x); }},
    {"Sin", [](double x) { return std::sin(x); }},
};

const std::unordered_map<std::string_view, RealBinary> kRealBinary = {
    {"Add", [](double a, double b) { return a + b; }},
    {"Sub", [](double a, double b) { return a - b; }},
    {"Mul", [](double a, double b) { return a * b; }},
    {"Div", [](double a, double b) { return a / b; }},
    {"Pow", [](double a, double b) { return std::pow(a, b); }},
    {"Min", [](double a, double b) { return std::min(a, b); }},
    {"Max", [](double a, double b) { return std::max(a, b); }},
};

using RealComparison = bool (*)(double, double);

const std::unordered_map<std::string_view, RealComparison> kRealComparisons = {
    {"Equal", [](double a, double b) { return a == b; }},
    {"Less", [](double a, double b) { return a < b; }},
    {"Greater", [](double a, double b) { return a > b; }},
    {"LessOrEqual", [](double a, double b) { return a <= b; }},
    {"GreaterOrEqual", [](double a, double b) { return a >= b; }},
};

// Integers.
Symbol Sum(Symbol a, Symbol b) {
  if (a.is_fixed() && b.is_fixed()) {
    std::int64_t sum = 0;
    return __builtin_add_overflow(a.value, b.value, &sum) ? Symbol{} : Symbol::Fixed(sum);
  }
  if (a.is_batch() && b.is_fixed() && b.value == 0) return a;
  if (b.is_batch() && a.is_fixed() && a.value == 0) return b;
  std::int64_t factor = 0;
  if (a.is_batch() && b.is_batch() && !__builtin_add_overflow(a.value, b.value, &factor)) {
    return Symbol::Batch(factor);
  }
  return {};
}

Symbol Difference(Symbol a, Symbol b) {
  std::int64_t difference = 0;
  if (a.kind != b.kind || __builtin_sub_overflow(a.value, b.value, &difference)) {
    return a.is_batch() && b.is_fixed() && b.value == 0 ? a : Symbol{};
  }
  if (a.is_fixed() || (a.is_batch() && difference == 0)) return Symbol::Fixed(difference);
  return a.is_batch() ? Symbol::Batch(difference) : Symbol{};
}

Symbol Product(Symbol a, Symbol b) {
  if ((a.is_fixed() && a.value == 0) || (b.is_fixed() && b.value == 0)) return Symbol::Fixed(0);
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a.value, b.value, &product)) return {};
  if (a.is_fixed() && b.is_fixed()) return Symbol::Fixed(product);
  if ((a.is_batch() && b.is_fixed()) || (a.is_fixed() && b.is_batch())) {
    return Symbol::Batch(product);
  }
  return {};
}

Symbol Quotient(Symbol a, Symbol b) {
  if (b.kind == Symbol::Kind::kUnknown || b.value == 0 || b.value == -1) {
    return b.is_fixed() && b.value == -1 ? Difference(Symbol::Fixed(0), a) : Symbol{};
  }
  if (a.is_fixed() && b.is_fixed()) return Symbol::Fixed(a.value / b.value);
  if (!a.is_batch() || a.value % b.value != 0) return {};
  return b.is_batch() ? Symbol::Fixed(a.value / b.value) : Symbol::Batch(a.value / b.value);
}

Symbol Remainder(Symbol a, Symbol b) {  // of the sign of b
  if (!a.is_fixed() || !b.is_fixed() || b.value == 0) return {};
  if (b.value == -1) return Symbol::Fixed(0);
  const std::int64_t rest = a.value % b.value;
  return Symbol::Fixed(rest != 0 && (rest < 0) != (b.value < 0) ? rest + b.value : rest);
}

// -1, 0 or 1 as a is less than, equal to or greater than b; none if it depends on the batch.
std::optional<int> Compare(Symbol a, Symbol b) {
  const auto sign = [&] { return (a.value > b.value) - (a.value < b.value); };
  if (a.kind == Symbol::Kind::kUnknown || b.kind == Symbol::Kind::kUnknown) return std::nullopt;
  if (a.kind == b.kind) return sign();
  if (a.is_batch()) return a.value > b.value ? std::optional(1) : std::nullopt;
  return b.value > a.value ? std::optional(-1) : std::nullopt;
}

Symbol Truth(std::optional<bool> value) { return value ? Symbol::Fixed(*value) : Symbol{}; }

template <typename Test>
Symbol Compared(Symbol a, Symbol b, Test test) {
  const std::optional<int> order = Compare(a, b);
  return order ? Symbol::Fixed(test(*order)) : Symbol{};
}

Symbol Chosen(Symbol a, Symbol b, bool wants_greater) {
  if (const std::optional<int> order = Compare(a, b)) return (*order > 0) == wants_greater ? a : b;
  // A multiple of the batch is at least its factor.
  if (wants_greater && a.is_batch() && b.is_fixed() && b.value <= a.value) return a;
  if (wants_greater && b.is_batch() && a.is_fixed() && a.value <= b.value) return b;
  if (!wants_greater && a.is_batch() && b.is_fixed() && b.value <= a.value) return b;
  if (!wants_greater && b.is_batch() && a.is_fixed() && a.value <= b.value) return a;
  return {};
}

Symbol Both(Symbol a, Symbol b) {
  if (a.is_fixed() && b.is_fixed()) return Truth(a.value != 0 && b.value != 0);
  return {};
}

Symbol Either(Symbol a, Symbol b) {
  if (a.is_fixed() && b.is_fixed()) return Truth(a.value != 0 || b.value != 0);
  return {};
}

using SymbolBinary = Symbol (*)(Symbol, Symbol);

struct IntegerOperator {
  SymbolBinary function;
  bool is_test = false;
};

const std::unordered_map<std::string_view, IntegerOperator> kIntegerBinary = {
    {"Add", {Sum}},
    {"Sub", {Difference}},
    {"Mul", {Product}},
    {"Div", {Quotient}},
    {"Mod", {Remainder}},
    {"Min", {[](Symbol a, Symbol b) { return Chosen(a, b, false); }}},
    {"Max", {[](Symbol a, Symbol b) { return Chosen(a, b, true); }}},
    {"And", {Both, true}},
    {"Or", {Either, true}},
    {"Equal",
     {[](Symbol a, Symbol b) { return Compared(a, b, [](int c) { return c == 0; }); }, true}},
    {"Less",
     {[](Symbol a, Symbol b) { return Compared(a, b, [](int c) { return c < 0; }); }, true}},
    {"Greater",
     {[](Symbol a, Symbol b) { return Compared(a, b, [](int c) { return c > 0; }); }, true}},
    {"LessOrEqual",
     {[](Symbol a, Symbol b) { return Compared(a, b, [](int c) { return c <= 0; }); }, true}},
    {"GreaterOrEqual",
     {[](Symbol a, Symbol b) { return Compared(a, b, [](int c) { return c >= 0; }); }, true}},
};

// Where each element of a broadcast result comes from.
class Broadcast {
 public:
  Broadcast(const std::vector<const Integers*>& shapes, std::int64_t most_elements) {
    for (const Integers* shape : shapes) {
      if (shape->size() > dimensions_.size()) {
        dimensions_.insert(dimensions_.begin(), shape->size() - dimensions_.size(), 1);
      }
      for (std::size_t i = 0; i < shape->size(); ++i) {
        std::int64_t& own = dimensions_[dimensions_.size() - shape->size() + i];
        const std::int64_t other = (*shape)[i];
        if (own == 1) {
          own = other;
        } else if (other != 1 && other != own) {
          Refuse("expected shapes that can be broadcast, got ", own, " and ", other);
        }
      }
    }
    count_ = ForeignElementCount(dimensions_);
    if (count_ > most_elements) {
      Refuse("expected a constant of at most ", most_elements, " elements, got ", count_);
    }
  }

  const Integers& dimensions() const { return dimensions_; }
  std::int64_t count() const { return count_; }

  // The places of a value of this shape, for each element of the result in order.
  Integers Places(const Integers& shape) const {
    Integers strides(dimensions_.size(), 0);
    std::int64_t stride = 1;
    for (std::size_t i = shape.size(); i-- > 0;) {
      strides[dimensions_.size() - shape.size() + i] = shape[i] == 1 ? 0 : stride;
      stride *= shape[i];
    }
    Integers places;
    places.reserve(static_cast<std::size_t>(count_));
    for (std::int64_t i = 0; i < count_; ++i) {
      std::int64_t rest = i;
      std::int64_t place = 0;
      for (std::size_t axis = dimensions_.size(); axis-- > 0;) {
        place += rest % dimensions_[axis] * strides[axis];
        rest /= dimensions_[axis];
      }
      places.push_back(place);
    }
    return places;
  }

 private:
  Integers dimensions_;
  std::int64_t count_ = 0;
};

template <typename To, typename From, typename Function>
FoldedArray Combined(ForeignType type, const FoldedArray& a, const FoldedArray& b,
                     std::int64_t most_elements, Function function) {
  const Broadcast broadcast({&a.dimensions, &b.dimensions}, most_elements);
  const Integers from_a = broadcast.Places(a.dimensions);
  const Integers from_b = broadcast.Places(b.dimensions);
  const auto& left = std::get<std::vector<From>>(a.elements);
  const auto& right = std::get<std::vector<From>>(b.elements);
  std::vector<To> result(from_a.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = function(left[static_cast<std::size_t>(from_a[i])],
                         right[static_cast<std::size_t>(from_b[i])]);
  }
  return {type, broadcast.dimensions(), std::move(result)};
}

std::optional<FoldedArray> FoldBinary(const ForeignNode& node, const FoldedArray& a,
                                      const FoldedArray& b, std::int64_t most) {
  if (a.holds_floats() != b.holds_floats()) return std::nullopt;
  if (!a.holds_floats()) {
    const auto found = kIntegerBinary.find(node.kind);
    if (found == kIntegerBinary.end()) return std::nullopt;
    if (node.kind == "Mod" && node.Integer("fmod", 0) != 0) return std::nullopt;
    return Combined<Symbol, Symbol>(found->second.is_test ? ForeignType::kBool : a.type, a, b, most,
                                    found->second.function);
  }
  if (const auto found = kRealBinary.find(node.kind); found != kRealBinary.end()) {
    return Combined<float, float>(a.type, a, b, most, [&](float x, float y) {
      return static_cast<float>(found->second(x, y));
    });
  }
  const auto found = kRealComparisons.find(node.kind);
  if (found == kRealComparisons.end()) return std::nullopt;
  return Combined<Symbol, float>(ForeignType::kBool, a, b, most, [&](float x, float y) {
    return Symbol::Fixed(found->second(x, y));
  });
}

std::optional<FoldedArray> FoldUnary(const ForeignNode& node, FoldedArray x) {
  if (x.holds_floats()) {
    const auto found = kRealUnary.find(node.kind);
    if (found == kRealUnary.end()) return std::nullopt;
    for (float& element : std::get<0>(x.elements)) {
      element = static_cast<float>(found->second(element));
    }
    return x;
  }
  for (Symbol& element : std::get<1>(x.elements)) {
    if (node.kind == "Not") {
      element = element.is_fixed() ? Symbol::Fixed(element.value == 0) : Symbol{};
    } else if (node.kind == "Neg" ||
               (node.kind == "Abs" && element.is_fixed() && element.value < 0)) {
      element = Difference(Symbol::Fixed(0), element);
    } else if (node.kind != "Abs") {
      return std::nullopt;
    }
  }
  return x;
}

std::optional<FoldedArray> FoldCast(const ForeignNode& node, FoldedArray x) {
  const ForeignType to = ForeignTypeOfOnnx(node.Integer("to", 0));
  if (to == ForeignType::kUnknown) return std::nullopt;
  if (x.holds_floats()) {
    if (!IsFloatType(to)) {
      std::vector<Symbol> symbols;
      for (const float element : x.floats()) {
        if (!(std::fabs(element) < 9e18f)) return std::nullopt;
        symbols.push_back(Symbol::Fixed(to == ForeignType::kBool
                                            ? static_cast<std::int64_t>(element != 0.0f)
                                            : static_cast<std::int64_t>(element)));
      }
      x.elements = std::move(symbols);
    }
  } else if (IsFloatType(to)) {
    std::vector<float> floats;
    for (const Symbol element : x.symbols()) {
      if (!element.is_fixed()) return std::nullopt;
      floats.push_back(static_cast<float>(element.value));
    }
    x.elements = std::move(floats);
  } else if (to == ForeignType::kBool) {
    for (Symbol& element : std::get<1>(x.elements)) {
      element = Compared(element, Symbol::Fixed(0), [](int order) { return order != 0; });
    }
  }
  x.type = to;
  return x;
}

template <typename T>
FoldedArray Selected(const FoldedArray& test, const FoldedArray& a, const FoldedArray& b,
                     std::int64_t most) {
  const Broadcast broadcast({&test.dimensions, &a.dimensions, &b.dimensions}, most);
  const Integers from_test = broadcast.Places(test.dimensions);
  const Integers from_a = broadcast.Places(a.dimensions);
  const Integers from_b = broadcast.Places(b.dimensions);
  std::vector<T> result(from_a.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const Symbol chosen = test.symbols()[static_cast<std::size_t>(from_test[i])];
    if (!chosen.is_fixed()) continue;  // stays unknown
    result[i] = chosen.value != 0
                    ? std::get<std::vector<T>>(a.elements)[static_cast<std::size_t>(from_a[i])]
                    : std::get<std::vector<T>>(b.elements)[static_cast<std::size_t>(from_b[i])];
  }
  return {a.type, broadcast.dimensions(), std::move(result)};
}

std::optional<FoldedArray> FoldWhere(const Inputs& inputs, std::int64_t most) {
  const FoldedArray& test = *inputs[0];
  if (test.holds_floats() || inputs[1]->holds_floats() != inputs[2]->holds_floats()) {
    return std::nullopt;
  }
  if (!inputs[1]->holds_floats()) return Selected<Symbol>(test, *inputs[1], *inputs[2], most);
  if (!std::ranges::all_of(test.symbols(), &Symbol::is_fixed)) return std::nullopt;
  return Selected<float>(test, *inputs[1], *inputs[2], most);
}

// "shape" may have the batch in it: then no constant, and nobody here asks for it.
std::optional<FoldedArray> FoldConstantOfShape(const ForeignNode& node, const FoldedArray& shape,
                                               std::int64_t most) {
  if (shape.holds_floats()) return std::nullopt;
  FoldedArray result{.type = ForeignType::kFloat32};
  for (const Symbol size : shape.symbols()) {
    if (!size.is_fixed()) return std::nullopt;
    result.dimensions.push_back(size.value);
  }
  const std::int64_t count = ForeignElementCount(result.dimensions);
  if (count > most) Refuse("expected a constant of at most ", most, " elements, got ", count);
  const auto found = node.attributes.find("value");
  const ForeignTensor* value =
      found == node.attributes.end() ? nullptr : std::get_if<ForeignTensor>(&found->second);
  if (value != nullptr && value->element_count() != 1) Refuse("value: expected one element");
  if (value != nullptr) result.type = value->type();
  if (IsFloatType(result.type)) {
    result.elements = std::vector<float>(static_cast<std::size_t>(count),
                                         value == nullptr ? 0.0f : value->FloatAt(0));
  } else {
    result.elements =
        std::vector<Symbol>(static_cast<std::size_t>(count), Symbol::Fixed(value->IntegerAt(0)));
  }
  return result;
}

std::optional<FoldedArray> FoldRange(const Inputs& inputs, std::int64_t most) {
  for (const auto& input : inputs) {
    if (input->size() != 1) Refuse("expected single numbers");
  }
  const auto fits = [&](double count) {
    if (count > static_cast<double>(most)) {
      Refuse("expected a constant of at most ", most, " elements, got ", count);
    }
    return static_cast<std::size_t>(std::max(0.0, count));
  };
  FoldedArray result{.type = inputs[0]->type};
  if (std::ranges::all_of(inputs, [](const auto& input) { return input->holds_floats(); })) {
    const double start = inputs[0]->floats()[0];
    const double step = inputs[2]->floats()[0];
    const double count = std::ceil((inputs[1]->floats()[0] - start) / step);
    if (std::isnan(count)) return std::nullopt;
    std::vector<float> values(fits(count));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(start + static_cast<double>(i) * step);
    }
    result.elements = std::move(values);
    result.dimensions = {static_cast<std::int64_t>(std::get<0>(result.elements).size())};
    return result;
  }
  Integers told;
  for (const auto& input : inputs) {
    if (input->holds_floats() || !input->symbols()[0].is_fixed()) return std::nullopt;
    told.push_back(input->symbols()[0].value);
  }
  constexpr std::int64_t kFar = std::int64_t{1} << 60;
  if (told[2] == 0 ||
      std::ranges::any_of(told, [](std::int64_t x) { return x > kFar || x < -kFar; })) {
    return std::nullopt;
  }
  const std::int64_t step = told[2];
  const std::int64_t distance = step > 0 ? told[1] - told[0] : told[0] - told[1];
  const std::int64_t pace = step > 0 ? step : -step;
  const std::size_t count =
      fits(distance > 0 ? static_cast<double>((distance - 1) / pace + 1) : 0.0);
  std::vector<Symbol> values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(Symbol::Fixed(told[0] + static_cast<std::int64_t>(i) * step));
  }
  result.elements = std::move(values);
  result.dimensions = {static_cast<std::int64_t>(count)};
  return result;
}

// Sums and products of all elements, as of shapes; other reductions of constants stay as they are.
std::optional<FoldedArray> FoldReduction(const ForeignNode& node, const FoldedArray& x) {
  if (x.holds_floats() || x.dimensions.size() != 1) return std::nullopt;
  const bool is_product = node.kind == "ReduceProd";
  Symbol result = Symbol::Fixed(is_product ? 1 : 0);
  for (const Symbol element : x.symbols()) {
    result = is_product ? Product(result, element) : Sum(result, element);
  }
  FoldedArray folded{.type = x.type, .elements = std::vector<Symbol>{result}};
  if (node.Integer("keepdims", 1) != 0) folded.dimensions = {1};
  return folded;
}

bool IsOneOf(std::string_view kind, std::initializer_list<std::string_view> kinds) {
  return std::ranges::find(kinds, kind) != kinds.end();
}

}  // namespace

bool IsFoldable(const ForeignNode& node) {
  return node.domain.empty() &&
         (kRealUnary.contains(node.kind) || kRealBinary.contains(node.kind) ||
          kIntegerBinary.contains(node.kind) ||
          IsOneOf(node.kind,
                  {"Not", "Cast", "Where", "ConstantOfShape", "Range", "ReduceProd", "ReduceSum"}));
}

std::optional<FoldedArray> FoldArithmetic(const ForeignNode& node, const Inputs& inputs,
                                          std::int64_t most) {
  const auto has = [&](std::size_t count) {
    return inputs.size() >= count &&
           std::all_of(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(count),
                       [](const auto& input) { return input.has_value(); });
  };
  if (!has(1)) return std::nullopt;
  if (node.kind == "Cast") return FoldCast(node, *inputs[0]);
  if (node.kind == "ConstantOfShape") return FoldConstantOfShape(node, *inputs[0], most);
  if (node.kind == "ReduceProd" || node.kind == "ReduceSum") {
    return FoldReduction(node, *inputs[0]);
  }
  if (node.kind == "Where" || node.kind == "Range") {
    if (!has(3) || inputs.size() != 3) return std::nullopt;
    return node.kind == "Where" ? FoldWhere(inputs, most) : FoldRange(inputs, most);
  }
  if (!has(inputs.size())) return std::nullopt;
  if (inputs.size() == 1) return FoldUnary(node, *inputs[0]);
  std::optional<FoldedArray> result = inputs[0];
  for (std::size_t i = 1; i < inputs.size() && result; ++i) {
    result = FoldBinary(node, *result, *inputs[i], most);
  }
  return result;
}

}  // namespace espalier
