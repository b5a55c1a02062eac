// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a layer is to the rest of the library: a shape rule, a list of parameters, and
// forward and backward over buffers that a plan owns. Layers are immutable and hold
// settings only, so networks and plans share them freely.

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.h"
#include "core/thread_pool.h"
#include "espalier/element_type.h"
#include "espalier/spec.h"
#include "kernels/convolution/conv2d.h"
#include "kernels/elementwise/activation.h"
#include "kernels/pooling/pooling.h"
#include "layers/layout.h"

namespace espalier {

enum class ParameterRole {
  kWeight,
  kBias,    // no weight decay by default
  kNorm,    // scale and shift of a norm; no weight decay by default
  kBuffer,  // saved but not trained
};

/// How a parameter starts. "normal" and "uniform" forms of He (gain 2), LeCun (1) and
/// Glorot (fan_in and fan_out): see layers/initializer.h.
struct InitializerSpec {
  std::string name = "zeros";  // zeros constant he_normal he_uniform glorot_normal … lecun_uniform
  double value = 0.0;          // constant
  std::int64_t fan_in = 1;
  std::int64_t fan_out = 1;
  // Elements [first_zero, last_zero) are 0, whatever else is drawn.
  std::int64_t first_zero = 0;
  std::int64_t last_zero = 0;
};

struct ParameterSpec {
  std::string name;  // "weight", "bias", "running_mean"
  Shape shape{1};
  ParameterRole role = ParameterRole::kWeight;
  InitializerSpec initializer;
};

/// Training, or evaluation: dropout off, batch norm from its running statistics. A frozen
/// layer always runs in evaluation mode.
enum class Mode { kTraining, kEvaluation };

/// Integers that a layer takes.
struct IntegerRange {
  std::int32_t least = std::numeric_limits<std::int32_t>::min();
  std::int32_t greatest = std::numeric_limits<std::int32_t>::max();
};

/// How a layer's inputs and its output lie; compilers convert where two rules meet.
enum class LayoutRule : std::uint8_t {
  kChannelsLast,
  kRowMajor,
  kAny,  ///< all alike, whichever it is; ForwardArguments::layout tells
};

/// What of an input a layer reads, seen along the first dimension, as the length of a text.
enum class PositionUse : std::uint8_t {
  kAll,           ///< any position, for any of the output's
  kSame,          ///< position i of it, for position i of the output, which has as many
  kValid,         ///< its first ones, as many as the layer's last input says
  kSameAndValid,  ///< both
};

/// Buffers of one layer's forward pass. Activations are [batch, shape], each example as the layer's
/// LayoutRule says; parameters are row-major. An int32 lies in the place of a float.
struct ForwardArguments {
  std::int64_t batch = 0;
  Mode mode = Mode::kEvaluation;
  Layout layout = Layout::kChannelsLast;  // of inputs and output
  std::span<const Shape> input_shapes;
  Shape output_shape{1};
  std::span<const float* const> inputs;
  std::span<const float* const> parameters;  // in the order of Layer::Parameters
  float* output = nullptr;
  // Of the sizes in Layer::Memory; null where that is 0.
  float* saved = nullptr;
  float* temporary = nullptr;
  const float* prepared = nullptr;
  RandomKey random;  // training: a stream for this layer and step
  // Of the results, before the activation; as the output. Where LayerTraits::normalizes_channels.
  const float* residual = nullptr;
  // Of the results; where Layer::FusesActivation or LayerTraits::normalizes_channels.
  Activation activation = Activation::kNone;
  float slope = 0.0f;  // the activation's
  Workspace* workspace = nullptr;
};

/// Buffers of the backward pass. `grad_inputs` and `grad_parameters` are overwritten, not
/// added to; a null entry is not wanted. The mode is the forward pass's (evaluation: a
/// frozen layer in the middle). What Layer::Memory does not list as read may have been
/// overwritten.
struct BackwardArguments {
  std::int64_t batch = 0;
  Mode mode = Mode::kTraining;
  Layout layout = Layout::kChannelsLast;
  std::span<const Shape> input_shapes;
  Shape output_shape{1};
  std::span<const float* const> inputs;
  std::span<const float* const> parameters;
  const float* output = nullptr;
  const float* grad_output = nullptr;
  const float* saved = nullptr;
  float* temporary = nullptr;
  const float* prepared = nullptr;
  /// Where LayerTraits::normalizes_channels, what Forward did to the results. With an activation,
  /// grad_before_activation is grad_output to write to: there is to stand the gradient by the
  /// activation's argument, a residual's gradient too, unless grad_inputs[0] is the same memory.
  bool has_residual = false;
  Activation activation = Activation::kNone;
  float slope = 0.0f;
  float* grad_before_activation = nullptr;
  std::span<float* const> grad_inputs;
  std::span<float* const> grad_parameters;
  /// Where Layer::HasTableGradient: of the rows that ids name, where in grad_parameters[0] their
  /// gradients go, in rows; no others are wanted. Empty: all rows are, as they lie in the table.
  std::span<const std::int32_t> gradient_rows;
  Workspace* workspace = nullptr;
};

/// How training steps run a layer: which gradients Backward is asked for, if it runs at all.
/// Parameters whose gradients it never is asked for stay as they are.
struct LayerUse {
  Mode mode = Mode::kTraining;
  bool grad_inputs = true;
  bool grad_parameters = true;
  /// As in BackwardArguments.
  bool has_residual = false;
  Activation activation = Activation::kNone;
};

/// What a layer's passes need beside parameters and gradients: floats for a whole batch, and what
/// has to be kept of the forward pass.
struct LayerMemory {
  std::int64_t saved = 0;     // from Forward to Backward and UpdateBuffers
  std::int64_t forward = 0;   // in Forward alone
  std::int64_t backward = 0;  // in Backward alone
  std::int64_t prepared = 0;  // of parameters that stay, filled once by Prepare
  bool reads_inputs = false;  // Backward does
  bool reads_output = false;
};

/// A function of each element.
struct LayerActivation {
  Activation activation = Activation::kNone;
  float slope = 0.0f;
};

/// What a layer multiplies with parameter 0, [out, in]; a bias is parameter 1, if there is one.
enum class LayerProduct : std::uint8_t {
  kNone,
  /// All of an example, flattened: an inference plan may give it in another order, and the columns
  /// of parameter 0 in the same.
  kExample,
  /// Each position, along the last dimension.
  kPosition,
};

/// What graphs and compilers may know of a layer beside its passes; they know no kind by its name,
/// and make of these what they run faster than layers by themselves.
struct LayerTraits {
  /// In evaluation its output is its input, as it lies.
  bool passes_on = false;
  /// Its output is its input as a vector, in the order in which the input lies outside.
  bool flattens = false;
  /// Its output is the sum of its inputs, which are of one shape.
  bool sums = false;
  /// It scales and shifts each channel, by running statistics that training moves: parameters
  /// weight, bias, running_mean and running_var. Its passes take a residual and an activation along
  /// whose gradient follows from its result, and may write the input's gradient over the output's.
  bool normalizes_channels = false;
  /// It scales and shifts all of an example by its own mean and variance: parameters weight and
  /// bias, of the example's shape.
  bool normalizes_examples = false;
  double norm_epsilon = 0.0;  // of either
  LayerProduct product = LayerProduct::kNone;
  /// It convolves with parameter 0; a bias is parameter 1, if there is one.
  std::optional<ConvolutionGeometry> convolution = {};
  /// Each element of its output is the largest of a window.
  std::optional<PoolingGeometry> max_pooling = {};
  std::optional<LayerActivation> activation = {};
  /// Forward takes little beside the products that read its output, and gives the same bits again:
  /// a training plan may run it once more rather than keep the output for backward passes.
  bool is_repeatable = false;
};

class Layer {
 public:
  virtual ~Layer() = default;

  virtual std::string_view kind() const = 0;

  /// All settings, defaults included; MakeLayer(kind, attributes) gives an equal layer.
  virtual Attributes attributes() const = 0;

  /// Throws Error: SHAPE_MISMATCH with expected and got (the network adds the layer's name).
  virtual Shape OutputShape(std::span<const Shape> inputs) const = 0;

  virtual ElementType InputType(std::size_t /*input*/) const { return ElementType::kFloat32; }
  virtual ElementType OutputType() const { return ElementType::kFloat32; }

  /// What integers of an input mean something. Those from outside are checked against it; whatever
  /// others Forward meets, it stays within its memory.
  virtual IntegerRange InputRange(std::size_t /*input*/, std::span<const Shape> /*inputs*/) const {
    return {};
  }

  virtual LayerTraits Traits(std::span<const Shape> /*inputs*/) const { return {}; }

  virtual LayoutRule layout_rule() const { return LayoutRule::kChannelsLast; }

  /// Where no input is kAll but such as have nothing to do with the length, a layer works alike on
  /// the first positions alone: with the same parameters, prepared or not, in no more memory, and
  /// with the same bits.
  virtual PositionUse InputPositions(std::size_t /*input*/,
                                     std::span<const Shape> /*inputs*/) const {
    return PositionUse::kAll;
  }

  virtual std::vector<ParameterSpec> Parameters(std::span<const Shape> /*inputs*/) const {
    return {};
  }

  /// How long Forward takes for one example in evaluation mode, in multiply-adds of a matrix
  /// product (layers/work.h). Saturates.
  virtual std::int64_t Work(std::span<const Shape> inputs) const = 0;

  virtual LayerMemory Memory(std::int64_t /*batch*/, std::span<const Shape> /*inputs*/,
                             const LayerUse& /*use*/) const {
    return {};
  }

  /// Scratch floats per worker that Forward and Backward need.
  virtual std::int64_t ScratchFloats(std::int64_t /*batch*/,
                                     std::span<const Shape> /*inputs*/) const {
    return 0;
  }

  /// True if Forward applies `activation`, and Backward reads no `output`.
  virtual bool FusesActivation() const { return false; }

  /// True if parameter 0 is a matrix whose gradient is grad_outputᵀ · input, nothing else: whoever
  /// wants it another way than from Backward may compute it.
  virtual bool HasProductGradient(std::span<const Shape> /*inputs*/) const { return false; }

  /// True if parameter 0 is a table, and its gradient zero but in the rows that integers of input 0
  /// name.
  virtual bool HasTableGradient() const { return false; }

  /// True if training mode draws random numbers (dropout).
  virtual bool IsRandom() const { return false; }

  /// Fills LayerMemory::prepared, where that is not 0.
  virtual void Prepare(std::span<const Shape> /*inputs*/, const LayerUse& /*use*/,
                       std::span<const float* const> /*parameters*/, float* /*prepared*/,
                       Workspace& /*workspace*/) const {}

  virtual void Forward(const ForwardArguments& arguments) const = 0;

  /// False if no gradient passes through: such a layer serves, and is an error where a gradient
  /// would have to.
  virtual bool HasBackward() const { return true; }

  /// Called only where HasBackward.
  virtual void Backward(const BackwardArguments& arguments) const = 0;

  /// Called once a training step has been found finite: moves running statistics from what
  /// Forward left in `saved`. `parameters` in order; only buffers may be written.
  virtual void UpdateBuffers(std::int64_t /*batch*/, std::span<const Shape> /*inputs*/,
                             const float* /*saved*/, std::span<float* const> /*parameters*/) const {
  }

  /// False if UpdateBuffers would write NaN or infinity where nothing of that kind was.
  virtual bool HasFiniteStatistics(std::int64_t /*batch*/, std::span<const Shape> /*inputs*/,
                                   const float* /*saved*/) const {
    return true;
  }
};

/// Makes a layer by kind. Throws Error: INVALID_ARGUMENT for an unknown kind (with near
/// names), an unknown attribute, a wrong type or a value out of range.
std::shared_ptr<const Layer> MakeLayer(std::string_view kind, const Attributes& attributes);

/// False for a kind that reads nothing: its output is the same for every example.
bool TakesInputs(std::string_view kind);

/// All kinds MakeLayer knows.
std::vector<std::string> LayerKinds();

}  // namespace espalier
