// SPDX-License-Identifier: Apache-2.0

// Any bytes as weights of another program: refused with MODEL_FILE, or read, and the network is
// what it was or finite. Built with -DESPALIER_FUZZERS=ON (clang).

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "core/memory.h"
#include "espalier/builder.h"
#include "espalier/error.h"
#include "files/load_weights.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  SetNativeBytesLimit(std::int64_t{1} << 28);
  NetworkBuilder builder(Shape::Vector(2));
  Network network = builder.Dense("a", 2).Dense("b", 1).Build(1);
  const WeightMap ruled = {.rules = {{"b.weight", "c", WeightRule::Values::kReshaped},
                                     {"a.weight", "d", WeightRule::Values::kSame, {"e"}},
                                     {"*.weight", "*", WeightRule::Values::kTransposed}},
                           .may_stay = {"*"},
                           .may_be_unused = {"*"}};
  const WeightMap learned = {.may_be_unused = {"?"}, .learned = true};
  const std::vector<float> before = network.ReadParameter("a.weight");
  const MemorySource file(std::as_bytes(std::span(data, size)));
  try {
    LoadWeightsFrom(network, file, size % 2 == 0 ? ruled : learned);
    for (const ParameterDescription& parameter : network.Parameters()) {
      if (!std::ranges::all_of(network.ReadParameter(parameter.path),
                               [](float value) { return std::isfinite(value); })) {
        std::abort();
      }
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kModelFile || network.ReadParameter("a.weight") != before) {
      std::abort();
    }
  }
  return 0;
}
