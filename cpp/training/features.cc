// SPDX-License-Identifier: Apache-2.0
#include "espalier/features.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/checked.h"
#include "core/cpu.h"
#include "core/near_names.h"
#include "core/text.h"
#include "inference/probabilities.h"
#include "network/cost.h"
#include "network/graph.h"
#include "training/feature_rows.h"
#include "training/finite_inputs.h"
#include "training/input_pieces.h"
#include "inference/plan_with_run.h"
#include "training/prefix_fingerprint.h"
#include "training/training_plan.h"

namespace espalier {
namespace {

constexpr std::int64_t kMaxBatchSize = std::int64_t{1} << 20;

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

NetworkState& StateOf(const Network& network) {
  if (network.state() == nullptr) {
    Fail(ErrorCode::kInvalidState, "predictor: expected a network, got one that was moved from");
  }
  return *network.state();
}

template <typename Pointer>
auto& Live(const Pointer& implementation) {
  if (implementation == nullptr) {
    Fail(ErrorCode::kInvalidState, "expected a predictor, got one that was moved from");
  }
  return *implementation;
}

bool PassesOn(const GraphLayer& layer) {
  const LayerTraits traits = TraitsOf(layer);
  return traits.passes_on || traits.flattens;
}

// The value that layers pass on as it is to make this one, or itself.
int SourceOf(const NetworkState& network, int value) {
  int layer = network.value(value).layer;
  while (layer != kNoLayer && PassesOn(network.layers[Index(layer)])) {
    value = network.layers[Index(layer)].inputs[0];
    layer = network.value(value).layer;
  }
  return value;
}

bool HasParameters(const NetworkState& network, int value) {
  const int layer = network.value(value).layer;
  return layer != kNoLayer && !network.layers[Index(layer)].parameters.empty();
}

// Whether a plan of the whole network gives the same bits as the prefix and the rest, each with a
// plan of its own. Where the border lies between a product and a batch norm or a sum, the whole
// network's plan may have the product do what comes after it, with other roundings.
bool IsCutExact(const NetworkState& network, const TrainingPlan& prefix) {
  if (network.is_input(prefix.sources.back().value)) return false;
  std::vector<char> is_head_output(network.layers.size(), 0);
  for (const GraphHead& head : network.heads) is_head_output[Index(head.output)] = 1;
  // By layer: what it makes is of the prefix, passed on or not.
  std::vector<char> has_prefix_values = prefix.in_prefix;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const GraphLayer& layer = network.layers[i];
    for (const int input : layer.inputs) {
      const int maker = network.value(input).layer;
      if (maker == kNoLayer) continue;
      if (is_head_output[Index(maker)]) return false;
      if (prefix.in_prefix[i] || !has_prefix_values[Index(maker)]) continue;
      if (TraitsOf(layer).normalizes_channels) return false;
      const bool follows_product = HasParameters(network, SourceOf(network, input));
      if (TraitsOf(layer).sums && follows_product) return false;
      if (PassesOn(layer)) has_prefix_values[i] = 1;
    }
  }
  return true;
}

std::vector<int> HeadOutputs(const NetworkState& network) {
  std::vector<int> outputs;
  for (const GraphHead& head : network.heads) {
    outputs.push_back(network.logits(head));
  }
  return outputs;
}

void CheckSize(const char* what, std::size_t examples, std::int64_t floats, std::size_t got) {
  const std::int64_t expected = CheckedMultiply(static_cast<std::int64_t>(examples), floats);
  if (static_cast<std::int64_t>(got) != expected) {
    Fail(ErrorCode::kShapeMismatch, what, ": expected ", expected, " floats, ", examples,
         " examples of ", floats, ", got ", got);
  }
}

}  // namespace

Features::Features(std::int64_t examples, std::int64_t feature_count, std::string fingerprint,
                   std::string folder)
    : fingerprint_(std::move(fingerprint)),
      rows_(std::make_shared<FeatureRows>(examples, feature_count, std::move(folder))) {}

void Features::MakeRoom(std::span<const std::int64_t> examples) { rows_->MakeRoom(examples); }

void Features::Share(const Features& other, std::span<const std::int64_t> from,
                     std::span<const std::int64_t> to) {
  rows_->ShareRows(*other.RowsOf(fingerprint_), from, to);
}

void Features::Write(std::span<const std::int64_t> examples, std::span<const float> values) {
  rows_->CheckRoom(examples);
  const std::int64_t floats = rows_->feature_floats();
  CheckSize("features", examples.size(), floats, values.size());
  const float* from = values.data();
  for (const std::int64_t example : examples) {
    std::copy_n(from, floats, rows_->Row(example));
    rows_->MarkFilled(example, /*has_finite_input=*/true);
    from += floats;
  }
}

void Features::Read(std::int64_t example, std::span<float> values) const {
  rows_->CheckFilled({&example, 1});
  CheckSize("features", 1, rows_->feature_floats(), values.size());
  rows_->Gather({&example, 1}, 0, rows_->feature_floats(), values.data());
}

bool Features::IsInFile() const { return rows_->IsInFile(); }

std::int64_t Features::feature_count() const { return rows_->feature_floats(); }

std::int64_t Features::NativeBytes() const { return rows_->NativeBytes(); }

const std::shared_ptr<FeatureRows>& Features::RowsOf(const std::string& fingerprint) const {
  if (fingerprint != fingerprint_) {
    Fail(ErrorCode::kInvalidArgument, "features: expected those of the frozen layers ", fingerprint,
         ", got those of ", fingerprint_);
  }
  return rows_;
}

std::string FingerprintLayer(const Network& network, const std::string& layer) {
  NetworkState& state = StateOf(network);
  const ReadScope scope(state.access, "fingerprint");
  const auto found = std::ranges::find(state.layers, layer, &GraphLayer::name);
  if (found == state.layers.end()) {
    Fail(ErrorCode::kInvalidArgument, "features: expected the name of a layer, got '", layer,
         "', which no layer has", NamesInstead(layer, LayerNames(state)));
  }
  return FingerprintOutput(state, static_cast<int>(found - state.layers.begin()));
}

class FeaturePredictor::Implementation {
 public:
  Implementation(const NetworkState& network, const FeaturePredictorConfig& config)
      : max_batch_(config.max_batch_size),
        wants_logits_(config.logits),
        formats_(InputFormats(network)),
        pieces_(max_batch_),
        probabilities_(network.heads) {
    TrainingPlan prefix = FindFrozenPrefix(network);
    if (!prefix.has_prefix() || !IsCutExact(network, prefix)) return;
    fingerprint_ = FingerprintPrefix(network, prefix);
    feature_floats_ = prefix.source_floats;
    for (const PlanSource& source : prefix.sources) {
      source_floats_.push_back(source.floats);
      values_.emplace_back(CheckedMultiply(max_batch_, source.floats));
      sources_.push_back(values_.back().data());
    }
    source_values_.assign(sources_.begin(), sources_.end());
    prefix_.emplace(network, std::vector<int>{}, prefix.prefix_outputs, max_batch_,
                    PlanOptions{.border = PlanBorder::kInside});
    rest_.emplace(network, prefix.prefix_outputs, HeadOutputs(network), max_batch_,
                  PlanOptions{.border = PlanBorder::kInside, .outputs = PlanOutputs::kSideBySide});
  }

  bool has_prefix() const { return prefix_.has_value(); }
  std::int64_t feature_floats() const { return feature_floats_; }
  const std::string& fingerprint() const { return fingerprint_; }

  void CacheFeatures(const Features& features, std::span<const std::int64_t> examples,
                     const Inputs& inputs) {
    CheckPrefix("cache features");
    FeatureRows& rows = *features.RowsOf(fingerprint_);
    rows.CheckRoom(examples);
    const auto batch = static_cast<std::int64_t>(examples.size());
    InputPointers pointers(formats_, "cache features", batch, inputs);
    const FlushDenormals flush;
    for (std::int64_t done = 0; done < batch; done += max_batch_) {
      const std::int64_t piece = std::min(max_batch_, batch - done);
      // What the prefix makes has one length: else the number of positions were a source too.
      const std::span<const float* const> values = pieces_.At(pointers, done, piece);
      prefix_->Run(piece, values, sources_, pieces_.lengths());
      for (std::int64_t row = 0; row < piece; ++row) {
        const std::int64_t example = examples[Index(done + row)];
        float* to = rows.Row(example);
        for (std::size_t i = 0; i < sources_.size(); ++i) {
          to = std::copy_n(sources_[i] + row * source_floats_[i], source_floats_[i], to);
        }
        rows.MarkFilled(example, IsFiniteExample(done + row, pointers));
      }
    }
  }

  void Predict(const Features& features, std::span<const std::int64_t> examples,
               std::span<float> outputs) {
    CheckPrefix("predict");
    const FeatureRows& rows = *features.RowsOf(fingerprint_);
    rows.CheckFilled(examples);
    CheckSize("outputs", examples.size(), probabilities_.width(), outputs.size());
    const FlushDenormals flush;
    const auto batch = static_cast<std::int64_t>(examples.size());
    for (std::int64_t done = 0; done < batch; done += max_batch_) {
      const std::int64_t piece = std::min(max_batch_, batch - done);
      std::int64_t first = 0;
      for (std::size_t i = 0; i < sources_.size(); ++i) {
        rows.Gather(examples.subspan(Index(done), Index(piece)), first, source_floats_[i],
                    sources_[i]);
        first += source_floats_[i];
      }
      float* const to = outputs.data() + done * probabilities_.width();
      rest_->Run(piece, source_values_, {&to, 1});
      if (!wants_logits_) probabilities_.Apply(piece, to);
    }
  }

  std::int64_t NativeBytes() const {
    std::int64_t bytes = pieces_.NativeBytes();
    if (prefix_) bytes += prefix_->NativeBytes() + rest_->NativeBytes();
    for (const AlignedArray<float>& values : values_) bytes += values.bytes();
    return bytes;
  }

 private:
  void CheckPrefix(const char* what) const {
    if (!has_prefix()) {
      Fail(ErrorCode::kInvalidState, what, ": expected a network whose frozen layers can be run ",
           "apart from the rest, got another");
    }
  }

  std::int64_t max_batch_;
  bool wants_logits_;
  std::vector<InputFormat> formats_;
  InputPieces pieces_;
  Probabilities probabilities_;
  std::string fingerprint_;
  std::int64_t feature_floats_ = 0;
  std::vector<std::int64_t> source_floats_;  // an example
  std::vector<AlignedArray<float>> values_;  // of a batch
  std::vector<float*> sources_;
  std::vector<const float*> source_values_;  // the same, to read
  std::optional<PlanWithRun> prefix_;
  std::optional<PlanWithRun> rest_;
};

FeaturePredictor::FeaturePredictor(const Network& network, const FeaturePredictorConfig& config) {
  NetworkState& state = StateOf(network);
  const ReadScope scope(state.access, "predictor");
  if (config.max_batch_size < 1 || config.max_batch_size > kMaxBatchSize) {
    Fail(ErrorCode::kInvalidArgument, "predictor: expected max_batch_size of 1 to ", kMaxBatchSize,
         ", got ", config.max_batch_size);
  }
  if (state.heads.empty()) {
    Fail(ErrorCode::kInvalidState, "predictor: expected a network with a head, got a backbone");
  }
  if (state.limits) CheckLimits(state, *state.limits, CostUse::kPrediction);
  implementation_ = std::make_unique<Implementation>(state, config);
}

FeaturePredictor::FeaturePredictor(FeaturePredictor&&) noexcept = default;
FeaturePredictor& FeaturePredictor::operator=(FeaturePredictor&&) noexcept = default;
FeaturePredictor::~FeaturePredictor() = default;

bool FeaturePredictor::HasFrozenPrefix() const { return Live(implementation_).has_prefix(); }

std::int64_t FeaturePredictor::FeatureCount() const {
  return Live(implementation_).feature_floats();
}

const std::string& FeaturePredictor::Fingerprint() const {
  return Live(implementation_).fingerprint();
}

void FeaturePredictor::CacheFeatures(Features& features, std::span<const std::int64_t> examples,
                                     const Inputs& inputs) {
  Live(implementation_).CacheFeatures(features, examples, inputs);
}

void FeaturePredictor::Predict(const Features& features, std::span<const std::int64_t> examples,
                               std::span<float> outputs) {
  Live(implementation_).Predict(features, examples, outputs);
}

std::int64_t FeaturePredictor::NativeBytes() const { return Live(implementation_).NativeBytes(); }

}  // namespace espalier
