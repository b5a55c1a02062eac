// SPDX-License-Identifier: Apache-2.0
#include "layers/attention.h"

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Case {
  std::int64_t queries, keys, heads, head_width, batch;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.queries << " x " << c.keys << ", " << c.heads << " heads of " << c.head_width
             << ", batch " << c.batch;
}

const Case kCases[] = {{1, 1, 1, 1, 1},    {1, 7, 2, 3, 2},     {5, 1, 1, 16, 1},
                       {3, 4, 4, 1, 3},    {7, 7, 3, 5, 2},     {16, 16, 2, 32, 1},
                       {17, 15, 2, 17, 2}, {33, 65, 1, 8, 1},   {64, 63, 3, 11, 1},
                       {65, 33, 2, 9, 2},  {128, 128, 1, 4, 1}, {130, 7, 1, 6, 1},
                       {9, 130, 2, 7, 1},  {131, 257, 1, 3, 1}, {67, 129, 2, 33, 1}};

struct Form {
  bool is_causal = false;
  double scale = 0.0;
  bool is_packed = false;
};

std::int64_t Number(bool value) { return value ? 1 : 0; }

Attention Make(const Case& c, const Form& form) {
  return Attention({{"heads", c.heads},
                    {"causal", form.is_causal},
                    {"scale", form.scale},
                    {"packed", form.is_packed}});
}

class AttentionReference : public testing::LayerReference {
 public:
  AttentionReference(const Case& c, const Form& form) : c_(c), form_(form) {}

  Doubles Forward(const LayerValues& values) const override {
    Doubles output(Size(values.batch * c_.queries * Width()));
    for (const Place& place : Places(values.batch)) {
      const Doubles p = Probabilities(values, place);
      const std::int64_t keys = Keys(values, place.example);
      for (std::int64_t j = 0; j < keys; ++j) {
        if (p[Size(j)] == 0.0) continue;
        for (std::int64_t d = 0; d < c_.head_width; ++d) {
          output[Output(place, d)] += p[Size(j)] * At(values, 2, place, j, d);
        }
      }
    }
    return output;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    for (const Doubles& input : values.inputs) result.inputs.emplace_back(input.size());
    if (values.inputs.size() > ValueInputs()) result.inputs.back().clear();
    const auto add = [&](int part, const Place& place, std::int64_t i, std::int64_t d, double g) {
      result.inputs[Input(part)][Index(part, place, i, d)] += g;
    };
    for (const Place& place : Places(values.batch)) {
      const Doubles p = Probabilities(values, place);
      const std::int64_t keys = Keys(values, place.example);
      Doubles grad_p(Size(c_.keys));
      double mean = 0.0;
      for (std::int64_t j = 0; j < keys; ++j) {
        for (std::int64_t d = 0; d < c_.head_width; ++d) {
          grad_p[Size(j)] += grad[Output(place, d)] * At(values, 2, place, j, d);
          add(2, place, j, d, p[Size(j)] * grad[Output(place, d)]);
        }
        mean += p[Size(j)] * grad_p[Size(j)];
      }
      for (std::int64_t j = 0; j < keys; ++j) {
        const double g = p[Size(j)] * (grad_p[Size(j)] - mean) * Scale();
        for (std::int64_t d = 0; d < c_.head_width; ++d) {
          add(0, place, place.query, d, g * At(values, 1, place, j, d));
          add(1, place, j, d, g * At(values, 0, place, place.query, d));
        }
      }
    }
    return result;
  }

 private:
  struct Place {
    std::int64_t example, head, query;
  };

  static std::size_t Size(std::int64_t i) { return static_cast<std::size_t>(i); }
  std::int64_t Width() const { return c_.heads * c_.head_width; }
  std::size_t ValueInputs() const { return form_.is_packed ? 1 : 3; }
  std::size_t Input(int part) const { return form_.is_packed ? 0 : Size(part); }

  std::vector<Place> Places(std::int64_t batch) const {
    std::vector<Place> places;
    for (std::int64_t b = 0; b < batch; ++b) {
      for (std::int64_t h = 0; h < c_.heads; ++h) {
        for (std::int64_t i = 0; i < c_.queries; ++i) places.push_back({b, h, i});
      }
    }
    return places;
  }

  std::size_t Index(int part, const Place& place, std::int64_t i, std::int64_t d) const {
    const std::int64_t positions = part == 0 ? c_.queries : c_.keys;
    const std::int64_t column = place.head * c_.head_width + d;
    const std::int64_t row = place.example * positions + i;
    return Size(form_.is_packed ? (row * 3 + part) * Width() + column : row * Width() + column);
  }

  std::size_t Output(const Place& place, std::int64_t d) const {
    return Size((place.example * c_.queries + place.query) * Width() + place.head * c_.head_width +
                d);
  }

  double At(const LayerValues& values, int part, const Place& place, std::int64_t i,
            std::int64_t d) const {
    return values.inputs[Input(part)][Index(part, place, i, d)];
  }

  std::int64_t Keys(const LayerValues& values, std::int64_t example) const {
    if (values.inputs.size() == ValueInputs()) return c_.keys;
    const double valid = values.inputs[ValueInputs()][Size(example)];
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(valid), 0, c_.keys);
  }

  double Scale() const {
    const double scale =
        form_.scale > 0.0 ? form_.scale : 1.0 / std::sqrt(static_cast<double>(c_.head_width));
    return static_cast<double>(static_cast<float>(scale));
  }

  Doubles Probabilities(const LayerValues& values, const Place& place) const {
    Doubles p(Size(c_.keys));
    const std::int64_t keys = Keys(values, place.example);
    double greatest = -std::numeric_limits<double>::infinity();
    const auto has = [&](std::int64_t j) { return !form_.is_causal || j <= place.query; };
    for (std::int64_t j = 0; j < keys; ++j) {
      if (!has(j)) continue;
      for (std::int64_t d = 0; d < c_.head_width; ++d) {
        p[Size(j)] += Scale() * At(values, 0, place, place.query, d) * At(values, 1, place, j, d);
      }
      greatest = std::max(greatest, p[Size(j)]);
    }
    double sum = 0.0;
    for (std::int64_t j = 0; j < keys; ++j) {
      p[Size(j)] = has(j) ? std::exp(p[Size(j)] - greatest) : 0.0;
      sum += p[Size(j)];
    }
    for (std::int64_t j = 0; j < keys; ++j) p[Size(j)] /= sum;
    return p;
  }

  Case c_;
  Form form_;
};

// `valid`: keys of each example; empty: no such input.
LayerValues MakeValues(const Attention& layer, const Case& c, const Form& form,
                       const Doubles& valid = {}) {
  const std::int64_t width = c.heads * c.head_width;
  std::vector<Shape> shapes = {Shape{c.queries, width}, Shape{c.keys, width}, Shape{c.keys, width}};
  if (form.is_packed) shapes = {Shape{c.keys, 3 * width}};
  if (!valid.empty()) shapes.emplace_back(Shape{1});
  LayerValues values = testing::MakeLayerValues(layer, shapes, c.batch, Mode::kTraining, 3);
  if (!valid.empty()) values.inputs.back() = valid;
  return values;
}

void Check(const Case& c, const Form& form, const Doubles& valid = {}) {
  SCOPED_TRACE(Concat(c, ", causal ", Number(form.is_causal), ", packed ", Number(form.is_packed)));
  const Attention layer = Make(c, form);
  const LayerReport report =
      CheckLayer(layer, AttentionReference(c, form), MakeValues(layer, c, form, valid));
  EXPECT_TRUE(report.problems.empty()) << report.Summary();
  EXPECT_GT(report.checked, 0u);
}

TEST(Attention, MatchesReferenceAndItsGradient) {
  for (const Case& c : kCases) Check(c, {});
}

TEST(Attention, CausalQueriesHaveTheKeysUpToThemselves) {
  for (const Case& c : kCases) Check(c, {.is_causal = true});
}

TEST(Attention, OneInputMayHoldQueriesKeysAndValues) {
  for (Case c : kCases) {
    c.keys = c.queries;
    Check(c, {.is_packed = true});
  }
  Check({70, 70, 2, 5, 2}, {.is_causal = true, .is_packed = true});
}

TEST(Attention, KeysBehindTheValidOnesCountForNothing) {
  Check({5, 9, 2, 3, 4}, {}, {9, 1, 4, 0});
  Check({66, 150, 1, 4, 3}, {}, {149, 128, 129});
  Check({40, 40, 2, 6, 2}, {.is_packed = true}, {17, 40});
  Check({40, 40, 2, 6, 2}, {.is_causal = true, .is_packed = true}, {17, 40});
}

TEST(Attention, HasAScaleOfItsOwn) { Check({9, 11, 2, 8, 2}, {.scale = 0.125}); }

// Outputs, and gradients of valid keys, have the bits they have without padding, whatever that
// holds; its own gradients are 0.
TEST(Attention, PaddingIsNeverRead) {
  for (const std::int64_t valid : {1, 15, 16, 100, 128, 129, 140}) {
    SCOPED_TRACE(valid);
    const Case padded = {21, 141, 2, 9, 1};
    Case exact = padded;
    exact.keys = valid;
    const Attention layer = Make(padded, {});
    LayerValues without = MakeValues(layer, exact, {});
    LayerValues with = MakeValues(layer, padded, {}, {static_cast<double>(valid)});
    with.inputs[0] = without.inputs[0];
    for (const std::size_t input : {1, 2}) {
      std::fill(with.inputs[input].begin(), with.inputs[input].end(), kNaN);
      std::copy(without.inputs[input].begin(), without.inputs[input].end(),
                with.inputs[input].begin());
    }
    Doubles grad(without.inputs[0].size());
    for (std::size_t i = 0; i < grad.size(); ++i) grad[i] = std::sin(static_cast<double>(i));
    testing::ForEachCpuTarget([&] {
      const auto a = RunLayer(layer, without, grad, 1);
      const auto b = RunLayer(layer, with, grad, 1);
      EXPECT_TRUE(testing::SameBits(a.output, b.output));
      EXPECT_TRUE(testing::SameBits(a.grad_inputs[0], b.grad_inputs[0]));
      for (const std::size_t input : {1, 2}) {
        const std::span<const float> all(b.grad_inputs[input]);
        EXPECT_TRUE(
            testing::SameBits(a.grad_inputs[input], all.first(a.grad_inputs[input].size())));
        for (const float value : all.subspan(a.grad_inputs[input].size())) EXPECT_EQ(value, 0.0f);
      }
    });
  }
}

TEST(Attention, NumbersOfKeysBeyondTheEndsAreTheEnds) {
  const Case c = {3, 5, 1, 4, 4};
  const Attention layer = Make(c, {});
  LayerValues values = MakeValues(layer, c, {}, {-3, 0, 6, 2147483647});
  const auto got = RunLayer(layer, values, Doubles(48, 1.0), 1);
  values.inputs[3] = {0, 0, 5, 5};
  const auto expected = RunLayer(layer, values, Doubles(48, 1.0), 1);
  EXPECT_TRUE(SameBits(got, expected));
  for (std::size_t i = 0; i < 24; ++i) EXPECT_EQ(got.output[i], 0.0f);
}

// An example's bits are the same in any batch, a query's among any others.
TEST(Attention, BitsDependOnTheExampleAlone) {
  const Case c = {150, 140, 2, 10, 5};
  const Attention layer = Make(c, {});
  const LayerValues many = MakeValues(layer, c, {});
  testing::ForEachCpuTarget([&] {
    const auto whole = RunLayer(layer, many, Doubles(5 * 150 * 20, 1.0), 1);
    const auto part = [](const auto& values, std::size_t index, std::size_t size) {
      return std::vector(values.begin() + static_cast<std::ptrdiff_t>(index * size),
                         values.begin() + static_cast<std::ptrdiff_t>((index + 1) * size));
    };
    LayerValues one = many;
    one.batch = 1;
    for (std::size_t input = 0; input < 3; ++input) {
      one.inputs[input] = part(many.inputs[input], 3, many.inputs[input].size() / 5);
    }
    const auto alone = RunLayer(layer, one, Doubles(150 * 20, 1.0), 1);
    EXPECT_TRUE(testing::SameBits(alone.output, part(whole.output, 3, 150 * 20)));
    for (std::size_t input = 0; input < 3; ++input) {
      EXPECT_TRUE(testing::SameBits(alone.grad_inputs[input],
                                    part(whole.grad_inputs[input], 3, one.inputs[input].size())));
    }
    LayerValues query = one;
    query.inputs[0] = part(one.inputs[0], 77, 20);
    query.input_shapes[0] = query.output_shape = Shape{1, 20};
    const auto single = RunLayer(layer, query, Doubles(20, 1.0), 1);
    EXPECT_TRUE(testing::SameBits(single.output, part(alone.output, 77, 20)));
  });
}

// Scores of ±1e4 without overflow: next to all of the weight is on the largest.
TEST(Attention, LargeScoresAreNoProblem) {
  const Case c = {3, 300, 1, 4, 1};
  const Form form = {.scale = 1.0};
  const Attention layer = Make(c, form);
  LayerValues values = MakeValues(layer, c, form);
  for (double& value : values.inputs[0]) value = std::round(value * 100.0);
  for (double& value : values.inputs[1]) value = std::round(value * 100.0);
  const Doubles expected = AttentionReference(c, form).Forward(values);
  testing::ForEachCpuTarget([&] {
    const auto run = RunLayer(layer, values, Doubles(12, 1.0), 1);
    EXPECT_EQ(testing::FirstFar(run.output, expected), -1);
    for (const auto& gradient : run.grad_inputs) {
      for (const float value : gradient) EXPECT_TRUE(std::isfinite(value));
    }
  });
}

TEST(Attention, NotANumberSpoilsItsOwnQueryAlone) {
  const Case c = {5, 140, 2, 3, 1};
  const Attention layer = Make(c, {});
  LayerValues values = MakeValues(layer, c, {});
  testing::ForEachCpuTarget([&] {
    const auto clean = RunLayer(layer, values, Doubles(30, 1.0), 1).output;
    LayerValues dirty = values;
    dirty.inputs[0][2 * 6 + 4] = kNaN;  // query 2, head 1
    const auto got = RunLayer(layer, dirty, Doubles(30, 1.0), 1).output;
    for (std::size_t i = 0; i < 30; ++i) {
      if (i / 6 == 2 && i % 6 >= 3) {
        EXPECT_TRUE(std::isnan(got[i])) << i;
      } else {
        EXPECT_EQ(got[i], clean[i]) << i;
      }
    }
    dirty = values;
    dirty.inputs[1][139 * 6] = kNaN;  // key 139, head 0
    const auto keyed = RunLayer(layer, dirty, Doubles(30, 1.0), 1).output;
    for (std::size_t i = 0; i < 30; ++i) EXPECT_EQ(std::isnan(keyed[i]), i % 6 < 3) << i;
  });
}

TEST(Attention, WorkersShareTheWorkAndGiveTheSameBits) {
  const Case c = {150, 150, 4, 16, 4};
  const Attention layer = Make(c, {.is_packed = true});
  EXPECT_EQ(CheckSharedWork(layer, MakeValues(layer, c, {.is_packed = true})), "");
}

TEST(Attention, RefusesShapesThatDoNotFit) {
  const Attention layer({{"heads", std::int64_t{3}}});
  const auto shape = [&](const std::vector<Shape>& inputs) { return layer.OutputShape(inputs); };
  EXPECT_EQ(shape({Shape{5, 6}, Shape{7, 6}, Shape{7, 6}}), (Shape{5, 6}));
  EXPECT_EQ(shape({Shape{5, 6}, Shape{7, 6}, Shape{7, 6}, Shape{1}}), (Shape{5, 6}));
  EXPECT_THROW(shape({Shape{5, 7}, Shape{7, 7}, Shape{7, 7}}), Error);
  EXPECT_THROW(shape({Shape{5, 6}, Shape{7, 6}, Shape{8, 6}}), Error);
  EXPECT_THROW(shape({Shape{5, 6}, Shape{7, 9}, Shape{7, 9}}), Error);
  EXPECT_THROW(shape({Shape{5, 6}, Shape{7, 6}, Shape{7, 6}, Shape{2}}), Error);
  EXPECT_THROW(shape({Shape{5, 6}, Shape{7, 6}}), Error);
  EXPECT_THROW(shape({Shape{6}, Shape{6}, Shape{6}}), Error);
  EXPECT_THROW(shape({Shape{1, 5, 6}, Shape{1, 7, 6}, Shape{1, 7, 6}}), Error);
  const Attention packed({{"heads", std::int64_t{3}}, {"packed", true}});
  EXPECT_EQ(packed.OutputShape(std::vector{Shape{5, 18}}), (Shape{5, 6}));
  EXPECT_THROW(packed.OutputShape(std::vector{Shape{5, 15}}), Error);
  EXPECT_THROW(packed.OutputShape(std::vector{Shape{5, 18}, Shape{5, 18}}), Error);
  EXPECT_EQ(packed.InputType(1), ElementType::kInt32);
  EXPECT_EQ(layer.InputType(2), ElementType::kFloat32);
  EXPECT_EQ(layer.InputType(3), ElementType::kInt32);
}

// Of tokens of any length, what is kept for Backward grows with the length alone.
TEST(Attention, MemoryGrowsWithTheLength) {
  const Attention layer({{"heads", std::int64_t{4}}, {"packed", true}});
  const auto memory = [&](std::int64_t length) {
    return layer.Memory(2, std::vector{Shape{length, 96}}, {});
  };
  EXPECT_EQ(memory(1000).saved, 2 * 4 * 1000);
  EXPECT_EQ(memory(1000).backward, 2 * 4 * 1000);
  EXPECT_EQ(layer.ScratchFloats(1, std::vector{Shape{10, 96}}),
            layer.ScratchFloats(8, std::vector{Shape{100000, 96}}));
  const LayerUse serving = {
      .mode = Mode::kEvaluation, .grad_inputs = false, .grad_parameters = false};
  EXPECT_EQ(layer.Memory(2, std::vector{Shape{1000, 96}}, serving).saved, 0);
}

}  // namespace
}  // namespace espalier
