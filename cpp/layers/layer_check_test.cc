// SPDX-License-Identifier: Apache-2.0

// The checker of layers must refuse wrong ones.

#include "testing/layer_check.h"

#include <gtest/gtest.h>

#include "layers/layer.h"

namespace espalier {
namespace {

using testing::Doubles;
using testing::LayerGradients;
using testing::LayerValues;

enum class Fault {
  kNone,
  kGradient,   // one entry of the gradient is 0.1 % too large
  kOutput,     // one output is 0.1 % too large
  kTail,       // the last element is not written
  kOutside,    // one element too many is written
  kWorkers,    // bits depend on the number of workers
  kMemory,     // an input is read that was not kept
  kReference,  // the reference's own gradient is wrong
};

// y = x², with a fault.
class Square final : public Layer {
 public:
  explicit Square(Fault fault) : fault_(fault) {}
  std::string_view kind() const override { return "square"; }
  Attributes attributes() const override { return {}; }
  Shape OutputShape(std::span<const Shape> inputs) const override { return inputs[0]; }
  std::int64_t Work(std::span<const Shape> inputs) const override {
    return inputs[0].element_count();
  }
  LayerMemory Memory(std::int64_t, std::span<const Shape>, const LayerUse&) const override {
    return {.reads_inputs = fault_ != Fault::kMemory};
  }

  void Forward(const ForwardArguments& arguments) const override {
    const std::int64_t count = arguments.batch * arguments.output_shape.element_count();
    const float* x = arguments.inputs[0];
    for (std::int64_t i = 0; i < count - (fault_ == Fault::kTail ? 1 : 0); ++i) {
      arguments.output[i] = x[i] * x[i];
    }
    if (fault_ == Fault::kOutput) arguments.output[0] *= 1.001f;
    if (fault_ == Fault::kOutside) arguments.output[count] = 0.0f;
    if (fault_ == Fault::kWorkers && arguments.workspace->workers() == 5) {
      arguments.output[count - 1] = std::nextafter(arguments.output[count - 1], 9e9f);
    }
  }

  void Backward(const BackwardArguments& arguments) const override {
    float* grad = arguments.grad_inputs[0];
    if (grad == nullptr) return;
    const std::int64_t count = arguments.batch * arguments.output_shape.element_count();
    for (std::int64_t i = 0; i < count; ++i) {
      grad[i] = 2.0f * arguments.inputs[0][i] * arguments.grad_output[i];
    }
    if (fault_ == Fault::kGradient) grad[0] *= 1.001f;
  }

 private:
  Fault fault_;
};

class SquareReference : public testing::LayerReference {
 public:
  explicit SquareReference(double derivative) : derivative_(derivative) {}

  Doubles Forward(const LayerValues& values) const override {
    Doubles output = values.inputs[0];
    for (double& value : output) value *= value;
    return output;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs = {grad};
    for (std::size_t i = 0; i < grad.size(); ++i) {
      result.inputs[0][i] *= derivative_ * values.inputs[0][i];
    }
    return result;
  }

 private:
  double derivative_;
};

std::size_t Problems(Fault fault) {
  const Square layer(fault);
  LayerValues values = testing::MakeLayerValues(layer, {Shape{19}}, 3, Mode::kTraining, 1);
  values.inputs[0][0] = 1.5;  // the faulty entry is not a tiny one
  const SquareReference reference(fault == Fault::kReference ? 2.0001 : 2.0);
  return CheckLayer(layer, reference, values).problems.size();
}

TEST(LayerCheck, PassesARightLayer) { EXPECT_EQ(Problems(Fault::kNone), 0u); }

TEST(LayerCheck, RefusesAGradientThatIsAThousandthOff) {
  EXPECT_GT(Problems(Fault::kGradient), 0u);
}

TEST(LayerCheck, RefusesAnOutputThatIsAThousandthOff) { EXPECT_GT(Problems(Fault::kOutput), 0u); }

TEST(LayerCheck, RefusesAMissingTail) { EXPECT_GT(Problems(Fault::kTail), 0u); }

TEST(LayerCheck, RefusesAWriteOutside) { EXPECT_GT(Problems(Fault::kOutside), 0u); }

TEST(LayerCheck, RefusesBitsThatDependOnWorkers) { EXPECT_GT(Problems(Fault::kWorkers), 0u); }

TEST(LayerCheck, RefusesReadingWhatWasNotKept) { EXPECT_GT(Problems(Fault::kMemory), 0u); }

TEST(LayerCheck, RefusesAWrongReference) { EXPECT_GT(Problems(Fault::kReference), 0u); }

TEST(LayerCheck, RefusesWorkThatIsNotShared) {
  const Square layer(Fault::kNone);  // all on the caller's thread
  EXPECT_NE(
      CheckSharedWork(layer, testing::MakeLayerValues(layer, {Shape{3}}, 1, Mode::kTraining, 1),
                      std::chrono::seconds(0)),
      "");
}

}  // namespace
}  // namespace espalier
