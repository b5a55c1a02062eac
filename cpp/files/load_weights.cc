// SPDX-License-Identifier: Apache-2.0
#include "files/load_weights.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "core/half_floats.h"
#include "core/memory.h"
#include "core/text.h"
#include "files/learned_tensors.h"
#include "files/model_file.h"
#include "files/safetensors.h"
#include "files/weight_names.h"
#include "network/network_state.h"

namespace espalier {
namespace {

// Read at a time: fits the second-level cache.
constexpr std::size_t kPieceElements = 32 * 1024;

constexpr std::size_t kMaxListed = 20;  // in an error
constexpr std::size_t kMaxShown = 8;    // of each kind in a report's text

template <typename T, typename ToFloat>
void Widen(std::span<const std::byte> bytes, std::span<float> values, ToFloat to_float) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    T element;
    std::memcpy(&element, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = to_float(element);
  }
}

using Widening = void (*)(std::span<const std::byte>, std::span<float>);

struct FloatType {
  std::string_view name;
  std::size_t bytes;
  Widening widen;
};

constexpr std::array kFloatTypes = {
    FloatType{"F32", 4,
              [](auto bytes, auto values) { Widen<float>(bytes, values, std::identity()); }},
    FloatType{"F16", 2,
              [](auto bytes, auto values) { Widen<std::uint16_t>(bytes, values, FloatOfHalf); }},
    FloatType{"BF16", 2,
              [](auto bytes, auto values) { Widen<std::uint16_t>(bytes, values, FloatOfBfloat); }},
    FloatType{"F64", 8,
              [](auto bytes, auto values) {
                Widen<double>(bytes, values,
                              [](double value) { return static_cast<float>(value); });
              }},
};

const FloatType* FindFloatType(std::string_view name) {
  const auto* type = std::ranges::find(kFloatTypes, name, &FloatType::name);
  return type == kFloatTypes.end() ? nullptr : type;
}

std::string ShapeText(const std::vector<std::int64_t>& dimensions) {
  return Concat("[", Join(dimensions, ", "), "]");
}

[[noreturn]] void FailWithAll(std::string_view what, const std::vector<std::string>& problems) {
  const std::size_t shown = std::min(problems.size(), kMaxListed);
  std::string text = Concat(what, ", got ", problems.size(),
                            " others: ", Join(std::span(problems).first(shown), "; "));
  if (problems.size() > shown) text += Concat("; and ", problems.size() - shown, " more");
  Fail(ErrorCode::kModelFile, text);
}

// Why a tensor, which may be missing, is not one of a parameter's: "expected …, got …"; empty if it
// is.
std::string Misfit(const GraphParameter& parameter, const ParameterTensors& named,
                   const SafetensorsTensor* found) {
  const std::vector<std::int64_t> expected = TensorShape(parameter, named);
  if (found == nullptr) {
    return Concat("expected shape ", ShapeText(expected), ", got no such tensor");
  }
  const SafetensorsTensor& tensor = *found;
  if (FindFloatType(tensor.type) == nullptr) {
    return Concat("expected the type F32, F16, BF16 or F64, got ", tensor.type);
  }
  if (named.values == WeightRule::Values::kReshaped) {
    std::int64_t elements = 1;  // no more than its bytes, which were checked
    for (const std::int64_t dimension : tensor.shape) elements *= dimension;
    if (elements == parameter.shape.element_count()) return "";
    return Concat("expected ", parameter.shape.element_count(), " values for ",
                  parameter.shape.ToString(), ", got shape ", ShapeText(tensor.shape));
  }
  if (tensor.shape == expected) return "";
  return Concat("expected shape ", ShapeText(expected), ", got ", ShapeText(tensor.shape));
}

SafetensorsHeader ReadHeader(const ByteSource& file) {
  try {
    return ReadSafetensorsHeader(file, ModelFileLimits{}, SafetensorsForm::kAnyProgram);
  } catch (const Error& error) {
    const std::vector<std::byte> first = FirstBytes(file);
    if (first.size() > 8 && first[8] == std::byte{'{'}) {  // safetensors, but damaged
      Fail(error.code() == ErrorCode::kInvalidArgument ? ErrorCode::kModelFile : error.code(),
           MessageOf(error));
    }
    RethrowAsModelFile(error, first);
  }
}

class WeightLoader {
 public:
  WeightLoader(NetworkState& network, const ByteSource& file, const WeightMap& map)
      : network_(network),
        file_(file),
        map_(map),
        named_(TensorsOf(network, map)),
        header_(ReadHeader(file)) {}

  WeightReport Run() {
    Match();
    AlignedArray<float> values(network_.parameter_floats.size());  // each where it lies there
    Read(values);
    Store(values);
    return std::move(report_);
  }

 private:
  // A parameter, or some of its rows, and the tensor that they are read from.
  struct Source {
    int layer = 0;
    const SafetensorsTensor* tensor = nullptr;
    std::int64_t offset = 0;  // floats, as in the network
    std::int64_t count = 0;
    bool is_transposed = false;
  };

  static std::span<float> ValuesIn(AlignedArray<float>& floats, const Source& source) {
    return floats.span().subspan(static_cast<std::size_t>(source.offset),
                                 static_cast<std::size_t>(source.count));
  }

  using Tensors = std::map<std::string_view, const SafetensorsTensor*>;

  void Match() {
    Tensors left;
    for (const SafetensorsTensor& tensor : header_.tensors) left.emplace(tensor.name, &tensor);
    std::vector<std::string> problems;
    if (map_.learned) problems = Learn(left);
    for (std::size_t i = 0; i < named_.size(); ++i) {
      if (!named_[i].names.empty()) MatchNamed(network_.parameters[i], named_[i], left, problems);
    }
    for (const auto& [name, tensor] : left) {
      report_.unused.emplace_back(name);
      // A map that learns has said so above.
      if (!MatchesAny(map_.may_be_unused, name) && !(map_.learned && IsFloat(*tensor))) {
        problems.push_back(Concat("tensor '", name, "' of shape ", ShapeText(tensor->shape),
                                  ": expected a parameter, got none"));
      }
    }
    if (!problems.empty()) {
      FailWithAll("expected tensors and parameters that fit each other, or may be left out",
                  problems);
    }
    std::ranges::sort(report_.unused);
    std::ranges::sort(sources_, {}, [](const Source& source) { return source.tensor->begin; });
  }

  static bool IsFloat(const SafetensorsTensor& tensor) {
    return FindFloatType(tensor.type) != nullptr;
  }

  // Names the tensors of parameters without a name; returns what is left over or unclear.
  std::vector<std::string> Learn(const Tensors& tensors) {
    Tensors free = tensors;
    std::vector<int> parameters;
    for (std::size_t i = 0; i < named_.size(); ++i) {
      for (const std::string& name : named_[i].names) free.erase(name);
      if (named_[i].names.empty()) parameters.push_back(static_cast<int>(i));
    }
    std::vector<const SafetensorsTensor*> candidates;
    for (const auto& [name, tensor] : free) {
      if (IsFloat(*tensor) && !MatchesAny(map_.may_be_unused, name)) candidates.push_back(tensor);
    }
    LearnedTensors learned = LearnTensors(network_, parameters, candidates);
    for (const LearnedTensors::Pair& pair : learned.pairs) {
      ParameterTensors& named = named_[static_cast<std::size_t>(pair.parameter)];
      named.names = {pair.tensor->name};
      named.values = WeightRule::Values::kReshaped;
      named.evidence = pair.evidence;
    }
    return std::move(learned.problems);
  }

  void MatchNamed(const GraphParameter& parameter, const ParameterTensors& named, Tensors& left,
                  std::vector<std::string>& problems) {
    std::vector<const SafetensorsTensor*> found;
    std::vector<std::string> misfits;
    for (const std::string& name : named.names) {
      const auto entry = left.extract(name);
      found.push_back(entry.empty() ? nullptr : entry.mapped());
      const std::string misfit = Misfit(parameter, named, found.back());
      if (!misfit.empty()) {
        misfits.push_back(
            Concat("parameter '", parameter.path, "' from tensor '", name, "': ", misfit));
      }
    }
    if (misfits.empty()) {
      Add(parameter, named, found);
    } else if (MatchesAny(map_.may_stay, parameter.path)) {
      report_.kept.push_back(parameter.path);
      for (const SafetensorsTensor* tensor : found) {
        if (tensor != nullptr) report_.unused.push_back(tensor->name);
      }
    } else {
      problems.insert(problems.end(), misfits.begin(), misfits.end());
    }
  }

  void Add(const GraphParameter& parameter, const ParameterTensors& named,
           const std::vector<const SafetensorsTensor*>& tensors) {
    const std::int64_t count =
        parameter.shape.element_count() / static_cast<std::int64_t>(tensors.size());
    std::int64_t offset = parameter.offset;
    for (const SafetensorsTensor* tensor : tensors) {
      sources_.push_back({.layer = parameter.layer,
                          .tensor = tensor,
                          .offset = offset,
                          .count = count,
                          .is_transposed = named.values == WeightRule::Values::kTransposed});
      offset += count;
    }
    const WeightReport::Match match{parameter.path, Join(named.names, ", "), named.evidence};
    report_.matched.push_back(match);
    const bool may_differ =
        named.values == WeightRule::Values::kReshaped || named.leading_ones() > 0;
    if (may_differ && !std::ranges::equal(tensors[0]->shape, parameter.shape.dimensions())) {
      report_.reshaped.push_back(match);
    }
  }

  void Read(AlignedArray<float>& values) const {
    std::vector<std::string> not_finite;
    for (const Source& source : sources_) {
      if (!Read(source, ValuesIn(values, source))) {
        not_finite.push_back(Concat("tensor '", source.tensor->name, "'"));
      }
    }
    if (!not_finite.empty()) {
      FailWithAll("expected tensors whose values are finite in float32", not_finite);
    }
  }

  // False if not all values are finite.
  bool Read(const Source& source, std::span<float> values) const {
    const FloatType& type = *FindFloatType(source.tensor->type);
    std::vector<std::byte> bytes(std::min(values.size(), kPieceElements) * type.bytes);
    std::vector<float> piece(std::min(values.size(), kPieceElements));
    std::int64_t offset = header_.data_begin + source.tensor->begin;
    for (std::size_t first = 0; first < values.size(); first += piece.size()) {
      piece.resize(std::min(piece.size(), values.size() - first));
      bytes.resize(piece.size() * type.bytes);
      file_.ReadAt(offset, bytes);
      offset += static_cast<std::int64_t>(bytes.size());
      type.widen(bytes, piece);
      if (!std::ranges::all_of(piece, [](float value) { return std::isfinite(value); })) {
        return false;
      }
      if (!source.is_transposed) {
        std::ranges::copy(piece, values.begin() + static_cast<std::ptrdiff_t>(first));
        continue;
      }
      const auto columns = static_cast<std::size_t>(source.tensor->shape.back());
      const std::size_t rows = values.size() / columns;
      for (std::size_t i = 0; i < piece.size(); ++i) {
        values[(first + i) % columns * rows + (first + i) / columns] = piece[i];
      }
    }
    return true;
  }

  void Store(AlignedArray<float>& values) {
    for (const Source& source : sources_) {
      std::ranges::copy(ValuesIn(values, source),
                        ValuesIn(network_.parameter_floats, source).begin());
      if (network_.layers[static_cast<std::size_t>(source.layer)].frozen) {
        ++network_.structure_version;  // a trainer's frozen prefix is a copy of what was here
      }
    }
    ++network_.values_version;
  }

  NetworkState& network_;
  const ByteSource& file_;
  const WeightMap& map_;
  std::vector<ParameterTensors> named_;  // one a parameter
  const SafetensorsHeader header_;
  std::vector<Source> sources_;  // in the order of their data once matched
  WeightReport report_;
};

std::string FirstLines(std::string_view what, const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kMaxShown);
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) text += Concat("  ", what, ": '", names[i], "'\n");
  if (shown < names.size()) {
    text += Concat("  ", what, ": ", names.size() - shown, " more\n");
  }
  return text;
}

void CheckHere(const Network& network) {
  if (network.state() == nullptr) {
    Fail(ErrorCode::kInvalidState, "expected a network, got one that was moved from");
  }
}

}  // namespace

WeightReport LoadWeightsFrom(Network& network, const ByteSource& file, const WeightMap& map) {
  CheckHere(network);
  const WriteScope scope(network.state()->access, "load weights");
  return WeightLoader(*network.state(), file, map).Run();
}

WeightReport LoadWeights(Network& network, const std::string& path, const WeightMap& map) {
  CheckHere(network);
  try {
    return LoadWeightsFrom(network, FileSource(path), map);
  } catch (const Error& error) {
    Fail(error.code(), path, ": ", MessageOf(error));
  }
}

std::string WeightReport::ToString() const {
  std::string text =
      Concat("weights: ", matched.size(), " read, ", reshaped.size(), " of them reshaped, ",
             kept.size(), " left as they were, ", unused.size(), " tensors unused\n");
  std::vector<std::string> pairs;
  for (const Match& match : reshaped) {
    pairs.push_back(Concat(match.parameter, "' from '", match.tensor));
  }
  std::map<WeightEvidence, int> found_by;
  for (const Match& match : matched) ++found_by[match.evidence];
  for (const auto& [evidence, count] : found_by) {
    text += Concat("  by ", WeightEvidenceName(evidence), ": ", count, "\n");
  }
  return text + FirstLines("reshaped", pairs) + FirstLines("left", kept) +
         FirstLines("unused", unused);
}

}  // namespace espalier
