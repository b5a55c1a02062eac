// SPDX-License-Identifier: Apache-2.0
#include "espalier/builder.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/text.h"
#include "layers/layer.h"
#include "network/names.h"

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
  cursor_ = Resolve(std::move(layer));
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
  return Join(std::move(name), "add", {std::move(a), std::move(b)});
}

NetworkBuilder& NetworkBuilder::Mul(std::string name, std::string a, std::string b) {
  return Join(std::move(name), "mul", {std::move(a), std::move(b)});
}

NetworkBuilder& NetworkBuilder::SqueezeExcitation(std::string name, std::int64_t channels,
                                                  std::int64_t squeezed,
                                                  const SqueezeExcitationOptions& options) {
  const std::string features = CurrentLayer();
  Block(name, [&](NetworkBuilder& block) {
    block.Append("pool", "global_average_pool2d", {{"keep_dimensions", true}})
        .Conv2d("reduce", squeezed, 1)
        .Append("activation", options.activation, {})
        .Conv2d("expand", channels, 1)
        .Append("gate", options.gate, {});
  });
  LayerSpec product;
  product.inputs = {features, Concat(Prefix(), name, ".gate")};
  product.name = FullName(name, "mul");
  product.kind = "mul";
  spec_.layers.push_back(std::move(product));
  return *this;
}

NetworkBuilder& NetworkBuilder::Block(std::string name,
                                      const std::function<void(NetworkBuilder&)>& layers) {
  if (name.empty()) Fail(ErrorCode::kInvalidArgument, "block: expected a name, got \"\"");
  const std::size_t before = spec_.layers.size();
  blocks_.push_back({Concat(Prefix(), name, "."), CurrentLayer()});
  try {
    layers(*this);
  } catch (...) {
    blocks_.pop_back();
    throw;
  }
  blocks_.pop_back();
  if (spec_.layers.size() == before) {
    Fail(ErrorCode::kInvalidArgument, "block '", name,
         "': expected at least one layer in it, got none");
  }
  return *this;
}

NetworkBuilder& NetworkBuilder::Layer(LayerSpec layer) {
  for (std::string& input : layer.inputs) input = Resolve(std::move(input));
  if (TakesInputs(layer.kind)) {
    if (layer.inputs.empty() && !cursor_.empty()) layer.inputs = {cursor_};
    cursor_.clear();
  }
  layer.name = FullName(layer.name, layer.kind);
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
  head.from = head.from.empty() ? std::exchange(cursor_, {}) : Resolve(std::move(head.from));
  spec_.heads.push_back(std::move(head));
  return *this;
}

Network NetworkBuilder::Build(std::uint64_t seed) const { return Network::Build(spec_, seed); }

NetworkBuilder& NetworkBuilder::Append(std::string name, std::string kind, Attributes attributes) {
  LayerSpec layer;
  layer.name = std::move(name);
  layer.kind = std::move(kind);
  layer.attributes = std::move(attributes);
  return Layer(std::move(layer));
}

NetworkBuilder& NetworkBuilder::Join(std::string name, const char* kind,
                                     std::vector<std::string> inputs) {
  LayerSpec layer;
  layer.name = std::move(name);
  layer.kind = kind;
  layer.inputs = std::move(inputs);
  return Layer(std::move(layer));
}

std::string NetworkBuilder::Prefix() const { return blocks_.empty() ? "" : blocks_.back().prefix; }

bool NetworkBuilder::IsNamed(std::string_view name) const {
  return std::any_of(spec_.layers.begin(), spec_.layers.end(),
                     [&](const LayerSpec& layer) { return layer.name == name; });
}

// Empty: to be numbered when the network is built.
std::string NetworkBuilder::FullName(const std::string& name, const std::string& kind) const {
  if (blocks_.empty() || !name.empty()) return Concat(Prefix(), name);
  int number = 1;
  while (IsNamed(Concat(Prefix(), kind, number))) ++number;
  return Concat(Prefix(), kind, number);
}

// The whole name of an earlier layer that is called `name` in this block.
std::string NetworkBuilder::Resolve(std::string name) const {
  for (std::size_t i = blocks_.size(); i-- > 0;) {
    if (name == kInputName) return blocks_[i].input;
    if (std::string full = blocks_[i].prefix + name; IsNamed(full)) return full;
  }
  return name;
}

// What the next layer is computed from. If that is yet to be numbered, it is done now.
std::string NetworkBuilder::CurrentLayer() {
  if (!cursor_.empty()) return cursor_;
  const auto last = std::find_if(spec_.layers.rbegin(), spec_.layers.rend(),
                                 [](const LayerSpec& layer) { return TakesInputs(layer.kind); });
  if (last == spec_.layers.rend()) {
    return spec_.inputs.empty() ? kInputName : spec_.inputs[0].name;
  }
  std::unordered_set<std::string> taken;
  for (const LayerSpec& layer : spec_.layers) taken.insert(layer.name);
  NameCounter counter;
  std::string name;
  for (auto layer = spec_.layers.begin(); layer != last.base(); ++layer) {
    name = layer->name.empty() ? counter.Next(layer->kind, "", taken) : layer->name;
  }
  last->name = name;
  return name;
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
