// SPDX-License-Identifier: Apache-2.0
#include "layers/recurrent.h"

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::Floats;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

struct Case {
  std::int64_t length, width, hidden, batch;
  Doubles valid = {};  // positions of each example; empty: no such input
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.length << " x " << c.width << " to " << c.hidden << ", batch " << c.batch
             << (c.valid.empty() ? "" : ", with lengths");
}

struct Form {
  const char* kind = "lstm";
  bool is_bidirectional = false;
  bool has_bias = true;
  bool returns_sequence = true;
  bool resets_after = true;  // of a GRU
};

constexpr Form kForms[] = {
    {.kind = "gru"},
    {.kind = "lstm"},
    {.kind = "gru", .is_bidirectional = true, .has_bias = false},
    {.kind = "lstm", .is_bidirectional = true, .has_bias = false},
    {.kind = "gru", .is_bidirectional = true, .returns_sequence = false},
    {.kind = "lstm", .is_bidirectional = true, .returns_sequence = false},
    {.kind = "gru", .is_bidirectional = true, .resets_after = false},
    {.kind = "gru", .has_bias = false, .returns_sequence = false, .resets_after = false}};

const Case kCases[] = {{1, 1, 1, 1},
                       {3, 1, 2, 2},
                       {1, 5, 3, 3},
                       {2, 7, 16, 2},
                       {5, 3, 17, 1},
                       {4, 16, 5, 17},
                       {9, 2, 7, 4, {9, 1, 4, 0}},
                       {6, 4, 3, 35},
                       {7, 17, 4, 3, {-2, 7, 2147483647}},
                       {12, 6, 9, 2, {11, 12}},
                       {5, 33, 6, 2, {0, 0}},
                       {3, 2, 33, 18, {3, 2, 1, 0, 3, 2, 1, 0, 3, 2, 1, 0, 3, 2, 1, 0, 3, 2}}};

Recurrent Make(const Case& c, const Form& form) {
  Attributes attributes = {{"hidden", c.hidden},
                           {"bidirectional", form.is_bidirectional},
                           {"bias", form.has_bias},
                           {"return_sequence", form.returns_sequence}};
  if (!form.resets_after) attributes["reset_after"] = false;
  return Recurrent(form.kind, attributes);
}

double Sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// One direction at a time, one example at a time, one step after the other.
class RecurrentReference : public testing::LayerReference {
 public:
  RecurrentReference(const Case& c, const Form& form)
      : c_(c), form_(form), is_lstm_(std::string(form.kind) == "lstm") {}

  Doubles Forward(const LayerValues& values) const override {
    Doubles output(Index(values.batch * (form_.returns_sequence ? c_.length : 1) * Width()));
    for (const Way& way : Ways(values)) {
      const std::vector<Step> steps = Run(values, way);
      for (std::size_t s = 0; s < steps.size(); ++s) {
        if (!form_.returns_sequence && s + 1 < steps.size()) continue;
        for (std::int64_t j = 0; j < c_.hidden; ++j) {
          output[Output(way, steps[s].position, j)] = steps[s].h[Index(j)];
        }
      }
    }
    return output;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs.emplace_back(values.inputs[0].size());
    if (values.inputs.size() > 1) result.inputs.emplace_back();
    for (const Doubles& parameter : values.parameters) {
      result.parameters.emplace_back(parameter.size());
    }
    for (const Way& way : Ways(values)) {
      const std::vector<Step> steps = Run(values, way);
      Doubles grad_h(Index(c_.hidden)), grad_c(Index(c_.hidden));
      for (std::size_t s = steps.size(); s-- > 0;) {
        for (std::int64_t j = 0; j < c_.hidden; ++j) {
          if (!form_.returns_sequence && s + 1 < steps.size()) continue;
          grad_h[Index(j)] += grad[Output(way, steps[s].position, j)];
        }
        grad_h = StepBack(values, way, steps[s], grad_h, grad_c, result);
      }
    }
    return result;
  }

 private:
  struct Way {
    std::int64_t example, direction;
  };

  struct Step {
    std::int64_t position;
    Doubles before, cell_before;  // h and c
    std::vector<Doubles> x, s;    // products of each gate
    std::vector<Doubles> gates;   // activated
    Doubles h, cell;
  };

  std::int64_t Gates() const { return is_lstm_ ? 4 : 3; }
  std::int64_t Width() const { return c_.hidden * (form_.is_bidirectional ? 2 : 1); }

  std::vector<Way> Ways(const LayerValues& values) const {
    std::vector<Way> ways;
    for (std::int64_t b = 0; b < values.batch; ++b) {
      for (std::int64_t d = 0; d < (form_.is_bidirectional ? 2 : 1); ++d) ways.push_back({b, d});
    }
    return ways;
  }

  std::size_t Output(const Way& way, std::int64_t position, std::int64_t j) const {
    const std::int64_t row =
        form_.returns_sequence ? way.example * c_.length + position : way.example;
    return Index(row * Width() + way.direction * c_.hidden + j);
  }

  std::int64_t Valid(const LayerValues& values, const Way& way) const {
    if (values.inputs.size() == 1) return c_.length;
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(values.inputs[1][Index(way.example)]),
                                    0, c_.length);
  }

  std::int64_t Row(const Way& way, std::int64_t gate, std::int64_t j) const {
    return (way.direction * Gates() + gate) * c_.hidden + j;
  }

  std::vector<Step> Run(const LayerValues& values, const Way& way) const {
    const std::int64_t valid = Valid(values, way);
    Doubles h(Index(c_.hidden)), cell(Index(c_.hidden));
    std::vector<Step> steps;
    for (std::int64_t s = 0; s < valid; ++s) {
      Step step{.position = way.direction == 0 ? s : valid - 1 - s,
                .before = h,
                .cell_before = cell,
                .x = {},
                .s = {},
                .gates = {},
                .h = h,
                .cell = cell};
      for (std::int64_t gate = 0; gate < Gates(); ++gate) {
        step.x.emplace_back(Index(c_.hidden));
        step.s.emplace_back(Index(c_.hidden));
        step.gates.emplace_back(Index(c_.hidden));
        for (std::int64_t j = 0; j < c_.hidden; ++j) {
          const std::int64_t row = Row(way, gate, j);
          double& x = step.x[Index(gate)][Index(j)];
          double& product = step.s[Index(gate)][Index(j)];
          if (form_.has_bias) x = values.parameters[2][Index(row)];
          if (form_.has_bias) product = values.parameters[3][Index(row)];
          for (std::int64_t k = 0; k < c_.width; ++k) {
            x += values.parameters[0][Index(row * c_.width + k)] *
                 values.inputs[0][Input(way, step.position, k)];
          }
          for (std::int64_t k = 0; k < c_.hidden; ++k) {
            product += values.parameters[1][Index(row * c_.hidden + k)] * h[Index(k)];
          }
        }
      }
      Activate(values, way, step);
      h = step.h;
      cell = step.cell;
      steps.push_back(std::move(step));
    }
    return steps;
  }

  std::size_t Input(const Way& way, std::int64_t position, std::int64_t k) const {
    return Index((way.example * c_.length + position) * c_.width + k);
  }

  // r ⊙ h at element k.
  static double Reset(const Step& step, std::int64_t k) {
    return step.gates[0][Index(k)] * step.before[Index(k)];
  }

  // The product of the reset state for n, in the place of that of the state, once r is there.
  double CandidateSum(const LayerValues& values, const Way& way, const Step& step,
                      std::int64_t j) const {
    const std::int64_t row = Row(way, 2, j);
    double sum = form_.has_bias ? values.parameters[3][Index(row)] : 0.0;
    for (std::int64_t k = 0; k < c_.hidden; ++k) {
      sum += values.parameters[1][Index(row * c_.hidden + k)] * Reset(step, k);
    }
    return sum;
  }

  void Activate(const LayerValues& values, const Way& way, Step& step) const {
    for (std::size_t j = 0; j < Index(c_.hidden); ++j) {
      const auto sum = [&](std::size_t gate) { return step.x[gate][j] + step.s[gate][j]; };
      if (is_lstm_) {
        for (const std::size_t gate : {0, 1, 3}) step.gates[gate][j] = Sigmoid(sum(gate));
        step.gates[2][j] = std::tanh(sum(2));
        step.cell[j] = step.gates[1][j] * step.cell_before[j] + step.gates[0][j] * step.gates[2][j];
        step.h[j] = step.gates[3][j] * std::tanh(step.cell[j]);
      } else {
        for (const std::size_t gate : {0, 1}) step.gates[gate][j] = Sigmoid(sum(gate));
      }
    }
    if (is_lstm_) return;
    for (std::int64_t j = 0; j < c_.hidden; ++j) {
      const double s = form_.resets_after ? step.gates[0][Index(j)] * step.s[2][Index(j)]
                                          : CandidateSum(values, way, step, j);
      const double n = std::tanh(step.x[2][Index(j)] + s);
      const double z = step.gates[1][Index(j)];
      step.gates[2][Index(j)] = n;
      step.h[Index(j)] = (1.0 - z) * n + z * step.before[Index(j)];
    }
  }

  // The gradient of r ⊙ h, from those of n at all elements.
  Doubles GradReset(const LayerValues& values, const Way& way, const Step& step,
                    const Doubles& grad_h) const {
    Doubles result(Index(c_.hidden));
    for (std::int64_t j = 0; j < c_.hidden; ++j) {
      const double n = step.gates[2][Index(j)];
      const double grad_n = grad_h[Index(j)] * (1.0 - step.gates[1][Index(j)]) * (1.0 - n * n);
      for (std::int64_t k = 0; k < c_.hidden; ++k) {
        result[Index(k)] += grad_n * values.parameters[1][Index(Row(way, 2, j) * c_.hidden + k)];
      }
    }
    return result;
  }

  // Adds a step's gradients; returns that of h before it, and leaves that of c.
  Doubles StepBack(const LayerValues& values, const Way& way, const Step& step,
                   const Doubles& grad_h, Doubles& grad_c, LayerGradients& result) const {
    Doubles grad_before(Index(c_.hidden));
    const bool resets_before = !form_.resets_after;
    const Doubles grad_reset =
        resets_before ? GradReset(values, way, step, grad_h) : Doubles(Index(c_.hidden));
    for (std::int64_t j = 0; j < c_.hidden; ++j) {
      Doubles grad_x(Index(Gates()));
      const auto gate = [&](std::size_t index) { return step.gates[index][Index(j)]; };
      const auto slope = [&](std::size_t index) { return gate(index) * (1.0 - gate(index)); };
      const double g = grad_h[Index(j)];
      if (is_lstm_) {
        const double t = std::tanh(step.cell[Index(j)]);
        const double c = grad_c[Index(j)] + g * gate(3) * (1.0 - t * t);
        grad_x = {c * gate(2) * slope(0), c * step.cell_before[Index(j)] * slope(1),
                  c * gate(0) * (1.0 - gate(2) * gate(2)), g * t * slope(3)};
        grad_c[Index(j)] = c * gate(1);
      } else {
        const double n = g * (1.0 - gate(1)) * (1.0 - gate(2) * gate(2));
        const double grad_r =
            resets_before ? grad_reset[Index(j)] * step.before[Index(j)] : n * step.s[2][Index(j)];
        grad_x = {grad_r * slope(0), g * (step.before[Index(j)] - gate(2)) * slope(1), n};
        grad_before[Index(j)] += g * gate(1) + grad_reset[Index(j)] * gate(0);
      }
      for (std::int64_t k = 0; k < Gates(); ++k) {
        const double x = grad_x[Index(k)];
        if (resets_before && k == 2) {
          AddResetTerms(values, way, step, Row(way, k, j), x, result);
          continue;
        }
        const double s = is_lstm_ || k < 2 ? x : x * gate(0);
        AddTerms(values, way, step, Row(way, k, j), x, s, grad_before, result);
      }
    }
    return grad_before;
  }

  // What follows from the gradients x and s of a row's two products.
  void AddTerms(const LayerValues& values, const Way& way, const Step& step, std::int64_t row,
                double x, double s, Doubles& grad_before, LayerGradients& result) const {
    for (std::int64_t k = 0; k < c_.width; ++k) {
      const std::size_t weight = Index(row * c_.width + k);
      const std::size_t input = Input(way, step.position, k);
      result.inputs[0][input] += x * values.parameters[0][weight];
      result.parameters[0][weight] += x * values.inputs[0][input];
    }
    for (std::int64_t k = 0; k < c_.hidden; ++k) {
      const std::size_t weight = Index(row * c_.hidden + k);
      grad_before[Index(k)] += s * values.parameters[1][weight];
      result.parameters[1][weight] += s * step.before[Index(k)];
    }
    if (!form_.has_bias) return;
    result.parameters[2][Index(row)] += x;
    result.parameters[3][Index(row)] += s;
  }

  // As AddTerms, of n's row where the state is reset before the product; that state's gradient is
  // GradReset's.
  void AddResetTerms(const LayerValues& values, const Way& way, const Step& step, std::int64_t row,
                     double x, LayerGradients& result) const {
    Doubles unused(Index(c_.hidden));
    AddTerms(values, way, step, row, x, 0.0, unused, result);
    for (std::int64_t k = 0; k < c_.hidden; ++k) {
      result.parameters[1][Index(row * c_.hidden + k)] += x * Reset(step, k);
    }
    if (form_.has_bias) result.parameters[3][Index(row)] += x;
  }

  Case c_;
  Form form_;
  bool is_lstm_;
};

LayerValues MakeValues(const Recurrent& layer, const Case& c) {
  std::vector<Shape> shapes = {Shape{c.length, c.width}};
  if (!c.valid.empty()) shapes.emplace_back(Shape{1});
  LayerValues values = testing::MakeLayerValues(layer, shapes, c.batch, Mode::kTraining, 3);
  if (!c.valid.empty()) values.inputs[1] = c.valid;
  return values;
}

Doubles Waves(std::size_t count) {
  Doubles result(count);
  for (std::size_t i = 0; i < count; ++i) result[i] = std::sin(static_cast<double>(i));
  return result;
}

std::string NameOf(const Case& c, const Form& form) {
  return Concat(form.kind, ", ", c, form.is_bidirectional ? ", both ways" : "",
                form.has_bias ? "" : ", no bias", form.returns_sequence ? "" : ", last state",
                form.resets_after ? "" : ", reset before");
}

TEST(Recurrent, MatchesReferenceAndItsGradient) {
  for (const Form& form : kForms) {
    for (const Case& c : kCases) {
      SCOPED_TRACE(NameOf(c, form));
      const Recurrent layer = Make(c, form);
      const LayerReport report =
          CheckLayer(layer, RecurrentReference(c, form), MakeValues(layer, c));
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.checked, 0u);
    }
  }
}

// Outputs, and gradients of valid inputs, have the bits they have without padding, whatever that
// holds; what stands at padding is 0, and no gradient is spoilt.
TEST(Recurrent, PaddingIsNeverRead) {
  for (const Form& form : kForms) {
    for (const std::int64_t valid : {1, 2, 5, 12}) {
      const Case exact = {valid, 7, 11, 1};
      const Case padded = {13, 7, 11, 1, {static_cast<double>(valid)}};
      SCOPED_TRACE(NameOf(exact, form));
      const Recurrent layer = Make(exact, form);
      const LayerValues without = MakeValues(layer, exact);
      LayerValues with = MakeValues(layer, padded);
      std::fill(with.inputs[0].begin(), with.inputs[0].end(), kNaN);
      std::copy(without.inputs[0].begin(), without.inputs[0].end(), with.inputs[0].begin());
      with.parameters = without.parameters;
      const auto outputs = Index(without.output_shape.element_count());
      const Doubles grad = Waves(outputs);
      Doubles padded_grad(Index(with.output_shape.element_count()), 3.0);
      std::copy(grad.begin(), grad.end(), padded_grad.begin());
      testing::ForEachCpuTarget([&] {
        const auto a = RunLayer(layer, without, grad, 1);
        const auto b = RunLayer(layer, with, padded_grad, 1);
        const std::span<const float> output(b.output);
        EXPECT_TRUE(testing::SameBits(a.output, output.first(outputs)));
        for (const float value : output.subspan(outputs)) EXPECT_EQ(value, 0.0f);
        const std::span<const float> grad_input(b.grad_inputs[0]);
        EXPECT_TRUE(testing::SameBits(a.grad_inputs[0], grad_input.first(Index(valid * 7))));
        for (const float value : grad_input.subspan(Index(valid * 7))) EXPECT_EQ(value, 0.0f);
        for (std::size_t i = 0; i < a.grad_parameters.size(); ++i) {
          EXPECT_LE(testing::RelativeNorm(b.grad_parameters[i], a.grad_parameters[i]), 1e-6);
        }
      });
    }
  }
}

// An example's bits are the same in any batch, whatever the lengths of the others.
TEST(Recurrent, BitsDependOnTheExampleAlone) {
  for (const Form& form : kForms) {
    Case c = {6, 5, 19, 37, Doubles(37)};
    for (std::size_t i = 0; i < 37; ++i) c.valid[i] = static_cast<double>((5 * i + 3) % 7);
    SCOPED_TRACE(NameOf(c, form));
    const Recurrent layer = Make(c, form);
    const LayerValues many = MakeValues(layer, c);
    const auto outputs = Index(many.output_shape.element_count());
    const Doubles grad = Waves(37 * outputs);
    const auto part = [](const auto& values, std::size_t index, std::size_t size) {
      return std::vector(values.begin() + static_cast<std::ptrdiff_t>(index * size),
                         values.begin() + static_cast<std::ptrdiff_t>((index + 1) * size));
    };
    testing::ForEachCpuTarget([&] {
      const auto whole = RunLayer(layer, many, grad, 1);
      for (const std::size_t example : {0, 1, 15, 16, 30, 36}) {
        LayerValues one = many;
        one.batch = 1;
        one.inputs = {part(many.inputs[0], example, 30), part(many.inputs[1], example, 1)};
        const auto alone = RunLayer(layer, one, part(grad, example, outputs), 1);
        EXPECT_TRUE(testing::SameBits(alone.output, part(whole.output, example, outputs)));
        EXPECT_TRUE(
            testing::SameBits(alone.grad_inputs[0], part(whole.grad_inputs[0], example, 30)));
      }
    });
  }
}

TEST(Recurrent, NotANumberSpoilsWhatFollowsInItsExample) {
  const Case c = {5, 3, 4, 2};
  for (const char* kind : {"gru", "lstm"}) {
    const Recurrent layer = Make(c, {.kind = kind});
    LayerValues values = MakeValues(layer, c);
    values.inputs[0][2 * 3 + 1] = kNaN;  // example 0, position 2
    testing::ForEachCpuTarget([&] {
      const auto output = RunLayer(layer, values, Doubles(40, 1.0), 1).output;
      for (std::size_t i = 0; i < 40; ++i) {
        EXPECT_EQ(std::isnan(output[i]), i >= 8 && i < 20) << kind << " " << i;
      }
    });
  }
}

// Gates at their ends, and no step forgets: what is far beyond sigmoid and tanh stays finite.
TEST(Recurrent, LargeInputsAreNoProblem) {
  const Case c = {40, 3, 5, 2};
  for (const Form& form : kForms) {
    const Recurrent layer = Make(c, form);
    LayerValues values = MakeValues(layer, c);
    for (double& value : values.inputs[0]) value = std::round(1e6 * value);
    testing::ForEachCpuTarget([&] {
      const auto run =
          RunLayer(layer, values, Waves(Index(2 * values.output_shape.element_count())), 1);
      EXPECT_EQ(testing::FirstFar(run.output, RecurrentReference(c, form).Forward(values)), -1);
      for (const Floats& gradient : run.grad_parameters) {
        for (const float value : gradient) EXPECT_TRUE(std::isfinite(value));
      }
    });
  }
}

TEST(Recurrent, WorkersShareTheWorkAndGiveTheSameBits) {
  const Case c = {20, 32, 48, 50};
  for (const char* kind : {"gru", "lstm"}) {
    const Recurrent layer = Make(c, {.kind = kind, .is_bidirectional = true});
    EXPECT_EQ(CheckSharedWork(layer, MakeValues(layer, c)), "");
  }
}

TEST(Recurrent, RefusesShapesThatDoNotFit) {
  const Recurrent layer("gru", {{"hidden", std::int64_t{3}}});
  const auto shape = [&](const std::vector<Shape>& inputs) { return layer.OutputShape(inputs); };
  EXPECT_EQ(shape({Shape{5, 6}}), (Shape{5, 3}));
  EXPECT_EQ(shape({Shape{5, 6}, Shape{1}}), (Shape{5, 3}));
  EXPECT_THROW(shape({Shape{6}}), Error);
  EXPECT_THROW(shape({Shape{1, 5, 6}}), Error);
  EXPECT_THROW(shape({Shape{5, 6}, Shape{5}}), Error);
  EXPECT_THROW(shape({Shape{5, 6}, Shape{1}, Shape{1}}), Error);
  EXPECT_THROW(shape({}), Error);
  const Recurrent last(
      "lstm", {{"hidden", std::int64_t{3}}, {"bidirectional", true}, {"return_sequence", false}});
  EXPECT_EQ(last.OutputShape(std::vector{Shape{5, 6}}), Shape{6});
  EXPECT_EQ(last.InputType(0), ElementType::kFloat32);
  EXPECT_EQ(last.InputType(1), ElementType::kInt32);
  const Recurrent huge("lstm", {{"hidden", std::int64_t{1} << 20}, {"bidirectional", true}});
  EXPECT_THROW(huge.OutputShape(std::vector{Shape{5, 6}}), Error);
}

TEST(Recurrent, ParametersArePyTorchsAndStartAsThere) {
  const Recurrent layer("lstm", {{"hidden", std::int64_t{16}}, {"bidirectional", true}});
  const auto parameters = layer.Parameters(std::vector{Shape{5, 6}});
  ASSERT_EQ(parameters.size(), 4u);
  EXPECT_EQ(parameters[0].shape, (Shape{2 * 4 * 16, 6}));
  EXPECT_EQ(parameters[1].shape, (Shape{2 * 4 * 16, 16}));
  EXPECT_EQ(parameters[3].shape, Shape{2 * 4 * 16});
  for (const ParameterSpec& parameter : parameters) {
    EXPECT_EQ(parameter.initializer.name, "standard_uniform");
    EXPECT_EQ(parameter.initializer.fan_in, 16);
  }
}

// What is kept for Backward is some vectors of each position.
TEST(Recurrent, MemoryGrowsWithTheLength) {
  const Recurrent layer("gru", {{"hidden", std::int64_t{8}}});
  const auto memory = [&](std::int64_t length, const LayerUse& use) {
    return layer.Memory(2, std::vector{Shape{length, 96}}, use);
  };
  EXPECT_EQ(memory(1000, {}).saved, 2 * 1000 * 5 * 8);
  const LayerUse serving = {
      .mode = Mode::kEvaluation, .grad_inputs = false, .grad_parameters = false};
  EXPECT_EQ(memory(1000, serving).saved, 0);
  EXPECT_EQ(memory(1000, serving).prepared, memory(10, serving).prepared);
}

}  // namespace
}  // namespace espalier
