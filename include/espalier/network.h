// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/spec.h"

namespace espalier {

struct NetworkState;  // private: cpp/network/network_state.h

/// What a pattern applies to: a layer's name, a glob ('*' any run, '?' one
/// character), or "this layer and everything it is computed from".
struct LayerPattern {
  std::string pattern;
  bool through = false;
};

/// How a network becomes another: one immutable description, applied to a copy.
/// The order of entries does not matter; where a layer is both frozen and
/// unfrozen, unfreezing wins. `drop_from` drops the named layer and every layer
/// computed from it; heads standing on a dropped layer go too.
struct TransferSpec {
  std::vector<std::string> drop_heads;
  std::vector<std::string> drop_from;
  /// Other shapes of inputs: larger images for a network that pools before its dense layers, say.
  /// The parameters of all layers that are kept must have the shapes that they had.
  struct InputShape {
    std::string name;  ///< or empty: the only one
    Shape shape{1};
  };
  std::vector<InputShape> input_shapes;
  struct Frozen {
    std::string pattern;
    bool through = false;
    /// Batch norms that it matches, at least one, go on using and updating batch statistics. So
    /// does a layer that any entry says this of.
    bool adapt_statistics = false;
  };
  std::vector<Frozen> freeze;
  std::vector<LayerPattern> unfreeze;
  struct Rate {
    std::string pattern;
    double scale;
  };
  /// Scales of the optimizer's rate. A layer's own name goes before globs; two globs that give
  /// a layer different scales are INVALID_ARGUMENT.
  std::vector<Rate> learning_rates;
  std::vector<HeadSpec> heads;  ///< new heads, initialised from the seed
};

/// One row of Network::Describe or of a transfer plan.
struct LayerDescription {
  std::string name;
  std::string kind;
  Shape output{1};
  /// Around images of windowed layers: "same" (output ceil(n/stride), what is odd at the end), or
  /// zeros on each side: "1", or "top, bottom, left, right"; empty for other layers.
  std::string padding;
  std::int64_t parameter_count = 0;  ///< weights and biases, not buffers
  bool is_frozen = false;
  bool adapts_statistics = false;
  double learning_rate_scale = 1.0;
  std::string head;              ///< name of the head it belongs to, or empty
  std::string int8_keeps_float;  ///< why its weights stay float with Precision::kInt8, for people:
                                 ///< "few"; empty: they have 8 bits
  enum class Fate { kKept, kNew, kDropped } fate = Fate::kKept;
};

struct ParameterDescription {
  std::string path;  ///< "conv1.weight", "heads.digit.dense.bias"
  Shape shape{1};
  bool is_buffer = false;  ///< saved but not trained: running mean
};

/// A graph of named layers with their parameters: one backbone, one or more heads.
/// It knows no batch size and owns no scratch memory.
///
/// Threads: reading methods may run together. Changing, and training, needs the
/// network alone: while another thread trains or uses it, methods throw BUSY.
class Network {
 public:
  /// Checks the spec, infers all shapes and initialises parameters from `seed`.
  /// Throws Error: INVALID_ARGUMENT or SHAPE_MISMATCH, naming layer, expected and got. An example,
  /// a layer's output and a parameter have at most 2^31 - 1 elements each.
  static Network Build(const NetworkSpec& spec, std::uint64_t seed);

  /// One that was moved from can be destroyed or assigned to; all else throws INVALID_STATE.
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;
  ~Network();

  /// A deep copy.
  Network Clone() const;

  /// Applies `spec` to a copy; this network is untouched.
  Network Transfer(const TransferSpec& spec, std::uint64_t seed) const;

  /// The rows of the table that Transfer would make, dropped layers included.
  std::vector<LayerDescription> ExplainTransfer(const TransferSpec& spec) const;

  /// Freezes or unfreezes by name, glob or "through"; with all patterns or, where one is wrong,
  /// with none. A pattern that matches no layer, or no batch norm whose statistics should adapt,
  /// is INVALID_ARGUMENT, with near names.
  void Freeze(const LayerPattern& pattern, bool adapt_statistics = false);
  void Freeze(std::span<const LayerPattern> patterns, bool adapt_statistics = false);
  void Unfreeze(const LayerPattern& pattern);
  void Unfreeze(std::span<const LayerPattern> patterns);
  void SetLearningRateScale(const std::string& pattern, double scale);

  /// Sets TaskSpec::thresholds of a head: one a label, or none. Throws Error: INVALID_ARGUMENT if
  /// there is no such head or they do not fit its task.
  void SetThresholds(std::string_view head, std::span<const double> thresholds);

  /// The same for all heads in one change: a column each for the outputs of all heads, in their
  /// order. A head whose columns are all NaN keeps what it has.
  void SetThresholds(std::span<const double> columns);

  /// Changes the output layers in one change so that each logit becomes scale * logit + bias; a
  /// column each for the outputs of all heads, in their order. 1 and 0 leave the bits as they are.
  /// Throws Error: SHAPE_MISMATCH if there are not as many, INVALID_ARGUMENT if one is not finite,
  /// NON_FINITE if a parameter would not be; nothing has changed then.
  void ScaleLogits(std::span<const double> scales, std::span<const double> biases);

  /// What its owner keeps with it (NetworkSpec::metadata): in model files, copies, transfers and,
  /// under the same keys, in ONNX models.
  std::map<std::string, std::string> Metadata() const;

  /// Sets or replaces an entry of it. Throws Error: INVALID_ARGUMENT past a limit of
  /// NetworkSpec::metadata.
  void SetMetadata(const std::string& key, const std::string& value);

  /// Takes an entry away, if it is there.
  void RemoveMetadata(const std::string& key);

  /// The spec that would build this graph again, freezing included.
  NetworkSpec Spec() const;
  std::vector<LayerDescription> Describe() const;
  std::vector<ParameterDescription> Parameters() const;

  /// Copies a parameter or buffer out of, or into, the network. Throws Error: INVALID_ARGUMENT,
  /// SHAPE_MISMATCH; NON_FINITE for a NaN or an infinity, which no network ever holds.
  std::vector<float> ReadParameter(std::string_view path) const;
  void WriteParameter(std::string_view path, std::span<const float> values);

  /// Bytes of native memory held.
  std::int64_t NativeBytes() const;

  /// For the library's own parts.
  const std::shared_ptr<NetworkState>& state() const { return state_; }
  explicit Network(std::shared_ptr<NetworkState> state);

 private:
  std::shared_ptr<NetworkState> state_;
};

}  // namespace espalier
