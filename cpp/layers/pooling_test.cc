// SPDX-License-Identifier: Apache-2.0
#include "layers/pooling.h"

#include <gtest/gtest.h>

#include "layers/average_pool2d.h"
#include "layers/global_average_pool2d.h"
#include "layers/global_max_pool2d.h"
#include "layers/max_pool2d.h"
#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

using Ints = std::vector<std::int64_t>;

// The part of each window that lies on the image, as indices into the inputs.
class PoolingReference : public testing::LayerReference {
 public:
  explicit PoolingReference(const PoolingGeometry& geometry) : g_(geometry) {}

 protected:
  template <typename Visit>  // visit(output index, input indices)
  void ForWindows(const LayerValues& values, Visit visit) const {
    const std::int64_t planes = values.batch * values.input_shapes[0][0];
    std::size_t output = 0;
    for (std::int64_t p = 0; p < planes; ++p) {
      for (std::int64_t y = 0; y < g_.output_height; ++y) {
        for (std::int64_t x = 0; x < g_.output_width; ++x) {
          std::vector<std::size_t> inputs;
          for (std::int64_t i = 0; i < g_.window_height; ++i) {
            for (std::int64_t j = 0; j < g_.window_width; ++j) {
              const std::int64_t row = y * g_.stride_height + i - g_.pad_top;
              const std::int64_t column = x * g_.stride_width + j - g_.pad_left;
              if (row < 0 || row >= g_.height || column < 0 || column >= g_.width) continue;
              inputs.push_back(static_cast<std::size_t>((p * g_.height + row) * g_.width + column));
            }
          }
          visit(output++, inputs);
        }
      }
    }
  }

  PoolingGeometry g_;
};

class MaxReference : public PoolingReference {
 public:
  using PoolingReference::PoolingReference;

  Doubles Forward(const LayerValues& values) const override {
    Doubles output;
    ForWindows(values, [&](std::size_t, const std::vector<std::size_t>& window) {
      output.push_back(values.inputs[0][First(values.inputs[0], window)]);
    });
    return output;
  }

  Doubles Tolerance(const LayerValues& values) const override {
    return Doubles(Forward(values).size(), 0.0);  // no arithmetic
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs.emplace_back(values.inputs[0].size());
    ForWindows(values, [&](std::size_t output, const std::vector<std::size_t>& window) {
      result.inputs[0][First(values.inputs[0], window)] += grad[output];
    });
    return result;
  }

  bool IsKink(const LayerValues& values, std::size_t, std::size_t element) const override {
    bool is_kink = false;
    ForWindows(values, [&](std::size_t, const std::vector<std::size_t>& window) {
      if (std::find(window.begin(), window.end(), element) == window.end()) return;
      for (const std::size_t other : window) {
        if (other == element) continue;
        is_kink |= std::abs(values.inputs[0][other] - values.inputs[0][element]) < 1e-5;
      }
    });
    return is_kink;
  }

 private:
  static std::size_t First(const Doubles& inputs, const std::vector<std::size_t>& window) {
    std::size_t best = window[0];
    for (const std::size_t i : window) {
      if (inputs[i] > inputs[best]) best = i;
    }
    return best;
  }
};

class AverageReference : public PoolingReference {
 public:
  AverageReference(const PoolingGeometry& geometry, bool counts_padding)
      : PoolingReference(geometry), counts_padding_(counts_padding) {}

  Doubles Forward(const LayerValues& values) const override {
    Doubles output;
    ForWindows(values, [&](std::size_t, const std::vector<std::size_t>& window) {
      double sum = 0.0;
      for (const std::size_t i : window) sum += values.inputs[0][i];
      output.push_back(sum / Divisor(window));
    });
    return output;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs.emplace_back(values.inputs[0].size());
    ForWindows(values, [&](std::size_t output, const std::vector<std::size_t>& window) {
      for (const std::size_t i : window) result.inputs[0][i] += grad[output] / Divisor(window);
    });
    return result;
  }

 private:
  double Divisor(const std::vector<std::size_t>& window) const {
    return counts_padding_ ? static_cast<double>(g_.window_height * g_.window_width)
                           : static_cast<double>(window.size());
  }

  bool counts_padding_;
};

struct Case {
  Shape input;
  Attributes attributes;
  std::int64_t batch;
  Shape output;
};

const std::int64_t k1 = 1, k2 = 2, k3 = 3, k5 = 5;

const Case kCases[] = {
    {{1, 1, 1}, {{"window", k1}}, 1, {1, 1, 1}},
    {{3, 28, 28}, {{"window", k2}}, 2, {3, 14, 14}},
    {{2, 7, 7}, {{"window", k2}}, 3, {2, 3, 3}},
    {{1, 2, 34}, {{"window", k2}}, 2, {1, 1, 17}},
    {{1, 3, 66}, {{"window", k2}}, 1, {1, 1, 33}},
    {{2, 9, 17}, {{"window", k3}, {"stride", k2}, {"padding", Ints{1}}}, 2, {2, 5, 9}},
    {{2, 9, 35}, {{"window", k3}, {"stride", k1}, {"padding", "same"}}, 1, {2, 9, 35}},
    {{3, 8, 33}, {{"window", k3}, {"stride", k2}, {"padding", "same"}}, 2, {3, 4, 17}},
    {{1, 6, 40}, {{"window", Ints{2, 5}}, {"stride", Ints{1, 2}}}, 1, {1, 5, 18}},
    {{2, 10, 31}, {{"window", k3}}, 2, {2, 3, 10}},
    {{1, 5, 5}, {{"window", k5}, {"stride", k1}, {"padding", Ints{4, 4}}}, 1, {1, 9, 9}},
    {{1, 4, 9}, {{"window", Ints{1, 3}}, {"padding", Ints{0, 0, 0, 2}}}, 4, {1, 4, 3}},
    {{17, 3, 3}, {{"window", k2}, {"stride", k3}, {"padding", "same"}}, 1, {17, 1, 1}},
    {{1, 3, 16}, {{"window", k2}, {"stride", k1}}, 2, {1, 2, 15}},
};

template <typename Kind, typename Reference>
LayerReport Check(const Kind& layer, const Reference& reference, const Case& c) {
  const LayerReport report = CheckLayer(
      layer, reference, testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 9));
  EXPECT_TRUE(report.problems.empty()) << report.Summary();
  EXPECT_GT(report.checked, 0u);
  return report;
}

TEST(MaxPool2d, MatchesReferenceAndItsGradient) {
  std::size_t skipped = 0;
  for (const Case& c : kCases) {
    SCOPED_TRACE(Concat(c.input.ToString(), " to ", c.output.ToString()));
    const MaxPool2d layer(c.attributes);
    const Shape inputs[] = {c.input};
    ASSERT_EQ(layer.OutputShape(inputs), c.output);
    skipped += Check(layer, MaxReference(layer.Geometry(inputs)), c).skipped;
  }
  RecordProperty("derivatives_skipped_at_kinks", static_cast<int>(skipped));
}

TEST(AveragePool2d, MatchesReferenceAndItsGradient) {
  for (const bool counts_padding : {true, false}) {
    for (const Case& c : kCases) {
      SCOPED_TRACE(Concat(c.input.ToString(), " to ", c.output.ToString()));
      Attributes attributes = c.attributes;
      attributes["count_include_pad"] = counts_padding;
      const AveragePool2d layer(attributes);
      const Shape inputs[] = {c.input};
      ASSERT_EQ(layer.OutputShape(inputs), c.output);
      Check(layer, AverageReference(layer.Geometry(inputs), counts_padding), c);
    }
  }
}

const Case kGlobalCases[] = {
    {{1, 1, 1}, {}, 1, {1}},   {{3, 7, 7}, {}, 2, {3}},    {{17, 1, 1}, {}, 3, {17}},
    {{2, 1, 15}, {}, 5, {2}},  {{5, 4, 4}, {}, 1, {5}},    {{1, 33, 17}, {}, 4, {1}},
    {{31, 2, 3}, {}, 7, {31}}, {{3, 112, 97}, {}, 2, {3}}, {{8, 3, 11}, {}, 9, {8}},
    {{1, 16, 1}, {}, 17, {1}},
};

PoolingGeometry WholeImage(const Shape& image) {
  return {.height = image[1],
          .width = image[2],
          .output_height = 1,
          .output_width = 1,
          .window_height = image[1],
          .window_width = image[2],
          .stride_height = 1,
          .stride_width = 1,
          .pad_top = 0,
          .pad_left = 0,
          .counts_padding = true};
}

TEST(GlobalAveragePool2d, MatchesReferenceAndItsGradient) {
  for (const Case& c : kGlobalCases) {
    SCOPED_TRACE(c.input.ToString());
    const GlobalAveragePool2d layer({});
    const Shape inputs[] = {c.input};
    ASSERT_EQ(layer.OutputShape(inputs), c.output);
    Check(layer, AverageReference(WholeImage(c.input), true), c);
    Case kept = c;
    kept.output = Shape::Image(c.input[0], 1, 1);
    const GlobalAveragePool2d keeper({{"keep_dimensions", true}});
    ASSERT_EQ(keeper.OutputShape(inputs), kept.output);
    Check(keeper, AverageReference(WholeImage(c.input), true), kept);
  }
}

TEST(GlobalMaxPool2d, MatchesReferenceAndItsGradient) {
  for (const Case& c : kGlobalCases) {
    SCOPED_TRACE(c.input.ToString());
    const GlobalMaxPool2d layer({});
    const Shape inputs[] = {c.input};
    ASSERT_EQ(layer.OutputShape(inputs), c.output);
    Check(layer, MaxReference(WholeImage(c.input)), c);
    const GlobalMaxPool2d keeper({{"keep_dimensions", true}});
    EXPECT_EQ(keeper.OutputShape(inputs), Shape::Image(c.input[0], 1, 1));
  }
}

TEST(GlobalMaxPool2d, WithNothingSavedItIsTheSame) {
  const GlobalMaxPool2d layer({});
  for (const Case& c : kGlobalCases) {
    const LayerValues values =
        testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kEvaluation, 1);
    const std::vector<float> x(values.inputs[0].begin(), values.inputs[0].end());
    const std::vector<float> inside = testing::Inside(c.input, x);
    const float* inputs[] = {inside.data()};
    std::vector<float> y(static_cast<std::size_t>(c.batch * c.input[0]));
    Workspace workspace(1, 0);
    testing::ForEachCpuTarget([&] {
      const auto run = RunLayer(layer, values, Doubles(y.size(), 1.0), 1);
      layer.Forward({.batch = c.batch,
                     .input_shapes = values.input_shapes,
                     .output_shape = values.output_shape,
                     .inputs = inputs,
                     .output = y.data(),
                     .workspace = &workspace});
      EXPECT_TRUE(testing::SameBits(y, run.output)) << c.input.ToString();
    });
  }
}

TEST(GlobalMaxPool2d, NaNWins) {
  const GlobalMaxPool2d layer({});
  LayerValues values =
      testing::MakeLayerValues(layer, {Shape::Image(2, 5, 21)}, 1, Mode::kEvaluation, 1);
  values.inputs[0][50] = std::numeric_limits<double>::quiet_NaN();
  values.inputs[0][120] = std::numeric_limits<double>::infinity();
  testing::ForEachCpuTarget([&] {
    const auto output = RunLayer(layer, values, Doubles(2, 1.0), 1).output;
    EXPECT_TRUE(std::isnan(output[0]));
    EXPECT_TRUE(std::isinf(output[1]));
  });
}

// All values equal: the gradient goes to the first of each window, as PyTorch's does.
TEST(MaxPool2d, TheFirstOfEqualsTakesTheGradient) {
  const MaxPool2d layer({{"window", k2}});
  LayerValues values =
      testing::MakeLayerValues(layer, {Shape::Image(1, 2, 70)}, 1, Mode::kTraining, 1);
  std::fill(values.inputs[0].begin(), values.inputs[0].end(), -1.0);
  testing::ForEachCpuTarget([&] {
    const testing::LayerRun run = RunLayer(layer, values, Doubles(35, 1.0), 1);
    for (std::size_t i = 0; i < 140; ++i) {
      EXPECT_EQ(run.grad_inputs[0][i], i < 70 && i % 2 == 0 ? 1.0f : 0.0f) << i;
    }
  });
}

TEST(MaxPool2d, PaddingNeverWins) {
  const MaxPool2d layer({{"window", k3}, {"stride", k1}, {"padding", Ints{2}}});
  LayerValues values =
      testing::MakeLayerValues(layer, {Shape::Image(2, 5, 21)}, 1, Mode::kEvaluation, 1);
  for (double& value : values.inputs[0]) value = -5.0 - std::abs(value);
  values.inputs[0][7] = -std::numeric_limits<double>::infinity();
  testing::ForEachCpuTarget([&] {
    for (const float y : RunLayer(layer, values, Doubles(2 * 7 * 23, 1.0), 1).output) {
      EXPECT_LE(y, -5.0f);
    }
  });
}

TEST(Pooling, WorkersShareTheWorkAndGiveTheSameBits) {
  const Attributes attributes = {{"window", k3}, {"stride", k2}};
  for (const char* kind :
       {"max_pool2d", "average_pool2d", "global_average_pool2d", "global_max_pool2d"}) {
    const auto layer =
        MakeLayer(kind, std::string_view(kind).starts_with("global") ? Attributes{} : attributes);
    EXPECT_EQ(CheckSharedWork(*layer, testing::MakeLayerValues(*layer, {Shape::Image(33, 31, 35)},
                                                               5, Mode::kTraining, 5)),
              "")
        << kind;
  }
}

TEST(Pooling, EveryWindowTouchesTheImage) {
  EXPECT_THROW(MaxPool2d({{"window", k2}, {"padding", Ints{2}}}), Error);
  EXPECT_THROW(AveragePool2d({{"window", Ints{1, 3}}, {"padding", Ints{1}}}), Error);
  EXPECT_NO_THROW(MaxPool2d({{"window", k3}, {"padding", Ints{2}}}));
}

}  // namespace
}  // namespace espalier
