// SPDX-License-Identifier: Apache-2.0
#include "training/prefix_fingerprint.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace espalier {
namespace {

// Two lanes of 64 bits. Each step maps the states one to one for a given word, and the words one
// to one for a given state: two texts that differ in one word always end differently.
class Hash {
 public:
  void AddWord(std::uint64_t word) {
    first_ = (first_ ^ word) * 0x9E3779B97F4A7C15u;
    first_ ^= first_ >> 32;
    second_ = (second_ + word) * 0xD6E8FEB86659FD93u;
    second_ ^= second_ >> 29;
  }

  void AddBytes(const void* bytes, std::size_t count) {
    AddWord(count);
    const auto* from = static_cast<const char*>(bytes);
    while (count > 0) {
      const std::size_t piece = std::min(count, kWordBytes);
      std::uint64_t word = 0;
      std::memcpy(&word, from, piece);
      AddWord(word);
      from += piece;
      count -= piece;
    }
  }

  void AddText(std::string_view text) { AddBytes(text.data(), text.size()); }
  void AddInteger(std::int64_t value) { AddWord(static_cast<std::uint64_t>(value)); }
  void AddReal(double value) { AddWord(std::bit_cast<std::uint64_t>(value)); }

  std::string Digits() const {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string digits;
    for (std::uint64_t lane : {first_, second_}) {
      for (int i = 0; i < 16; ++i, lane >>= 4) digits += kDigits[lane & 15u];
    }
    return digits;
  }

 private:
  static constexpr std::size_t kWordBytes = 8;

  std::uint64_t first_ = 0x243F6A8885A308D3u;
  std::uint64_t second_ = 0x13198A2E03707344u;
};

void AddAttribute(const AttributeValue& value, Hash& hash) {
  hash.AddWord(value.index());
  std::visit(
      [&](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, double>) {
          hash.AddReal(held);
        } else if constexpr (std::is_same_v<Held, std::string>) {
          hash.AddText(held);
        } else if constexpr (std::is_same_v<Held, std::vector<std::int64_t>>) {
          hash.AddBytes(held.data(), held.size() * sizeof(std::int64_t));
        } else {
          hash.AddInteger(held);
        }
      },
      value);
}

void AddReals(const std::vector<double>& values, Hash& hash) {
  hash.AddBytes(values.data(), values.size() * sizeof(double));
}

// Adds those layers, in order, and what they read. Returns by value a number that does not depend
// on other layers, inputs first; -1: made by one of these.
std::vector<std::int64_t> AddLayers(const NetworkState& network, const std::vector<char>& is_hashed,
                                    Hash& hash) {
  std::vector<std::int64_t> places(network.values.size(), -1);
  std::int64_t count = 0;
  hash.AddWord(network.inputs.size());
  for (std::size_t i = 0; i < network.inputs.size(); ++i) {
    places[i] = count++;
    hash.AddText(network.values[i].shape.ToString());
    hash.AddText(ElementTypeName(network.values[i].type));
    const std::optional<Normalization>& normalization = network.inputs[i].normalization;
    hash.AddInteger(normalization.has_value());
    if (normalization) {
      AddReals(normalization->mean, hash);
      AddReals(normalization->std, hash);
    }
  }
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    if (!is_hashed[i]) continue;
    const GraphLayer& layer = network.layers[i];
    places[static_cast<std::size_t>(layer.output)] = count++;
    hash.AddText(layer.layer->kind());
    const Attributes attributes = layer.layer->attributes();
    hash.AddWord(attributes.size());
    for (const auto& [name, value] : attributes) {
      hash.AddText(name);
      AddAttribute(value, hash);
    }
    hash.AddWord(layer.inputs.size());
    for (const int input : layer.inputs) {
      hash.AddInteger(places[static_cast<std::size_t>(input)]);
    }
    hash.AddWord(layer.parameters.size());
    for (const int parameter : layer.parameters) {
      const auto floats = static_cast<std::size_t>(
          network.parameters[static_cast<std::size_t>(parameter)].shape.element_count());
      hash.AddBytes(network.parameter_values(parameter), floats * sizeof(float));
    }
  }
  hash.AddInteger(count);
  return places;
}

}  // namespace

std::string FingerprintPrefix(const NetworkState& network, const TrainingPlan& plan) {
  Hash hash;
  const std::vector<std::int64_t> places = AddLayers(network, plan.in_prefix, hash);
  for (const PlanSource& source : plan.sources) {
    hash.AddInteger(places[static_cast<std::size_t>(source.value)]);
    // Readers behind the prefix may want an input, and what follows from it, in one layout or the
    // other.
    hash.AddInteger(network.value(source.value).layout == Layout::kRowMajor);
  }
  return hash.Digits();
}

std::string FingerprintOutput(const NetworkState& network, int layer) {
  std::vector<char> is_needed(network.layers.size(), 0);
  is_needed[static_cast<std::size_t>(layer)] = 1;
  for (int i = layer; i >= 0; --i) {
    if (!is_needed[static_cast<std::size_t>(i)]) continue;
    for (const int input : network.layers[static_cast<std::size_t>(i)].inputs) {
      const int maker = network.value(input).layer;
      if (maker != kNoLayer) is_needed[static_cast<std::size_t>(maker)] = 1;
    }
  }
  Hash hash;
  hash.AddText("output");
  AddLayers(network, is_needed, hash);
  return hash.Digits();
}

}  // namespace espalier
