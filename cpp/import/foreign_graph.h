// SPDX-License-Identifier: Apache-2.0
#pragma once

// A foreign model as plain data, whatever format it came in: what readers fill, passes rewrite,
// and lowering turns into layers. Its operators and their meaning are those of ONNX; readers of
// other formats translate into them.

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "espalier/spec.h"
#include "import/foreign_tensor.h"

namespace espalier {

/// A dimension of a value, or an integer made of dimensions.
struct ForeignDimension {
  enum class Kind : std::uint8_t {
    kUnknown,
    kFixed,  ///< `size`
    kNamed,  ///< free, as the file says; folding leaves none
    kBatch,  ///< `size` times the number of examples, which is at least 1
  };
  Kind kind = Kind::kUnknown;
  std::int64_t size = 0;
  std::string name = {};
  /// Of kBatch: how many of `size` stand before the batch. Element (i, n, j) of i < before,
  /// n < batch and j < size / before is at (i · batch + n) · size / before + j.
  std::int64_t before = 1;

  static ForeignDimension Fixed(std::int64_t size) { return {Kind::kFixed, size}; }
  static ForeignDimension Batch(std::int64_t factor = 1) { return {Kind::kBatch, factor}; }

  bool is_fixed() const { return kind == Kind::kFixed; }
  bool is_batch() const { return kind == Kind::kBatch; }
  bool is(std::int64_t number) const { return is_fixed() && size == number; }
  friend bool operator==(const ForeignDimension&, const ForeignDimension&) = default;
};
using ForeignDimensions = std::vector<ForeignDimension>;

/// "[batch, 12, 2 batch, length, ?]".
std::string ToString(const ForeignDimensions& dimensions);

/// What is known of a value of the graph.
struct ForeignValue {
  ForeignType type = ForeignType::kUnknown;
  /// After folding: of fixed numbers, and one of them of kBatch if the value differs from example
  /// to example.
  std::optional<ForeignDimensions> dimensions = {};
  /// Of integers, all elements, row-major, where they are known but for the batch (others are
  /// kUnknown): what Shape gives, and what is computed from it.
  std::optional<ForeignDimensions> elements = {};
};

/// In the place of an attribute that no operator read here has: a graph, a sparse tensor, a type.
struct ForeignOther {
  const char* what = "";
};

using ForeignAttribute =
    std::variant<std::int64_t, float, std::string, ForeignTensor, std::vector<std::int64_t>,
                 std::vector<float>, std::vector<std::string>, ForeignOther>;

/// The domain of operators that passes make (import/composites.h).
inline constexpr const char* kCompositeDomain = "espalier";

struct ForeignNode {
  std::string name = {};     ///< as the file has it; may be empty or repeated
  std::string kind = {};     ///< the operator: "Conv"
  std::string domain = {};   ///< of the operator; ONNX's own is ""
  std::int64_t version = 0;  ///< of the operator set that the graph imports for its domain
  std::vector<std::string> inputs = {};   ///< values; "" where an optional one is absent
  std::vector<std::string> outputs = {};  ///< values; "" where nobody wants it
  std::map<std::string, ForeignAttribute> attributes = {};

  bool Is(std::string_view kind_name, std::string_view domain_name = "") const {
    return kind == kind_name && domain == domain_name;
  }
  bool HasInput(std::size_t index) const { return index < inputs.size() && !inputs[index].empty(); }
  /// "" if absent.
  const std::string& Input(std::size_t index) const;

  bool HasAttribute(const std::string& attribute) const { return attributes.contains(attribute); }
  /// An attribute, or what stands for it where it is absent. Throws Error: MODEL_FILE if it has
  /// another type.
  std::int64_t Integer(const std::string& attribute, std::int64_t otherwise) const;
  float Float(const std::string& attribute, float otherwise) const;
  std::string Text(const std::string& attribute, std::string otherwise) const;
  std::vector<std::int64_t> Integers(const std::string& attribute,
                                     std::vector<std::int64_t> otherwise = {}) const;
  std::vector<float> Floats(const std::string& attribute, std::vector<float> otherwise = {}) const;
};

/// An output of the graph: its name in the file, and the value that it is now.
struct ForeignOutput {
  std::string name;
  std::string value;
};

/// Nodes in an order in which each follows what it reads. Values are known by name; each has one
/// maker: a node, an input, or a constant. Passes change it through its methods, which keep the
/// index of makers and readers; nodes stay where they are in memory.
class ForeignGraph {
 public:
  using Nodes = std::list<ForeignNode>;
  using Node = Nodes::const_iterator;

  ForeignGraph() = default;
  ForeignGraph(ForeignGraph&&) = default;
  ForeignGraph& operator=(ForeignGraph&&) = default;
  ForeignGraph(const ForeignGraph&) = delete;
  ForeignGraph& operator=(const ForeignGraph&) = delete;

  /// Adds the maker of values. Throws Error: MODEL_FILE if one has a maker already.
  void AddInput(const std::string& value, ForeignValue what);
  void AddConstant(const std::string& value, ForeignTensor tensor);
  Node Append(ForeignNode node) { return InsertBefore(nodes_.end(), std::move(node)); }
  /// `node` reads only what is made before `place`.
  Node InsertBefore(Node place, ForeignNode node);

  void AddOutput(std::string name, std::string value);
  void ClearOutputs() { outputs_.clear(); }

  /// Nobody makes it any more; whoever reads it needs another maker.
  void RemoveInput(const std::string& value);

  /// Puts a node in the place of another. It may make fewer values, if nobody reads the others.
  Node Replace(Node place, ForeignNode node);

  void Remove(Node node);

  /// All that read `value`, outputs of the graph too, read `other` from now on.
  void ReplaceValue(std::string value, std::string other);

  /// Makes `value` a constant; its maker no longer makes it.
  void MakeConstant(std::string value, ForeignTensor tensor);

  /// Removes nodes, and constants, that no output needs.
  void RemoveDead();

  const Nodes& nodes() const { return nodes_; }
  const std::vector<std::string>& inputs() const { return inputs_; }
  const std::vector<ForeignOutput>& outputs() const { return outputs_; }

  /// The node that makes a value; nodes().end() for inputs, constants and what nobody makes.
  Node Producer(const std::string& value) const;
  /// Nodes that read a value, each once; valid until the graph changes.
  const std::vector<Node>& Consumers(const std::string& value) const;
  /// If exactly one node reads it, and it is no output of the graph.
  bool HasOneUse(const std::string& value) const;
  bool IsOutput(const std::string& value) const;
  bool IsInput(const std::string& value) const;
  /// A constant that the file has as such: one that was added, not made from others.
  bool IsParameter(const std::string& value) const;
  /// True if something makes it.
  bool Knows(const std::string& value) const;
  /// The constant of that name, or null.
  const ForeignTensor* Constant(const std::string& value) const;
  /// Of all constants.
  std::int64_t ConstantElements() const;
  /// The only element of a constant, if it has but one.
  std::optional<float> Scalar(const std::string& value) const;

  /// Type and dimensions; nothing known if nobody said.
  const ForeignValue& Value(const std::string& value) const;
  void Describe(const std::string& value, ForeignValue what);

  /// A name that no value has, which begins with `base`.
  std::string NewName(const std::string& base) const;

  /// What else the file says, by key; "producer" among it.
  std::map<std::string, std::string> metadata;

  /// How inputs are normalized before anything reads them, by input.
  std::map<std::string, Normalization> normalizations;

 private:
  void CheckNew(const std::string& value) const;
  void Index(Node node);
  void Unindex(Node node);

  Nodes nodes_;
  std::vector<std::string> inputs_;
  std::vector<ForeignOutput> outputs_;
  std::unordered_map<std::string, ForeignTensor> constants_;
  std::unordered_map<std::string, ForeignValue> values_;
  std::unordered_map<std::string, Node> producers_;
  std::unordered_map<std::string, std::vector<Node>> consumers_;
  std::unordered_set<std::string> input_names_;
  mutable std::unordered_map<std::string, int> name_numbers_;  // the last of NewName, by base
  std::unordered_set<std::string> parameter_names_;
};

}  // namespace espalier
