// SPDX-License-Identifier: Apache-2.0
#include "training/trainer_state.h"

#include <algorithm>
#include <string>

#include "core/near_names.h"
#include "core/text.h"
#include "training/trainer_implementation.h"

namespace espalier {
namespace {

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

void Trainer::Implementation::SaveBest() {
  access_.Check("save best");
  if (best_.empty()) best_ = AlignedArray<float>(network_->parameter_floats.size());
  std::copy_n(network_->parameter_floats.data(), network_->parameter_floats.size(), best_.data());
}

void Trainer::Implementation::RestoreBest() {
  access_.Check("restore best");
  if (best_.empty()) {
    Fail(ErrorCode::kInvalidState, "restore best: expected parameters saved before, got none");
  }
  begun_batch_ = 0;
  std::copy_n(best_.data(), best_.size(), network_->parameter_floats.data());
  updates_.ForgetBounds();
  ++parameters_version_;
}

void Trainer::Implementation::ContinueFrom(const Implementation& earlier, std::int64_t steps) {
  CheckUsable("continue");
  if (steps_ > 0 || steps < 0) {
    Fail(ErrorCode::kInvalidState, "continue: expected no step so far and a count of at least 0, ",
         "got ", steps_, " steps and a count of ", steps);
  }
  if (earlier.network_ != network_ || earlier.StateNames() != StateNames() ||
      !earlier.balance_.IsLike(balance_)) {
    Fail(ErrorCode::kInvalidArgument,
         "continue: expected a trainer of the same network, and by the same kind of optimizer and ",
         "balance");
  }
  if (!earlier.best_.empty()) {
    best_ = AlignedArray<float>(earlier.best_.size());
    std::copy_n(earlier.best_.data(), best_.size(), best_.data());
  }
  updates_.ContinueFrom(earlier.updates_);
  balance_.ContinueFrom(earlier.balance_);
  steps_ = steps;
}

std::vector<int> Trainer::Implementation::Frozen() const {
  std::vector<int> frozen;
  for (std::size_t i = 0; i < network_->parameters.size(); ++i) {
    const GraphLayer& layer = network_->layers[Index(network_->parameters[i].layer)];
    if (layer.frozen && !layer.adapt_statistics) frozen.push_back(static_cast<int>(i));
  }
  return frozen;
}

std::vector<StateTensor> Trainer::Implementation::State(bool has_best) {
  CheckUsable("checkpoint");
  if (average_ && average_->is_swapped()) {
    Fail(ErrorCode::kInvalidState,
         "checkpoint: expected the parameters, got their averages in place");
  }
  if (has_best && best_.empty()) SaveBest();
  std::vector<StateTensor> tensors;
  const std::vector<int> frozen = Frozen();
  for (std::size_t i = 0; i < network_->parameters.size(); ++i) {
    const GraphParameter& parameter = network_->parameters[i];
    if (std::ranges::binary_search(frozen, static_cast<int>(i))) continue;
    const auto dimensions = parameter.shape.dimensions();
    const auto add = [&](const char* kind, std::span<float> values) {
      tensors.push_back({.name = Concat(kind, ".", parameter.path),
                         .shape = {dimensions.begin(), dimensions.end()},
                         .floats = values});
    };
    const auto values_of = [&](AlignedArray<float>& all) {
      return all.span().subspan(Index(parameter.offset), Index(parameter.shape.element_count()));
    };
    add("parameter", values_of(network_->parameter_floats));
    if (has_best) add("best", values_of(best_));
    if (average_) add("average", average_->Of(static_cast<int>(i)));
  }
  updates_.AddStateTo(tensors);
  balance_.AddStateTo(tensors);
  if (average_) {
    tensors.push_back({.name = "averaged", .shape = {1}, .counts = {&average_->steps(), 1}});
  }
  tensors.push_back({.name = "steps", .shape = {1}, .counts = {&steps_, 1}});
  return tensors;
}

void Trainer::Implementation::StateChanged(bool has_best) {
  if (!has_best) best_ = {};
  begun_batch_ = 0;
  updates_.ForgetBounds();
  ++parameters_version_;
}

std::vector<std::string> Trainer::Implementation::StateNames() const {
  const std::vector<std::string_view> names = updates_.StateNames();
  return {names.begin(), names.end()};
}

std::vector<float> Trainer::Implementation::ReadState(std::string_view path,
                                                      std::string_view name) const {
  const std::vector<std::string> names = StateNames();
  const auto state = std::find(names.begin(), names.end(), name);
  if (state == names.end()) {
    Fail(ErrorCode::kInvalidArgument, "expected the name of the optimizer's state, got '", name,
         "'", NamesInstead(name, names));
  }
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < network_->parameters.size(); ++i) {
    const GraphParameter& parameter = network_->parameters[i];
    if (parameter.path == path) {
      return updates_.ReadState(static_cast<int>(i), Index(state - names.begin()));
    }
    paths.push_back(parameter.path);
  }
  Fail(ErrorCode::kInvalidArgument, "expected the path of a parameter, got '", path, "'",
       NamesInstead(path, paths));
}

}  // namespace espalier
