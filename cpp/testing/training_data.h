// SPDX-License-Identifier: Apache-2.0
#pragma once

// Random examples for a network, partly labelled, and copies of what training changes.

#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/random.h"
#include "espalier/network.h"
#include "espalier/trainer.h"

namespace espalier::testing {

/// Examples with targets for every head. About `unlabelled` of the entries are not labelled.
class RandomExamples {
 public:
  RandomExamples(const Network& network, std::int64_t examples, std::uint32_t seed,
                 double unlabelled = 0.3)
      : spec_(network.Spec()), examples_(examples) {
    Random random({.seed = seed, .purpose = RandomPurpose::kTest, .index = 77});
    input_floats_ = spec_.inputs[0].shape.element_count();
    inputs_.resize(static_cast<std::size_t>(examples * input_floats_));
    for (float& input : inputs_) input = static_cast<float>(random.NextNormal());
    for (const HeadSpec& head : spec_.heads) {
      const std::size_t width = head.task.labels.size();
      std::vector<float> values;
      std::vector<std::int32_t> classes;
      for (std::int64_t row = 0; row < examples; ++row) {
        if (head.task.kind == TaskKind::kClasses) {
          const auto drawn = static_cast<std::int32_t>(random.NextBelow(width));
          classes.push_back(random.NextUniform() < unlabelled ? -1 : drawn);
          continue;
        }
        for (std::size_t column = 0; column < width; ++column) {
          const auto value = head.task.kind == TaskKind::kLabels
                                 ? static_cast<float>(random.NextBelow(2))
                                 : static_cast<float>(random.NextNormal());
          values.push_back(
              random.NextUniform() < unlabelled ? std::numeric_limits<float>::quiet_NaN() : value);
        }
      }
      values_.push_back(std::move(values));
      classes_.push_back(std::move(classes));
    }
  }

  std::int64_t size() const { return examples_; }
  std::int64_t input_floats() const { return input_floats_; }

  std::span<const float> Inputs(std::int64_t first, std::int64_t count) const {
    return {inputs_.data() + first * input_floats_,
            static_cast<std::size_t>(count * input_floats_)};
  }
  std::vector<float>& inputs() { return inputs_; }

  std::vector<TaskTargets> Targets(std::int64_t first, std::int64_t count) const {
    std::vector<TaskTargets> targets;
    for (std::size_t i = 0; i < spec_.heads.size(); ++i) {
      const TaskSpec& task = spec_.heads[i].task;
      TaskTargets of_task;
      if (task.kind == TaskKind::kClasses) {
        of_task.classes =
            std::span(classes_[i])
                .subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
      } else {
        const std::size_t width = task.labels.size();
        of_task.values = std::span(values_[i])
                             .subspan(static_cast<std::size_t>(first) * width,
                                      static_cast<std::size_t>(count) * width);
      }
      targets.push_back(of_task);
    }
    return targets;
  }

  /// Of head `i`: [examples, width], or one class an example.
  std::vector<float>& values(std::size_t i) { return values_[i]; }
  std::vector<std::int32_t>& classes(std::size_t i) { return classes_[i]; }

 private:
  NetworkSpec spec_;
  std::int64_t examples_;
  std::int64_t input_floats_ = 0;
  std::vector<float> inputs_;
  std::vector<std::vector<float>> values_;
  std::vector<std::vector<std::int32_t>> classes_;
};

using NamedValues = std::map<std::string, std::vector<float>>;

/// All parameters and buffers, by path.
inline NamedValues ParametersOf(const Network& network) {
  NamedValues values;
  for (const ParameterDescription& parameter : network.Parameters()) {
    values[parameter.path] = network.ReadParameter(parameter.path);
  }
  return values;
}

/// All state that the optimizer keeps, by "path/name".
inline NamedValues StateOf(const Trainer& trainer, const Network& network) {
  NamedValues values;
  for (const ParameterDescription& parameter : network.Parameters()) {
    for (const std::string& name : trainer.StateNames()) {
      std::vector<float> state = trainer.ReadState(parameter.path, name);
      if (!state.empty()) values[parameter.path + "/" + name] = std::move(state);
    }
  }
  return values;
}

/// Names whose values differ in some bit, or are in one of the two only.
inline std::vector<std::string> Differences(const NamedValues& a, const NamedValues& b) {
  std::vector<std::string> names;
  for (const auto& [name, values] : a) {
    const auto other = b.find(name);
    if (other == b.end() || other->second.size() != values.size() ||
        std::memcmp(other->second.data(), values.data(), values.size() * sizeof(float)) != 0) {
      names.push_back(name);
    }
  }
  for (const auto& [name, values] : b) {
    if (a.find(name) == a.end()) names.push_back(name);
  }
  return names;
}

}  // namespace espalier::testing
