// SPDX-License-Identifier: Apache-2.0
#include "inference/dense_operation.h"

#include <algorithm>
#include <string_view>

#include "core/text.h"
#include "kernels/matmul/matmul_bf16.h"

namespace espalier {
namespace {

std::int64_t Outputs(const FoldedWeights& part, std::int64_t inputs) {
  return part.weights.size() / inputs;
}

}  // namespace

DenseOperation::DenseOperation(std::int64_t inputs, const std::vector<FoldedWeights>& parts,
                               FusedActivation activation, Precision precision)
    : inputs_(inputs) {
  bool has_bias = false;
  for (const FoldedWeights& part : parts) {
    outputs_ += Outputs(part, inputs_);
    has_bias = has_bias || !part.bias.empty();
  }
  AlignedArray<float> rows(inputs_ * outputs_);
  bias_ = AlignedArray<float>(has_bias ? outputs_ : 0);
  std::int64_t row = 0;
  for (const FoldedWeights& part : parts) {
    std::copy_n(part.weights.data(), part.weights.size(), rows.data() + row * inputs_);
    std::copy_n(part.bias.data(), part.bias.size(), bias_.data() + row);
    row += Outputs(part, inputs_);
  }
  epilogue_.column_bias = bias_.data();
  epilogue_.activation = activation.activation;
  epilogue_.slope = activation.slope;
  const MatrixRef weights = MatrixRef::RowMajor(rows.data(), outputs_, inputs_).Transposed();
  if (precision == Precision::kBf16Weights) {
    packed_bf16_ = AlignedArray<std::uint32_t>(PackedBf16Words(inputs_, outputs_));
    PackBf16(weights, packed_bf16_.data());
    form_ = ", weights in bfloat16";
    return;
  }
  if (precision == Precision::kInt8) {
    const std::string_view reason = Int8KeepsFloat(inputs_, outputs_);
    if (reason.empty()) {
      int8_ = QuantizeWeights(weights);
      float* scales = int8_.scales.data();
      for (const FoldedWeights& part : parts) {
        ScaleColumns(part.scales.span(), scales);
        scales += Outputs(part, inputs_);
      }
      form_ = ", in int8";
      return;
    }
    form_ = Concat(", weights in float: ", reason);
  }
  packed_ = AlignedArray<float>(PackedFloats(inputs_, outputs_));
  PackB(weights, packed_.data());
}

void DenseOperation::Run(const OperationCall& call) const {
  if (call.inputs.size() == 1) {
    Multiply(call, epilogue_);
    return;
  }
  Epilogue epilogue = epilogue_;
  epilogue.residual = call.inputs[1];
  epilogue.residual_stride = outputs_;
  Multiply(call, epilogue);
}

void DenseOperation::Multiply(const OperationCall& call, const Epilogue& epilogue) const {
  const bool is_alone = call.workspace->workers() == 1;
  if (call.batch == 1 && is_alone && !packed_.empty()) {
    MultiplyRow({call.inputs[0], inputs_, packed_.data(), outputs_, call.output, call.order},
                epilogue);
    return;
  }
  const MatrixRef x = MatrixRef::RowMajor(call.inputs[0], call.batch, inputs_);
  if (!int8_.packed.empty()) {
    ParallelMatmulInt8(x, int8_, call.output, call.output_stride, epilogue, *call.workspace);
  } else if (!packed_bf16_.empty()) {
    ParallelMatmulBf16(x, packed_bf16_.data(), outputs_, call.output, call.output_stride, epilogue,
                       *call.workspace, call.order);
  } else if (is_alone) {
    MatmulPacked(x, packed_.data(), outputs_, call.output, call.output_stride, epilogue,
                 call.workspace->caller_scratch().data(), call.order);
  } else {
    ParallelMatmulPacked(x, packed_.data(), outputs_, call.output, call.output_stride, epilogue,
                         *call.workspace, call.order);
  }
}

std::int64_t DenseOperation::ScratchFloats(std::int64_t batch) const {
  if (!int8_.packed.empty()) return Int8ScratchFloats(batch, inputs_);
  if (!packed_bf16_.empty()) return 0;
  return MatmulPackedScratchFloats(MatrixRef::RowMajor(nullptr, batch, inputs_));
}

std::string DenseOperation::Kernel() const {
  return Concat("product ", inputs_, " x ", outputs_, form_);
}

}  // namespace espalier
