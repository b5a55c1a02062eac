// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/network.h"

namespace espalier {

/// Settings of a convolution. Padding "same" gives ceil(n/stride), extra padding at the end.
struct ConvolutionOptions {
  std::int64_t stride = 1;
  std::string padding = "same";  ///< "same" or "valid"; ignored if explicit_padding is set
  /// {all}, {height, width} or {top, bottom, left, right}
  std::vector<std::int64_t> explicit_padding;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
};

/// Settings of a transformer's encoder block.
struct TransformerOptions {
  std::int64_t width = 0;         ///< of each position, in and out
  std::int64_t heads = 1;         ///< a divisor of the width
  std::int64_t feed_forward = 0;  ///< width between the two layers after attention
  std::string activation = "gelu";
  double dropout = 0.0;     ///< of what attention and the two layers add
  bool norm_first = false;  ///< layer norm before each part, not after its sum
  bool causal = false;
  double epsilon = 1e-5;  ///< of the layer norms
  /// The layer, or input, that says how many positions are valid; empty: all.
  std::string lengths;
};

/// Kinds of layers in squeeze-and-excitation: {"silu", "sigmoid"} in EfficientNet, {"relu",
/// "hard_sigmoid"} in MobileNetV3.
struct SqueezeExcitationOptions {
  std::string activation = "relu";  ///< after the reduction
  std::string gate = "sigmoid";     ///< makes the factors
};

/// Writes a NetworkSpec layer by layer. Each layer follows the one before, constants aside, unless
/// `From` moved the cursor; an empty name is numbered by kind. Errors come from Build.
class NetworkBuilder {
 public:
  /// With one input of floats, named "input".
  explicit NetworkBuilder(Shape input);
  /// With several inputs; the first layer follows the first of them.
  explicit NetworkBuilder(std::vector<InputSpec> inputs);

  /// Of the first input.
  NetworkBuilder& Normalize(std::vector<double> mean, std::vector<double> std);
  NetworkBuilder& From(std::string layer);

  NetworkBuilder& Dense(std::string name, std::int64_t units);
  NetworkBuilder& Conv2d(std::string name, std::int64_t channels, std::int64_t kernel,
                         const ConvolutionOptions& options = {});
  NetworkBuilder& MaxPool2d(std::int64_t window);
  NetworkBuilder& Relu();
  NetworkBuilder& Flatten();
  NetworkBuilder& Dropout(double rate);
  NetworkBuilder& BatchNorm(std::string name = "");
  /// The sum and the product of two layers, whose shapes may differ as NumPy's.
  NetworkBuilder& Add(std::string name, std::string a, std::string b);
  NetworkBuilder& Mul(std::string name, std::string a, std::string b);

  /// An encoder block of a transformer over [length, width]: self-attention, then two dense layers
  /// at each position, each added to what it reads. Its layers are <name>.qkv, .attention,
  /// .projection, .dropout1, .sum1, .norm1, .hidden, .activation, .output, .dropout2, .sum2 and
  /// .norm2; weights of PyTorch's TransformerEncoderLayer fit: in_proj is qkv, out_proj projection,
  /// linear1 hidden, linear2 output.
  ///
  /// Source: Vaswani et al., 2017, arXiv:1706.03762; norm_first: Xiong et al., 2020,
  /// arXiv:2002.04745.
  NetworkBuilder& TransformerEncoder(std::string name, const TransformerOptions& options);

  /// Scales each channel by a factor that the averages of all channels decide: Hu et al. 2017,
  /// arXiv:1709.01507. `channels` are those of the layer before. The layers before the result,
  /// `name`, are <name>.pool, reduce, activation, expand and gate.
  NetworkBuilder& SqueezeExcitation(std::string name, std::int64_t channels, std::int64_t squeezed,
                                    const SqueezeExcitationOptions& options = {});

  /// Adds what `layers` adds, with names that begin with "<name>.". Within it, "input" is what the
  /// block begins with, layers without a name are numbered anew, and names are first looked up in
  /// the block, then in what is around it. What follows is computed from its last layer.
  NetworkBuilder& Block(std::string name, const std::function<void(NetworkBuilder&)>& layers);

  /// Any other kind, or any other setting.
  NetworkBuilder& Layer(LayerSpec layer);

  /// Puts a head on `head.from`, else on the layer that From has just named, else on the
  /// last layer of the backbone, whatever the order of calls.
  NetworkBuilder& Head(HeadSpec head);
  NetworkBuilder& Head(std::string name, TaskSpec task);

  const NetworkSpec& spec() const { return spec_; }
  Network Build(std::uint64_t seed) const;

 private:
  struct OpenBlock {
    std::string prefix;
    std::string input;
  };

  NetworkBuilder& Append(std::string name, std::string kind, Attributes attributes);
  NetworkBuilder& Join(std::string name, const char* kind, std::vector<std::string> inputs);
  std::string FullName(const std::string& name, const std::string& kind) const;
  std::string Resolve(std::string name) const;
  std::string Prefix() const;
  std::string CurrentLayer();
  bool IsNamed(std::string_view name) const;

  NetworkSpec spec_;
  std::string cursor_;
  std::vector<OpenBlock> blocks_;  // the innermost last
};

/// Tasks with the loss usual for them.
TaskSpec LabelsTask(std::vector<std::string> labels);
TaskSpec ClassesTask(std::vector<std::string> classes);
TaskSpec ClassesTask(std::int64_t count);  ///< named "0", "1", …
TaskSpec ValuesTask(std::vector<std::string> values);

}  // namespace espalier
