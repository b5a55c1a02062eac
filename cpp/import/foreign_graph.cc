// SPDX-License-Identifier: Apache-2.0
#include "import/foreign_graph.h"

#include <algorithm>

#include "core/text.h"

namespace espalier {
namespace {

const std::string kAbsent;

struct AttributeTypeName {
  const char* operator()(std::int64_t) const { return "an integer"; }
  const char* operator()(float) const { return "a real number"; }
  const char* operator()(const std::string&) const { return "a text"; }
  const char* operator()(const ForeignTensor&) const { return "an array"; }
  const char* operator()(const std::vector<std::int64_t>&) const { return "integers"; }
  const char* operator()(const std::vector<float>&) const { return "real numbers"; }
  const char* operator()(const std::vector<std::string>&) const { return "texts"; }
  const char* operator()(const ForeignOther& other) const { return other.what; }
};

template <typename T>
T AttributeOf(const ForeignNode& node, const std::string& name, T otherwise) {
  const auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return otherwise;
  if (const T* value = std::get_if<T>(&found->second)) return *value;
  Fail(ErrorCode::kModelFile, "attribute '", name, "': expected ", AttributeTypeName()(T{}),
       ", got ", std::visit(AttributeTypeName(), found->second));
}

}  // namespace

std::string ToString(const ForeignDimensions& dimensions) {
  std::vector<std::string> texts;
  texts.reserve(dimensions.size());
  for (const ForeignDimension& dimension : dimensions) {
    switch (dimension.kind) {
      case ForeignDimension::Kind::kUnknown:
        texts.emplace_back("?");
        break;
      case ForeignDimension::Kind::kFixed:
        texts.push_back(std::to_string(dimension.size));
        break;
      case ForeignDimension::Kind::kNamed:
        texts.push_back(dimension.name);
        break;
      case ForeignDimension::Kind::kBatch:
        texts.push_back(dimension.size == 1 ? "batch" : Concat(dimension.size, " batch"));
        break;
    }
  }
  return Concat("[", Join(texts, ", "), "]");
}

const std::string& ForeignNode::Input(std::size_t index) const {
  return index < inputs.size() ? inputs[index] : kAbsent;
}

std::int64_t ForeignNode::Integer(const std::string& attribute, std::int64_t otherwise) const {
  return AttributeOf(*this, attribute, otherwise);
}

float ForeignNode::Float(const std::string& attribute, float otherwise) const {
  return AttributeOf(*this, attribute, otherwise);
}

std::string ForeignNode::Text(const std::string& attribute, std::string otherwise) const {
  return AttributeOf(*this, attribute, std::move(otherwise));
}

std::vector<std::int64_t> ForeignNode::Integers(const std::string& attribute,
                                                std::vector<std::int64_t> otherwise) const {
  return AttributeOf(*this, attribute, std::move(otherwise));
}

std::vector<float> ForeignNode::Floats(const std::string& attribute,
                                       std::vector<float> otherwise) const {
  return AttributeOf(*this, attribute, std::move(otherwise));
}

void ForeignGraph::CheckNew(const std::string& value) const {
  if (value.empty()) Fail(ErrorCode::kModelFile, "expected names of values, got \"\"");
  if (Knows(value)) {
    Fail(ErrorCode::kModelFile, "expected one maker of each value, got another of '", value, "'");
  }
}

void ForeignGraph::AddInput(const std::string& value, ForeignValue what) {
  CheckNew(value);
  inputs_.push_back(value);
  input_names_.insert(value);
  values_[value] = std::move(what);
}

void ForeignGraph::AddConstant(const std::string& value, ForeignTensor tensor) {
  CheckNew(value);
  parameter_names_.insert(value);
  MakeConstant(value, std::move(tensor));
}

void ForeignGraph::Index(Node node) {
  for (const std::string& output : node->outputs) {
    if (!output.empty()) producers_[output] = node;
  }
  for (const std::string& input : node->inputs) {
    if (input.empty()) continue;
    std::vector<Node>& readers = consumers_[input];
    if (readers.empty() || readers.back() != node) readers.push_back(node);
  }
}

void ForeignGraph::Unindex(Node node) {
  for (const std::string& output : node->outputs) {
    const auto made = producers_.find(output);
    if (made != producers_.end() && made->second == node) producers_.erase(made);
  }
  for (const std::string& input : node->inputs) {
    if (const auto read = consumers_.find(input); read != consumers_.end()) {
      std::erase(read->second, node);
    }
  }
}

ForeignGraph::Node ForeignGraph::InsertBefore(Node place, ForeignNode node) {
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty()) continue;
    CheckNew(node.outputs[i]);
    for (std::size_t j = 0; j < i; ++j) {
      if (node.outputs[j] == node.outputs[i]) {
        Fail(ErrorCode::kModelFile, "expected one maker of each value, got another of '",
             node.outputs[i], "'");
      }
    }
  }
  const Node added = nodes_.insert(place, std::move(node));
  Index(added);
  return added;
}

void ForeignGraph::AddOutput(std::string name, std::string value) {
  outputs_.push_back({std::move(name), std::move(value)});
}

void ForeignGraph::RemoveInput(const std::string& value) {
  std::erase(inputs_, value);
  input_names_.erase(value);
}

ForeignGraph::Node ForeignGraph::Replace(Node place, ForeignNode node) {
  Unindex(place);
  const Node added = InsertBefore(place, std::move(node));
  nodes_.erase(place);
  return added;
}

void ForeignGraph::Remove(Node node) {
  Unindex(node);
  nodes_.erase(node);
}

void ForeignGraph::ReplaceValue(std::string value, std::string other) {
  if (value == other) return;
  for (ForeignOutput& output : outputs_) {
    if (output.value == value) output.value = other;
  }
  const std::vector<Node> readers = Consumers(value);
  consumers_.erase(value);
  for (const Node reader : readers) {
    const auto changed = nodes_.erase(reader, reader);  // the same place, to write to
    std::ranges::replace(changed->inputs, value, other);
    std::vector<Node>& known = consumers_[other];
    if (std::ranges::find(known, reader) == known.end()) known.push_back(reader);
  }
}

void ForeignGraph::MakeConstant(std::string value, ForeignTensor tensor) {
  if (const auto made = producers_.find(value); made != producers_.end()) {
    const auto changed = nodes_.erase(made->second, made->second);
    std::ranges::replace(changed->outputs, value, std::string());
    producers_.erase(made);
  }
  ForeignDimensions dimensions;
  for (const std::int64_t size : tensor.dimensions()) {
    dimensions.push_back(ForeignDimension::Fixed(size));
  }
  values_[value] = {.type = tensor.type(), .dimensions = std::move(dimensions)};
  constants_.insert_or_assign(value, std::move(tensor));
}

void ForeignGraph::RemoveDead() {
  std::unordered_set<std::string> needed;
  for (const ForeignOutput& output : outputs_) needed.insert(output.value);
  for (auto node = nodes_.end(); node != nodes_.begin();) {
    --node;
    const bool is_needed = std::ranges::any_of(
        node->outputs, [&](const std::string& output) { return needed.contains(output); });
    if (is_needed) {
      needed.insert(node->inputs.begin(), node->inputs.end());
    } else {
      Unindex(node);
      node = nodes_.erase(node);
    }
  }
  std::erase_if(constants_, [&](const auto& entry) { return !needed.contains(entry.first); });
}

ForeignGraph::Node ForeignGraph::Producer(const std::string& value) const {
  const auto found = producers_.find(value);
  return found == producers_.end() ? nodes_.end() : found->second;
}

const std::vector<ForeignGraph::Node>& ForeignGraph::Consumers(const std::string& value) const {
  static const std::vector<Node> kNone;
  const auto found = consumers_.find(value);
  return found == consumers_.end() ? kNone : found->second;
}

bool ForeignGraph::HasOneUse(const std::string& value) const {
  const auto found = consumers_.find(value);
  return found != consumers_.end() && found->second.size() == 1 && !IsOutput(value);
}

bool ForeignGraph::IsOutput(const std::string& value) const {
  return std::ranges::any_of(outputs_,
                             [&](const ForeignOutput& output) { return output.value == value; });
}

bool ForeignGraph::IsInput(const std::string& value) const { return input_names_.contains(value); }

bool ForeignGraph::IsParameter(const std::string& value) const {
  return parameter_names_.contains(value);
}

bool ForeignGraph::Knows(const std::string& value) const {
  return producers_.contains(value) || constants_.contains(value) || IsInput(value);
}

const ForeignTensor* ForeignGraph::Constant(const std::string& value) const {
  const auto found = constants_.find(value);
  return found == constants_.end() ? nullptr : &found->second;
}

std::int64_t ForeignGraph::ConstantElements() const {
  std::int64_t count = 0;  // of at most 2^31 each
  for (const auto& [name, constant] : constants_) count += constant.element_count();
  return count;
}

std::optional<float> ForeignGraph::Scalar(const std::string& value) const {
  const ForeignTensor* constant = Constant(value);
  if (constant == nullptr || constant->element_count() != 1) return std::nullopt;
  return constant->FloatAt(0);
}

const ForeignValue& ForeignGraph::Value(const std::string& value) const {
  static const ForeignValue kNothing;
  const auto found = values_.find(value);
  return found == values_.end() ? kNothing : found->second;
}

void ForeignGraph::Describe(const std::string& value, ForeignValue what) {
  values_[value] = std::move(what);
}

std::string ForeignGraph::NewName(const std::string& base) const {
  int& number = name_numbers_[base];
  for (;;) {
    std::string name = Concat(base, ".", ++number);
    if (!Knows(name)) return name;
  }
}

}  // namespace espalier
