// SPDX-License-Identifier: Apache-2.0
#include "espalier/builder.h"

#include <utility>

#include "core/text.h"

namespace espalier {
namespace {

constexpr std::int64_t kMaxClasses = std::int64_t{1} << 20;

}  // namespace

NetworkBuilder::NetworkBuilder(Shape input) { spec_.inputs[0].shape = input; }

NetworkBuilder::NetworkBuilder(std::vector<InputSpec> inputs) { spec_.inputs = std::move(inputs); }

NetworkBuilder& NetworkBuilder::Normalize(std::vector<double> mean, std::vector<double> std) {
  if (spec_.inputs.empty()) {
    Fail(ErrorCode::kInvalidArgument, "normalize: expected a network with an input, got none");
  }
  spec_.inputs[0].normalization = Normalization{.mean = std::move(mean), .std = std::move(std)};
  return *this;
}

NetworkBuilder& NetworkBuilder::From(std::string layer) {
  cursor_ = std::move(layer);
  return *this;
}

NetworkBuilder& NetworkBuilder::Dense(std::string name, std::int64_t units) {
  return Append(std::move(name), "dense", {{"units", units}});
}

NetworkBuilder& NetworkBuilder::Conv2d(std::string name, std::int64_t channels, std::int64_t kernel,
                                       const ConvolutionOptions& options) {
  Attributes attributes = {{"channels", channels},     {"kernel", kernel},
                           {"stride", options.stride}, {"dilation", options.dilation},
                           {"groups", options.groups}, {"bias", options.bias}};
  if (options.explicit_padding.empty()) {
    attributes["padding"] = options.padding;
  } else {
    attributes["padding"] = options.explicit_padding;
  }
  return Append(std::move(name), "conv2d", std::move(attributes));
}

NetworkBuilder& NetworkBuilder::MaxPool2d(std::int64_t window) {
  return Append("", "max_pool2d", {{"window", window}});
}

NetworkBuilder& NetworkBuilder::Relu() { return Append("", "relu", {}); }

NetworkBuilder& NetworkBuilder::Flatten() { return Append("", "flatten", {}); }

NetworkBuilder& NetworkBuilder::Dropout(double rate) {
  return Append("", "dropout", {{"rate", rate}});
}

NetworkBuilder& NetworkBuilder::BatchNorm(std::string name) {
  return Append(std::move(name), "batch_norm", {});
}

NetworkBuilder& NetworkBuilder::Add(std::string name, std::string a, std::string b) {
  LayerSpec layer;
  layer.name = std::move(name);
  layer.kind = "add";
  layer.inputs = {std::move(a), std::move(b)};
  return Layer(std::move(layer));
}

NetworkBuilder& NetworkBuilder::Layer(LayerSpec layer) {
  if (layer.inputs.empty() && !cursor_.empty()) {
    layer.inputs = {cursor_};
  }
  cursor_.clear();
  spec_.layers.push_back(std::move(layer));
  return *this;
}

NetworkBuilder& NetworkBuilder::Head(std::string name, TaskSpec task) {
  HeadSpec head;
  head.name = std::move(name);
  head.task = std::move(task);
  return Head(std::move(head));
}

NetworkBuilder& NetworkBuilder::Head(HeadSpec head) {
  if (head.from.empty()) head.from = std::exchange(cursor_, {});
  spec_.heads.push_back(std::move(head));
  return *this;
}

Network NetworkBuilder::Build(std::uint64_t seed) const { return Network::Build(spec_, seed); }

NetworkBuilder& NetworkBuilder::Append(std::string name, const char* kind, Attributes attributes) {
  LayerSpec layer;
  layer.name = std::move(name);
  layer.kind = kind;
  layer.attributes = std::move(attributes);
  return Layer(std::move(layer));
}

TaskSpec LabelsTask(std::vector<std::string> labels) {
  TaskSpec task;
  task.kind = TaskKind::kLabels;
  task.labels = std::move(labels);
  task.loss = LossKind::kLogistic;
  return task;
}

TaskSpec ClassesTask(std::vector<std::string> classes) {
  TaskSpec task;
  task.kind = TaskKind::kClasses;
  task.labels = std::move(classes);
  task.loss = LossKind::kSoftmax;
  return task;
}

TaskSpec ClassesTask(std::int64_t count) {
  if (count < 1 || count > kMaxClasses) {
    Fail(ErrorCode::kInvalidArgument, "expected 1 to ", kMaxClasses, " classes, got ", count);
  }
  std::vector<std::string> classes;
  for (std::int64_t i = 0; i < count; ++i) {
    classes.push_back(std::to_string(i));
  }
  return ClassesTask(std::move(classes));
}

TaskSpec ValuesTask(std::vector<std::string> values) {
  TaskSpec task;
  task.kind = TaskKind::kValues;
  task.labels = std::move(values);
  task.loss = LossKind::kSquared;
  return task;
}

}  // namespace espalier
