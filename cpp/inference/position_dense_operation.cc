// SPDX-License-Identifier: Apache-2.0
#include "inference/position_dense_operation.h"

#include <utility>
#include <vector>

#include "core/checked.h"
#include "core/text.h"

namespace espalier {
namespace {

std::vector<FoldedWeights> Only(FoldedWeights weights) {
  std::vector<FoldedWeights> parts;
  parts.push_back(std::move(weights));
  return parts;
}

}  // namespace

PositionDenseOperation::PositionDenseOperation(std::int64_t positions, const Length& length,
                                               std::int64_t inputs, FoldedWeights weights,
                                               FusedActivation activation, Precision precision)
    : positions_(positions),
      length_(length),
      outputs_(weights.weights.size() / inputs),
      dense_(inputs, Only(std::move(weights)), activation, precision) {}

void PositionDenseOperation::Run(const OperationCall& call) const {
  OperationCall rows = call;
  rows.batch = call.batch * length_.Cut(positions_, call.lengths);
  rows.output_stride = outputs_;
  dense_.Run(rows);
}

std::int64_t PositionDenseOperation::work() const {
  return SaturatedMultiply(positions_, dense_.work());
}

std::string PositionDenseOperation::Kernel() const {
  return Concat(dense_.Kernel(), " at ", positions_, " positions");
}

}  // namespace espalier
