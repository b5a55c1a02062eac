// SPDX-License-Identifier: Apache-2.0
#include "layers/initializer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "core/near_names.h"
#include "core/text.h"

namespace espalier {
namespace {

enum class Fans { kNone, kIn, kBoth };

struct Scheme {
  const char* name;
  Fans fans;    // what the gain is divided by; kNone: by nothing
  double gain;  // 0: nothing is drawn
  bool is_uniform;
};

constexpr std::array kSchemes = {
    Scheme{"zeros", Fans::kNone, 0.0, false},
    Scheme{"constant", Fans::kNone, 0.0, false},
    Scheme{"small_normal", Fans::kNone, 0.01 * 0.01, false},
    Scheme{"standard_uniform", Fans::kIn, 1.0 / 3.0, true},
    Scheme{"he_normal", Fans::kIn, 2.0, false},
    Scheme{"he_uniform", Fans::kIn, 2.0, true},
    Scheme{"glorot_normal", Fans::kBoth, 2.0, false},
    Scheme{"glorot_uniform", Fans::kBoth, 2.0, true},
    Scheme{"lecun_normal", Fans::kIn, 1.0, false},
    Scheme{"lecun_uniform", Fans::kIn, 1.0, true},
};

const Scheme* FindScheme(std::string_view name) {
  const auto* found = std::find_if(kSchemes.begin(), kSchemes.end(),
                                   [&](const Scheme& scheme) { return name == scheme.name; });
  return found == kSchemes.end() ? nullptr : found;
}

double Divisor(Fans fans, const InitializerSpec& spec) {
  switch (fans) {
    case Fans::kNone:
      return 1.0;
    case Fans::kIn:
      return static_cast<double>(spec.fan_in);
    case Fans::kBoth:
      return static_cast<double>(spec.fan_in) + static_cast<double>(spec.fan_out);
  }
  return 1.0;
}

void Draw(const InitializerSpec& spec, const Scheme& scheme, const RandomKey& key,
          std::span<float> values) {
  const double variance = scheme.gain / Divisor(scheme.fans, spec);
  Random random(key);
  if (scheme.is_uniform) {
    const double limit = std::sqrt(3.0 * variance);
    for (float& value : values) {
      value = static_cast<float>((2.0 * random.NextUniform() - 1.0) * limit);
    }
  } else {
    const double deviation = std::sqrt(variance);
    for (float& value : values) value = static_cast<float>(random.NextNormal() * deviation);
  }
}

}  // namespace

void Initialize(const InitializerSpec& spec, const RandomKey& key, std::span<float> values) {
  CheckInitializer(spec.name);
  const Scheme& scheme = *FindScheme(spec.name);
  if (scheme.gain == 0.0) {
    const double value = spec.name == "constant" ? spec.value : 0.0;
    std::fill(values.begin(), values.end(), static_cast<float>(value));
  } else {
    Draw(spec, scheme, key, values);
  }
  std::fill(values.begin() + spec.first_zero, values.begin() + spec.last_zero, 0.0f);
}

bool IsInitializer(std::string_view name) { return FindScheme(name) != nullptr; }

void CheckInitializer(std::string_view name) {
  if (IsInitializer(name)) return;
  std::vector<std::string> known;
  for (const Scheme& scheme : kSchemes) known.emplace_back(scheme.name);
  Fail(ErrorCode::kInvalidArgument, "unknown initializer '", name, "', known are ",
       Join(known, ", "), DidYouMean(name, known));
}

WeightInitializer WeightInitializer::Read(AttributeReader& reader) {
  WeightInitializer result;
  result.name = reader.Text("initializer", result.name);
  CheckInitializer(result.name);
  if (result.name == "constant") {
    result.value = reader.Real("initializer_value", -1e30, 1e30, result.value);
  }
  return result;
}

void WeightInitializer::Write(Attributes& attributes) const {
  attributes["initializer"] = name;
  if (name == "constant") attributes["initializer_value"] = value;
}

}  // namespace espalier
