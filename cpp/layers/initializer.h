// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "core/random.h"
#include "layers/attribute_reader.h"
#include "layers/layer.h"

namespace espalier {

/// Fills `values` from the key's stream.
///
///   he:       2 / fan_in              He et al. 2015, arXiv:1502.01852
///   lecun:    1 / fan_in              LeCun et al. 1998
///   glorot:   2 / (fan_in + fan_out)  Glorot and Bengio 2010
///   standard: 1 / (3 * fan_in)        that is ±1/sqrt(fan_in): Glorot and Bengio 2010, eq. 1;
///                                     what PyTorch draws for dense layers and convolutions
///   small:    0.01^2                  Girshick 2015, arXiv:1504.08083, for new output layers
///
/// is the variance; "normal" draws from N(0, variance), "uniform" from ±sqrt(3·variance).
/// Throws Error: INVALID_ARGUMENT for an unknown name, listing the known ones.
void Initialize(const InitializerSpec& spec, const RandomKey& key, std::span<float> values);

/// True if `name` is an initializer.
bool IsInitializer(std::string_view name);

/// Throws what Initialize throws for an unknown name.
void CheckInitializer(std::string_view name);

/// How a layer's weights start, as its attributes "initializer" and, for "constant",
/// "initializer_value" say.
struct WeightInitializer {
  std::string name = "he_normal";
  double value = 0.0;

  static WeightInitializer Read(AttributeReader& reader);
  void Write(Attributes& attributes) const;
  InitializerSpec For(std::int64_t fan_in, std::int64_t fan_out) const {
    return {.name = name, .value = value, .fan_in = fan_in, .fan_out = fan_out};
  }
};

}  // namespace espalier
