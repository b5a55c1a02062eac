// SPDX-License-Identifier: Apache-2.0
#include "import/operators.h"

#include <algorithm>
#include <vector>

namespace espalier {
namespace {

bool ComesBefore(const ForeignOperator& a, const ForeignOperator& b) { return a.kind < b.kind; }

std::vector<ForeignOperator> AllOperators() {
  std::vector<ForeignOperator> all;
  for (const auto family :
       {ActivationOperators, AttentionOperators, ConvolutionOperators, EinsumOperators,
        ElementwiseOperators, MatmulOperators, NormOperators, PoolingOperators, QuantizedOperators,
        RecurrentOperators, ReductionOperators, ResizeOperators, SelectionOperators,
        ShapeOperators}) {
    const std::span<const ForeignOperator> rows = family();
    all.insert(all.end(), rows.begin(), rows.end());
  }
  std::ranges::stable_sort(all, ComesBefore);
  return all;
}

}  // namespace

std::span<const ForeignOperator> ForeignOperators() {
  static const std::vector<ForeignOperator> kAll = AllOperators();
  return kAll;
}

const ForeignOperator* FindOperator(std::string_view domain, std::string_view kind,
                                    std::int64_t version) {
  const std::span<const ForeignOperator> all = ForeignOperators();
  const auto [first, last] = std::ranges::equal_range(all, kind, {}, &ForeignOperator::kind);
  const auto found = std::find_if(first, last, [&](const ForeignOperator& row) {
    return row.domain == domain && row.first_version <= version && version <= row.last_version;
  });
  return found == last ? nullptr : &*found;
}

}  // namespace espalier
