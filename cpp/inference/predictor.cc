// SPDX-License-Identifier: Apache-2.0
#include "espalier/predictor.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "core/checked.h"
#include "core/cpu.h"
#include "core/near_names.h"
#include "core/text.h"
#include "core/thread_pool.h"
#include "inference/buffer_pool.h"
#include "inference/plan_copies.h"
#include "inference/inference_plan.h"
#include "inference/length_order.h"
#include "inference/probabilities.h"
#include "inference/shape_cache.h"
#include "kernels/copies/pixels.h"
#include "kernels/rounding.h"
#include "network/input_pointers.h"
#include "network/cost.h"
#include "network/graph.h"
#include "network/transfer.h"

namespace espalier {
namespace {

constexpr std::int64_t kMaxBatch = std::int64_t{1} << 20;
constexpr int kMaxWeightCopies = 256;
constexpr int kMaxOtherShapes = 1024;

constexpr std::int64_t kFloatBytes = sizeof(float);

// Where the first operation doesn't read pixels itself, they become floats that take a quarter of
// an L2 of 1 MiB.
constexpr std::int64_t kConvertedFloats = 1 << 16;

// A run in advance may take a second, on a core with the slowest instruction set.
constexpr std::int64_t kMostWarmUpWork = 10'000'000'000;

constexpr std::int64_t kPreparedBytes = std::int64_t{1} << 20;

NetworkState& StateOf(const Network& network) {
  if (network.state() == nullptr) {
    Fail(ErrorCode::kInvalidState, "predictor: expected a network, got one that was moved from");
  }
  return *network.state();
}

template <typename Pointer>
auto& Live(const Pointer& implementation) {
  if (implementation == nullptr) [[unlikely]] {
    Fail(ErrorCode::kInvalidState, "expected a predictor, got one that was moved from");
  }
  return *implementation;
}

void CheckConfig(const NetworkState& network, const PredictorConfig& config) {
  if (config.max_batch_size < 1 || config.max_batch_size > kMaxBatch) {
    Fail(ErrorCode::kInvalidArgument, "predictor: expected max_batch_size of 1 to ", kMaxBatch,
         ", got ", config.max_batch_size);
  }
  if (config.threads < 0 || config.threads > ThreadPool::kMaxThreads) {
    Fail(ErrorCode::kInvalidArgument, "predictor: expected threads of 0 to ",
         ThreadPool::kMaxThreads, ", got ", config.threads);
  }
  if (config.weight_copies < 0 || config.weight_copies > kMaxWeightCopies) {
    Fail(ErrorCode::kInvalidArgument, "predictor: expected weight_copies of 0 to ",
         kMaxWeightCopies, ", got ", config.weight_copies);
  }
  if (config.other_shapes < 0 || config.other_shapes > kMaxOtherShapes) {
    Fail(ErrorCode::kInvalidArgument, "predictor: expected other_shapes of 0 to ", kMaxOtherShapes,
         ", got ", config.other_shapes);
  }
  if (config.other_shapes > 0 && network.inputs.size() > 1) {
    Fail(ErrorCode::kInvalidArgument,
         "predictor: expected a network with one input for other_shapes, got ",
         network.inputs.size(), " inputs");
  }
  if (network.heads.empty() && config.layers.empty()) {
    Fail(ErrorCode::kInvalidState,
         "predictor: expected a network with a head, or names of layers, got a backbone");
  }
}

std::vector<GraphHead> ChosenHeads(const NetworkState& network, const PredictorConfig& config) {
  const std::vector<std::string>& names = config.heads;
  if (names.empty()) {
    return config.layers.empty() ? network.heads : std::vector<GraphHead>();
  }
  std::vector<std::string> known;
  std::vector<GraphHead> heads;
  for (const GraphHead& head : network.heads) {
    known.push_back(head.name);
    if (std::find(names.begin(), names.end(), head.name) != names.end()) {
      heads.push_back(head);
    }
  }
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      Fail(ErrorCode::kInvalidArgument, "predictor: expected names of heads, got '", name,
           "', which no head has", NamesInstead(name, known));
    }
  }
  return heads;
}

int LayerOf(const NetworkState& network, const std::string& name) {
  const auto layer = std::find_if(network.layers.begin(), network.layers.end(),
                                  [&](const GraphLayer& known) { return known.name == name; });
  if (layer == network.layers.end()) {
    Fail(ErrorCode::kInvalidArgument, "predictor: expected names of layers, got '", name,
         "', which no layer has", NamesInstead(name, LayerNames(network)));
  }
  return static_cast<int>(layer - network.layers.begin());
}

// The values that layers of these names make.
std::vector<int> ChosenValues(const NetworkState& network, const std::vector<std::string>& names) {
  std::vector<int> values;
  for (const std::string& name : names) {
    const GraphLayer& layer = network.layers[static_cast<std::size_t>(LayerOf(network, name))];
    const GraphValue& value = network.value(layer.output);
    if (value.type != ElementType::kFloat32) {
      Fail(ErrorCode::kInvalidArgument, "predictor: expected layers of float32, got '", name,
           "' of ", ElementTypeName(value.type));
    }
    values.push_back(layer.output);
  }
  return values;
}

// True if some input's length varies, and no output's does: a caller's rows have one width.
bool VariesInLength(const NetworkState& network, const std::vector<int>& outputs) {
  const auto varies = [](const GraphValue& value) { return value.length.varies(); };
  return std::any_of(network.values.begin(), network.values.end(), varies) &&
         std::none_of(outputs.begin(), outputs.end(),
                      [&](int output) { return varies(network.value(output)); });
}

std::int64_t FloatsOf(const NetworkState& network, const std::vector<int>& values) {
  std::int64_t floats = 0;
  for (const int value : values) {
    floats = CheckedAdd(floats, network.value(value).shape.element_count());
  }
  return floats;
}

InferencePlan MakePlan(const NetworkState& network, const PredictorConfig& config,
                       const std::vector<GraphHead>& heads, const std::vector<int>& values) {
  std::vector<int> outputs;
  for (const GraphHead& head : heads) {
    outputs.push_back(network.logits(head));
  }
  outputs.insert(outputs.end(), values.begin(), values.end());
  PlanOptions options = {.outputs = PlanOutputs::kSideBySide, .precision = config.precision};
  for (const std::string& name : config.keep_float) {
    options.keep_float.push_back(LayerOf(network, name));
  }
  return {network, {}, outputs, config.max_batch_size, options};
}

std::int64_t PieceSize(const InferencePlan& plan, std::int64_t outputs) {
  const std::int64_t bytes =
      CheckedMultiply(CheckedAdd(plan.floats_per_example(), outputs), kFloatBytes);
  return std::clamp<std::int64_t>(kPieceBytes / bytes, 1, plan.max_batch());
}

// The size of pieces of `most` at most, all about as large.
std::int64_t EqualPiece(std::int64_t count, std::int64_t most) {
  return Ceiling(count, Ceiling(count, most));
}

}  // namespace

class Predictor::Implementation {
 public:
  static std::shared_ptr<Implementation> Make(const NetworkState& network,
                                              const PredictorConfig& config) {
    if (network.limits) CheckLimits(network, *network.limits, CostUse::kPrediction);
    return std::make_shared<Implementation>(network, config, ChosenHeads(network, config),
                                            ChosenValues(network, config.layers));
  }

  /// Of these heads, and what the layers of `config` make: `values`.
  Implementation(const NetworkState& network, const PredictorConfig& config,
                 const std::vector<GraphHead>& heads, const std::vector<int>& values)
      : plan_(MakePlan(network, config, heads, values)),
        probabilities_(heads, FloatsOf(network, values)),
        pool_(plan_.first(), PieceSize(plan_.first(), probabilities_.width()), config.threads),
        formats_(InputFormats(network)),
        input_size_(FloatsOf(formats_)),
        varies_(VariesInLength(network, values)),
        gives_logits_(config.logits || probabilities_.IsIdentity()),
        pixel_scale_(config.pixel_scale),
        pixel_offset_(config.pixel_offset),
        kept_float_(Join(config.keep_float, ", ")),
        converted_piece_(
            plan_.first().ReadsPixels()
                ? pool_.batch()
                : std::clamp<std::int64_t>(kConvertedFloats / input_size_, 1, pool_.batch())) {
    for (const int value : values) layer_shapes_.push_back(network.value(value).shape);
    // Large buffers are for the first caller alone: calls that need them take long anyway.
    pool_.Prepare(ThreadPool::Shared().thread_count(), kPreparedBytes);
    if (varies_ || !plan_.first().ReadsPixels()) {
      const std::int64_t answers = varies_ ? output_size() : 0;
      pool_.PrepareConverted(converted_piece_ * (input_size_ + answers));
    }
    // After all that a caller needs, for copies that nobody asked for yield where memory is short.
    plan_.AddCopies(config.weight_copies, [&] { return MakePlan(network, config, heads, values); });
    if (EstimateCost(network, CostUse::kPrediction).multiply_adds <= kMostWarmUpWork) WarmUp();
  }

  void Predict(std::int64_t batch, const Inputs& inputs, std::span<float> outputs) {
    InputPointers pointers(formats_, "predict", batch, inputs);
    CheckSize("outputs", "floats", batch, output_size(), outputs.size());
    Run(batch, &pointers, nullptr, outputs.data());
  }

  void PredictPixels(std::int64_t batch, std::span<const std::uint8_t> pixels,
                     std::span<float> outputs) {
    if (formats_.size() > 1 || formats_[0].value.type != ElementType::kFloat32) {
      Fail(ErrorCode::kInvalidArgument,
           "predict pixels: expected a network with one input, of float32, got another");
    }
    CheckSize("pixels", "bytes", batch, input_size_, pixels.size());
    CheckSize("outputs", "floats", batch, output_size(), outputs.size());
    Run(batch, nullptr, pixels.data(), outputs.data());
  }

  std::int64_t input_size() const { return input_size_; }
  std::int64_t output_size() const { return probabilities_.width(); }
  const Shape& only_input_shape() const { return formats_[0].value.shape; }
  const std::vector<Shape>& layer_shapes() const { return layer_shapes_; }
  std::int64_t NativeBytes() {
    pool_.GiveBackIdle();
    return plan_.NativeBytes() + pool_.NativeBytes();
  }

  PredictorStatistics statistics() const {
    return {.calls = pool_.lease_count() - warm_up_calls_,
            .failed_calls = failed_calls_.load(std::memory_order_relaxed),
            .workspaces = pool_.made_count(),
            .temporary_workspaces = pool_.temporary_count()};
  }

  std::string Describe() const {
    return Concat(
        "CPU target ", CpuTargetName(ActiveCpuTarget()), "; weights ", plan_.NativeBytes(),
        " bytes", plan_.count() > 1 ? Concat(" in ", plan_.count(), " copies") : "", "; buffers ",
        pool_.NativeBytes(), " bytes, for pieces of ", pool_.batch(), "\n",
        plan_.first().DescribeKernels(),
        kept_float_.empty() ? "" : Concat("weights in float, as asked for: ", kept_float_, "\n"),
        DescribeLengths(),
        plan_.first().ReadsPixels()
            ? std::string("pixels: converted as the first operation reads them\n")
            : Concat("pixels: converted before the first operation, up to ", converted_piece_,
                     " examples at a time\n"));
  }

 private:
  std::string DescribeLengths() const {
    std::string text;
    for (const InputFormat& format : formats_) {
      if (!varies_ || !format.value.length.varies()) continue;
      text += Concat(format.name, ": up to the longest of a batch, as ",
                     formats_[static_cast<std::size_t>(format.value.length.input)].name, " says\n");
    }
    return text;
  }

  // Runs the code and touches the memory of one example, so that no caller waits for pages.
  void WarmUp() {
    std::vector<AlignedArray<float>> values;
    std::vector<InputData> data;
    for (std::size_t i = 0; i < formats_.size(); ++i) {
      const InputFormat& format = formats_[i];
      const AlignedArray<float>& zeros = values.emplace_back(format.floats);
      if (format.value.type == ElementType::kFloat32) {
        data.emplace_back(zeros.span());
      } else {
        const std::span integers(reinterpret_cast<std::int32_t*>(values.back().data()),
                                 zeros.span().size());
        const bool counts_positions =
            std::any_of(formats_.begin(), formats_.end(), [&](const InputFormat& counted) {
              return counted.value.length.input == static_cast<int>(i);
            });
        std::fill(integers.begin(), integers.end(),
                  counts_positions ? format.range.greatest
                                   : std::clamp(0, format.range.least, format.range.greatest));
        data.emplace_back(integers);
      }
    }
    AlignedArray<float> output(output_size());
    Predict(1, Inputs(data), output.span());
    warm_up_calls_ = 1;
  }

  // Predicts from `inputs`, or, where that is null, from `pixels`.
  void Run(std::int64_t batch, InputPointers* inputs, const std::uint8_t* pixels, float* outputs) {
    if (batch == 0) {
      return;
    }
    const FlushDenormals flush;
    try {
      BufferPool::Lease lease(pool_);
      const bool is_converted = inputs == nullptr || inputs->must_split();
      // Where nothing has to be converted, the plan cuts the batch as it needs it.
      const bool is_whole = inputs != nullptr ? !is_converted : plan_.first().ReadsPixels();
      const std::int64_t piece =
          varies_ ? LengthOrder::kMost
                  : (is_whole ? plan_.first().max_batch() : EqualPiece(batch, converted_piece_));
      for (std::int64_t done = 0; done < batch; done += piece) {
        const std::int64_t count = std::min(piece, batch - done);
        float* const rows = outputs + done * output_size();
        if (varies_) {
          RunByLength(done, count, *inputs, rows, lease);
        } else if (inputs != nullptr) {
          plan_.ForCaller().Run(count,
                                is_converted ? inputs->Copy(done, count, nullptr,
                                                            lease.Converted(count * input_size_))
                                             : inputs->At(done),
                                {&rows, 1}, *lease);
        } else {
          RunPixels(count, pixels + done * input_size_, rows, lease);
        }
        if (!gives_logits_) {
          probabilities_.Apply(count, rows);
        }
      }
    } catch (...) {
      failed_calls_.fetch_add(1, std::memory_order_relaxed);
      throw;
    }
  }

  // Examples whose length varies: those of about one length together, up to the longest of them.
  void RunByLength(std::int64_t first, std::int64_t count, InputPointers& inputs, float* rows,
                   BufferPool::Lease& lease) const {
    LengthOrder order(inputs, first, count);
    const std::int64_t most = EqualPiece(count, converted_piece_);
    for (std::span<const std::int64_t> piece = order.NextPiece(most); !piece.empty();
         piece = order.NextPiece(most)) {
      const BatchLengths lengths = inputs.LengthsOf(piece);
      const auto examples = static_cast<std::int64_t>(piece.size());
      float* const room = lease.Converted(examples * (input_size_ + output_size()));
      float* const outputs = room + examples * input_size_;
      plan_.ForCaller().Run(examples, inputs.Copy(piece, &lengths, room), {&outputs, 1}, *lease,
                            &lengths);
      for (std::size_t i = 0; i < piece.size(); ++i) {
        std::copy_n(outputs + static_cast<std::int64_t>(i) * output_size(), output_size(),
                    rows + (piece[i] - first) * output_size());
      }
    }
  }

  void RunPixels(std::int64_t count, const std::uint8_t* data, float* rows,
                 BufferPool::Lease& lease) const {
    const Pixels pixels = {data, pixel_scale_, pixel_offset_};
    if (plan_.first().ReadsPixels()) {
      plan_.ForCaller().RunPixels(count, pixels, {&rows, 1}, *lease);
    } else {
      float* const converted = lease.Converted(count * input_size_);
      ConvertPixels(pixels, count * input_size_, converted);
      const float* const only = converted;
      plan_.ForCaller().Run(count, {&only, 1}, {&rows, 1}, *lease);
    }
  }

  static void CheckSize(const char* what, const char* unit, std::int64_t batch, std::int64_t size,
                        std::size_t got) {
    std::int64_t expected = 0;
    if (batch < 0 || __builtin_mul_overflow(batch, size, &expected)) {
      Fail(ErrorCode::kInvalidArgument, "predict: expected a batch of at least 0, got ", batch);
    }
    if (got != static_cast<std::size_t>(expected)) {
      Fail(ErrorCode::kShapeMismatch, "predict: expected ", what, " of ", expected, " ", unit, ", ",
           batch, " examples of ", size, ", got ", got);
    }
  }

  PlanCopies plan_;
  Probabilities probabilities_;
  BufferPool pool_;
  std::vector<InputFormat> formats_;
  std::vector<Shape> layer_shapes_;
  std::int64_t input_size_;
  bool varies_;  // in length: batches are computed up to their longest example
  bool gives_logits_;
  float pixel_scale_;
  float pixel_offset_;
  std::string kept_float_;        // names of layers
  std::int64_t converted_piece_;  // examples that are converted before the plan runs
  std::int64_t warm_up_calls_ = 0;
  std::atomic<std::int64_t> failed_calls_{0};
};

class Predictor::OtherShapes {
 public:
  OtherShapes(const NetworkState& network, const PredictorConfig& config)
      : network_(CopyState(network)),
        config_(config),
        cache_(static_cast<std::size_t>(config.other_shapes)) {}

  std::shared_ptr<Implementation> For(const Shape& shape) {
    std::shared_ptr<Implementation> there = cache_.Find(shape);
    return there != nullptr ? there : cache_.Insert(shape, MakeRoomFor(shape));
  }

  std::int64_t NativeBytes() const {
    return network_->parameter_floats.bytes() +
           cache_.Sum([](Implementation& kept) { return kept.NativeBytes(); });
  }

 private:
  std::shared_ptr<Implementation> MakeRoomFor(const Shape& shape) {
    try {
      return Make(shape);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kOutOfMemory) throw;
    }
    cache_.Clear();
    return Make(shape);
  }

  std::shared_ptr<Implementation> Make(const Shape& shape) const {
    const TransferSpec resize = {.input_shapes = {{.name = "", .shape = shape}}};
    return Implementation::Make(*TransferredState(*network_, resize, 0), config_);
  }

  std::shared_ptr<const NetworkState> network_;
  PredictorConfig config_;
  ShapeCache<Implementation> cache_;
};

Predictor::Predictor(const Network& network, const PredictorConfig& config) {
  NetworkState& state = StateOf(network);
  const ReadScope scope(state.access, "predictor");
  CheckConfig(state, config);
  implementation_ = Implementation::Make(state, config);
  if (config.other_shapes > 0) other_shapes_ = std::make_unique<OtherShapes>(state, config);
}

Predictor::Predictor(std::shared_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Predictor::Predictor(Predictor&&) noexcept = default;
Predictor& Predictor::operator=(Predictor&&) noexcept = default;
Predictor::~Predictor() = default;

void Predictor::Predict(std::int64_t batch, const Inputs& inputs, std::span<float> outputs) const {
  Live(implementation_).Predict(batch, inputs, outputs);
}

void Predictor::PredictPixels(std::int64_t batch, std::span<const std::uint8_t> pixels,
                              std::span<float> outputs) const {
  Live(implementation_).PredictPixels(batch, pixels, outputs);
}

Predictor Predictor::ForShape(const Shape& shape) const {
  Implementation& own = Live(implementation_);
  if (other_shapes_ == nullptr) {
    Fail(ErrorCode::kInvalidState,
         "predictor: expected one that was made with other_shapes (otherShapes in Java), got one "
         "for an input of ",
         own.only_input_shape().ToString(), " alone");
  }
  if (shape == own.only_input_shape()) return Predictor(implementation_);
  return Predictor(other_shapes_->For(shape));
}

std::int64_t Predictor::input_size() const { return Live(implementation_).input_size(); }
std::int64_t Predictor::output_size() const { return Live(implementation_).output_size(); }
std::vector<Shape> Predictor::layer_shapes() const { return Live(implementation_).layer_shapes(); }
std::int64_t Predictor::NativeBytes() const {
  const std::int64_t bytes = Live(implementation_).NativeBytes();
  return other_shapes_ != nullptr ? bytes + other_shapes_->NativeBytes() : bytes;
}
PredictorStatistics Predictor::statistics() const { return Live(implementation_).statistics(); }
std::string Predictor::Describe() const { return Live(implementation_).Describe(); }

}  // namespace espalier
