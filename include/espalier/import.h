// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "espalier/limits.h"
#include "espalier/network.h"

namespace espalier {

/// What a foreign model leaves open, and what it may ask for.
struct ImportOptions {
  /// Sizes of dimensions that the model names: {"sequence", 128}. Each that is neither the batch
  /// nor fixed needs one.
  std::map<std::string, std::int64_t> dimensions;

  /// Shapes of inputs, by the model's names, without the batch: for dimensions that have no name,
  /// or to import for another size than the file says.
  std::map<std::string, Shape> input_shapes;

  /// A dimension of each input is the batch, whatever size the model says. If false, a whole run of
  /// the model is one example.
  bool has_batch = true;

  /// Which dimension that is, by the inputs' names, counted from 0, where it is not the first:
  /// {"sequence", 1} for one of [length, batch, features].
  std::map<std::string, std::int64_t> batch_axes;

  /// Values of the model, by their names, that the network shall compute: all that is computed
  /// from them is left out. Empty: the model's outputs.
  std::vector<std::string> outputs;

  /// Reads constants that lie in other files, in the model's folder and below.
  bool external_data = false;

  NetworkLimits limits;                             ///< of the network
  std::int64_t file_bytes = std::int64_t{4} << 30;  ///< most bytes of the file
  std::int64_t nodes = 100'000;                     ///< most nodes of its graph
};

/// What became of a foreign model.
struct ImportReport {
  struct Value {
    std::string name;   ///< in the model
    std::string layer;  ///< in the network: an input, or a layer
    Shape shape{1};     ///< of one example
    ElementType type = ElementType::kFloat32;
  };
  struct Fusion {
    std::string kind;   ///< what was recognized: "LayerNormalization"
    std::string value;  ///< in the model, that it computes
    std::int64_t nodes = 0;
  };
  struct Renaming {
    std::string from;  ///< a node's name, or its parameters' common part
    std::string to;    ///< a layer's
  };
  struct Note {
    std::string layer;  ///< or empty: all of the model
    std::string text;
  };

  std::string producer;     ///< what wrote the model
  std::int64_t nodes = 0;   ///< of the model, that its outputs need
  std::int64_t folded = 0;  ///< nodes whose results are constants
  std::vector<Value> inputs;
  std::vector<Value> outputs;
  std::vector<Fusion> fused;
  std::vector<Renaming> renamed;
  std::vector<Note> notes;  ///< what can't be trained, and why; what is not as in the model

  /// For people: all of it, but for layers that are renamed of which it has the first alone.
  std::string ToString() const;
};

/// An ordinary network from an ONNX model (operator sets 7 to 22): named layers with the model's
/// parameters, and no heads. docs/import.md lists the operators. Throws Error: MODEL_FILE if it is
/// not a valid model, is past a limit, or has nodes that no layer here computes, all of which the
/// message lists; INVALID_ARGUMENT for options that name what the model does not have, or leave
/// open what they have to say; IO.
Network ImportOnnx(const std::string& path, const ImportOptions& options = {},
                   ImportReport* report = nullptr);

/// The same from a file's bytes.
Network ImportOnnx(std::span<const std::byte> bytes, const ImportOptions& options = {},
                   ImportReport* report = nullptr);

/// The same from a TensorFlow Lite model. Its images, [height, width, channels] there, are
/// [channels, height, width] here, inputs and outputs too; a quantized model becomes one of floats.
Network ImportTflite(const std::string& path, const ImportOptions& options = {},
                     ImportReport* report = nullptr);

/// The same from a file's bytes.
Network ImportTflite(std::span<const std::byte> bytes, const ImportOptions& options = {},
                     ImportReport* report = nullptr);

}  // namespace espalier
