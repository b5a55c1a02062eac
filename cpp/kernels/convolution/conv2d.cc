// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/conv2d.h"

#include <algorithm>
#include <limits>

#include "kernels/norms/channels.h"
#include "kernels/convolution/conv2d_algorithm.h"
#include "kernels/convolution/conv2d_bf16.h"
#include "kernels/convolution/conv2d_weights.h"
#include "kernels/convolution/depthwise.h"
#include "kernels/matmul/matmul_bf16.h"
#include "kernels/matmul/matmul_block.h"
#include "kernels/convolution/one_channel.h"
#include "kernels/convolution/patches.h"
#include "kernels/rounding.h"

namespace espalier {
namespace {

constexpr std::int64_t kTaskProduct = 1 << 19;   // multiply-adds worth a task of their own
constexpr std::int64_t kWantedTasks = 8;         // enough for a handful of workers
constexpr std::int64_t kHeavyWeights = 1 << 19;  // 2 MiB
constexpr std::int64_t kHeavyPositions = 48;
constexpr std::int64_t kActivatedFloats = 1 << 15;

std::int64_t Positions(const ConvolutionGeometry& g) { return g.output_height * g.output_width; }
std::int64_t OutputPositions(const ConvolutionGeometry& g, bool pools) {
  return pools ? (g.output_height / 2) * (g.output_width / 2) : Positions(g);
}
std::int64_t KernelArea(const ConvolutionGeometry& g) { return g.kernel_height * g.kernel_width; }
std::int64_t GroupChannels(const ConvolutionGeometry& g) { return g.channels / g.groups; }
std::int64_t GroupOutputs(const ConvolutionGeometry& g) { return g.output_channels / g.groups; }

// Output rows in one task: few enough for the cache, and for tasks enough. Of weights that don't
// stay in L2 a task makes use for many positions.
std::int64_t BandRows(const ShiftedRows& rows, std::int64_t batch, bool pools) {
  const std::int64_t most = OutputRowsInCache(rows);
  const std::int64_t weights = std::max<std::int64_t>(1, rows.outputs * rows.depth());
  const std::int64_t positions = weights < kHeavyWeights ? 1 : kHeavyPositions;
  const std::int64_t width = std::max<std::int64_t>(1, rows.output_width);
  const std::int64_t wanted =
      std::max({Ceiling(kTaskProduct, width * weights), Ceiling(positions, width),
                Ceiling(batch * rows.output_height, 4 * kWantedTasks)});
  const std::int64_t band = std::clamp<std::int64_t>(wanted, 1, most);
  return pools ? band / 2 * 2 + (band == 1 ? 2 : 0) : band;
}

// No bit depends on how columns are cut, so the number of workers may decide.
ColumnParts CutColumns(const ShiftedRows& rows, std::int64_t pieces, const Workspace& workspace) {
  ColumnParts columns(rows.outputs, ActiveTileShape().columns, 1);
  const std::int64_t wanted = 2 * workspace.workers();
  if (workspace.workers() > 1 && pieces < wanted) {
    columns.parts = std::min(Ceiling(wanted, pieces), columns.panels);
  }
  return columns;
}

void ForwardPatches(const ShiftedRows& rows, std::int64_t batch, const float* input,
                    const float* packed, const Epilogue& epilogue, float* output,
                    std::int64_t output_image, Workspace& workspace) {
  const std::int64_t together = ImagesOfPatches(rows);
  const std::int64_t pieces = Ceiling(batch, together);
  const ColumnParts columns = CutColumns(rows, pieces, workspace);
  const std::int64_t image = rows.height * rows.width * rows.pixel_stride;
  workspace.ParallelFor(pieces * columns.parts, [&](std::int64_t task, std::span<float> scratch) {
    const std::int64_t column = columns.Begin(task % columns.parts);
    const std::int64_t first = task / columns.parts * together;
    ShiftedRows part = rows;
    part.outputs = columns.Begin(task % columns.parts + 1) - column;
    Epilogue shifted = epilogue;
    if (shifted.column_bias != nullptr) shifted.column_bias += column;
    if (shifted.residual != nullptr) shifted.residual += first * output_image + column;
    SumPatches(part, input + first * image, std::min(together, batch - first),
               packed + rows.PackedOffset(column), shifted, output + first * output_image + column,
               scratch.data());
  });
}

void ForwardShiftedRows(const ShiftedRows& rows, std::int64_t groups, std::int64_t batch,
                        const float* input, const float* packed, std::int64_t packed_group,
                        const Epilogue& epilogue, bool pools, float* output,
                        std::int64_t output_image, Workspace& workspace) {
  if (groups == 1 && !pools && TakesPatches(rows) &&
      output_image == rows.output_height * rows.output_row_stride) {
    ForwardPatches(rows, batch, input, packed, epilogue, output, output_image, workspace);
    return;
  }
  const std::int64_t band = BandRows(rows, batch, pools);
  const std::int64_t bands = Ceiling(rows.output_height, band);
  const std::int64_t image = rows.height * rows.width * rows.pixel_stride;
  const std::int64_t pieces = batch * groups * bands;
  // Each part of the columns pads its rows anew.
  const ColumnParts columns = pools ? ColumnParts(rows.outputs, ActiveTileShape().columns, 1)
                                    : CutColumns(rows, pieces, workspace);
  workspace.ParallelFor(pieces * columns.parts, [&](std::int64_t task, std::span<float> scratch) {
    const std::int64_t column = columns.Begin(task % columns.parts);
    const std::int64_t piece = task / columns.parts;
    const std::int64_t first = piece % bands * band;
    const std::int64_t last = std::min(rows.output_height, first + band);
    const std::int64_t group = piece / bands % groups;
    const std::int64_t example = piece / bands / groups;
    ShiftedRows part = rows;
    part.outputs = columns.Begin(task % columns.parts + 1) - column;
    Epilogue shifted = epilogue;
    const std::int64_t output_column = group * rows.outputs + column;
    if (shifted.column_bias != nullptr) shifted.column_bias += output_column;
    if (shifted.residual != nullptr) shifted.residual += example * output_image + output_column;
    SumShiftedRows(part, input + example * image + group * rows.channels, first, last,
                   packed + group * packed_group + rows.PackedOffset(column), shifted, pools,
                   output + example * output_image + output_column, scratch.data());
  });
}

void RunWinograd(const WinogradConvolution& convolution, std::int64_t batch, const float* input,
                 const float* packed, const Epilogue& epilogue, bool pools, float* output,
                 Workspace& workspace) {
  if (IsClamp(epilogue.activation)) {
    WinogradForward(convolution, batch, input, packed, epilogue, pools, output, workspace);
    return;
  }
  Epilogue linear = epilogue;
  linear.activation = Activation::kNone;
  WinogradForward(convolution, batch, input, packed, linear, pools, output, workspace);
  const std::int64_t floats =
      batch * convolution.output_height * convolution.output_width * convolution.output_channels;
  workspace.ParallelFor(
      Ceiling(floats, kActivatedFloats), [&](std::int64_t task, std::span<float>) {
        float* const at = output + task * kActivatedFloats;
        ActivationForward(epilogue.activation, epilogue.slope, at,
                          std::min(kActivatedFloats, floats - task * kActivatedFloats), at);
      });
}

// The gradient of an input with stride: positions that are alike modulo the stride read the
// same elements of the kernel, so each class of them is a convolution with stride 1.
struct StrideClass {
  StrideClass(const ConvolutionGeometry& g, std::int64_t row, std::int64_t column) {
    const Axis y(row, g.stride_height, g.pad_top, (g.kernel_height - 1) * g.dilation_height + 1,
                 g.height);
    const Axis x(column, g.stride_width, g.pad_left, (g.kernel_width - 1) * g.dilation_width + 1,
                 g.width);
    elements = {.rows = y.taps,
                .columns = x.taps,
                .first_row = y.first,
                .row_step = -g.stride_height,
                .row_dilation = g.dilation_height,
                .first_column = x.first,
                .column_step = -g.stride_width,
                .column_dilation = g.dilation_width,
                .kernel_width = g.kernel_width};
    rows = {.height = g.output_height,
            .width = g.output_width,
            .channels = GroupOutputs(g),
            .pixel_stride = g.output_channels,
            .kernel_height = y.taps,
            .kernel_width = x.taps,
            .stride_height = 1,
            .stride_width = 1,
            .dilation_height = 1,
            .dilation_width = 1,
            .pad_top = y.pad,
            .pad_left = x.pad,
            .outputs = GroupChannels(g),
            .output_height = y.positions,
            .output_width = x.positions,
            .output_row_stride = g.stride_height * g.width * g.channels,
            .output_pixel_stride = g.stride_width * g.channels};
    offset = (row * g.width + column) * g.channels;
  }

  bool is_empty() const { return rows.output_height == 0 || rows.output_width == 0; }
  bool has_terms() const { return elements.rows > 0 && elements.columns > 0; }
  /// Of one group.
  std::int64_t packed_floats() const {
    return has_terms() ? PackedFloats(rows.depth(), rows.outputs) : 0;
  }

  struct Axis {
    Axis(std::int64_t phase, std::int64_t stride, std::int64_t pad_in, std::int64_t kernel,
         std::int64_t size) {
      const std::int64_t nearest = (phase + pad_in) % stride;
      taps = nearest < kernel ? (kernel - 1 - nearest) / stride + 1 : 0;
      first = nearest + stride * (taps - 1);
      pad = taps - 1 - (phase + pad_in) / stride;
      positions = phase < size ? (size - phase - 1) / stride + 1 : 0;
    }
    std::int64_t taps, first, pad, positions;
  };

  KernelElements elements;
  ShiftedRows rows;
  std::int64_t offset;  // of the class's first position
};

template <typename Visit>
void ForStrideClasses(const ConvolutionGeometry& g, Visit visit) {
  for (std::int64_t row = 0; row < g.stride_height; ++row) {
    for (std::int64_t column = 0; column < g.stride_width; ++column) {
      const StrideClass part(g, row, column);
      if (!part.is_empty()) visit(part);
    }
  }
}

void ZeroClass(const StrideClass& part, std::int64_t batch, std::int64_t groups, std::int64_t image,
               float* grad_input) {
  for (std::int64_t e = 0; e < batch; ++e) {
    for (std::int64_t y = 0; y < part.rows.output_height; ++y) {
      float* at = grad_input + e * image + part.offset + y * part.rows.output_row_stride;
      for (std::int64_t x = 0; x < part.rows.output_width; ++x) {
        std::fill_n(at + x * part.rows.output_pixel_stride, groups * part.rows.outputs, 0.0f);
      }
    }
  }
}

// Whether the input's gradient goes by stride classes, one of them without stride. With one output
// a group its geometry is that of a depthwise convolution, whose kernels pack weights as they lie,
// not turned.
bool GoesByStrideClasses(const ConvolutionGeometry& g) {
  return g.stride_height > 1 || g.stride_width > 1 || UsesDepthwiseKernels(GradientGeometry(g));
}

// How the direct sums over the batch are cut; by the sizes alone.
struct WeightPartition {
  WeightPartition(const ConvolutionGeometry& g, std::int64_t batch)
      : column_parts(Ceiling(GroupOutputs(g), kColumns)),
        chunks(std::clamp<std::int64_t>(
            Ceiling(kWantedTasks, g.groups * column_parts), 1,
            std::max<std::int64_t>(1, std::min(batch, kMostPartial / sums(g))))) {}
  static std::int64_t sums(const ConvolutionGeometry& g) {
    return KernelArea(g) * GroupChannels(g) * g.output_channels;
  }
  static constexpr std::int64_t kColumns = 128;
  static constexpr std::int64_t kMostPartial = 1 << 22;  // 16 MiB

  std::int64_t column_parts;
  std::int64_t chunks;
};

void BackwardWeightsByRows(const ConvolutionGeometry& g, std::int64_t batch, const float* input,
                           const float* grad_output, float* grad_weights, float* buffer,
                           Workspace& workspace) {
  const ShiftedRows rows = ToShiftedRows(g);
  const WeightPartition partition(g, batch);
  if (batch == 0) {
    std::fill_n(grad_weights, WeightPartition::sums(g), 0.0f);
    return;
  }
  const std::int64_t sums = WeightPartition::sums(g);
  const std::int64_t group_sums = sums / g.groups;
  const std::int64_t band = OutputRowsInCache(rows);
  const std::int64_t images = band < rows.output_height ? 1 : ImagesInCache(rows);
  const std::int64_t image = g.height * g.width * g.channels;
  const std::int64_t output_image = Positions(g) * g.output_channels;
  workspace.ParallelFor(
      partition.chunks * g.groups * partition.column_parts,
      [&](std::int64_t task, std::span<float> scratch) {
        const std::int64_t part = task % partition.column_parts;
        const std::int64_t group = task / partition.column_parts % g.groups;
        const std::int64_t chunk = task / partition.column_parts / g.groups;
        const std::int64_t column = rows.outputs * part / partition.column_parts;
        const std::int64_t columns = rows.outputs * (part + 1) / partition.column_parts - column;
        float* const to = buffer + chunk * sums + group * group_sums + column;
        const std::int64_t begin = batch * chunk / partition.chunks;
        const std::int64_t end = batch * (chunk + 1) / partition.chunks;
        for (std::int64_t e = begin; e < end; e += images) {
          for (std::int64_t y = 0; y < rows.output_height; y += band) {
            SumWeightGradients(rows, input + e * image + group * rows.channels,
                               grad_output + e * output_image + group * rows.outputs + column,
                               {.images = std::min(images, end - e),
                                .first = y,
                                .last = std::min(rows.output_height, y + band)},
                               columns, e > begin || y > 0, to, rows.outputs, scratch.data());
          }
        }
      });
  for (std::int64_t group = 0; group < g.groups; ++group) {
    GatherWeightGradients(KernelArea(g), rows.channels, rows.outputs, buffer + group * group_sums,
                          partition.chunks, sums, grad_weights + group * group_sums, workspace);
  }
}

}  // namespace

std::int64_t Conv2dScratchFloats(const ConvolutionGeometry& geometry) {
  std::int64_t most = 0;
  if (UsesDepthwiseKernels(geometry)) return DepthwiseScratchFloats(geometry);
  const auto add = [&most](const ConvolutionGeometry& g) {
    const ConvolutionAlgorithm algorithm = ChooseAlgorithm(g);
    if (IsWinograd(algorithm)) {
      most = std::max(most, WinogradScratchFloats(ToWinograd(g, algorithm)));
    }
    if (algorithm == ConvolutionAlgorithm::kPlain) {
      const std::int64_t any_rows = std::numeric_limits<std::int32_t>::max();
      most = std::max(
          most, MatmulPackedScratchFloats(MatrixRef::RowMajor(nullptr, any_rows, g.channels)));
    }
    const ShiftedRows rows = ToShiftedRows(g);
    most = std::max(most, ShiftedRowsScratchFloats(rows, OutputRowsInCache(rows) + 1, true));
    if (TakesPatches(rows)) most = std::max(most, PatchesScratchFloats(rows));
    most = std::max(most, ImagesInCache(rows) * PaddedImageFloats(rows, rows.output_height));
  };
  add(geometry);
  if (!GoesByStrideClasses(geometry)) {
    add(GradientGeometry(geometry));
  } else {
    ForStrideClasses(geometry, [&](const StrideClass& part) {
      if (!part.has_terms()) return;
      const std::int64_t band = OutputRowsInCache(part.rows);
      most = std::max(most, ShiftedRowsScratchFloats(part.rows, band, false));
      if (TakesPatches(part.rows)) most = std::max(most, PatchesScratchFloats(part.rows));
    });
  }
  return most;
}

std::int64_t Conv2dPackedFloats(const ConvolutionGeometry& g) {
  const ConvolutionAlgorithm algorithm = ChooseAlgorithm(g);
  if (algorithm == ConvolutionAlgorithm::kDepthwise) return DepthwisePackedFloats(g);
  if (IsWinograd(algorithm)) return WinogradPackedFloats(ToWinograd(g, algorithm));
  return g.groups * PackedFloats(KernelArea(g) * GroupChannels(g), GroupOutputs(g));
}

void Conv2dPackWeights(const ConvolutionGeometry& g, const float* weights, float* packed,
                       Workspace& workspace) {
  const ConvolutionAlgorithm algorithm = ChooseAlgorithm(g);
  const std::int64_t depth = KernelArea(g) * GroupChannels(g);
  if (algorithm == ConvolutionAlgorithm::kDepthwise) {
    DepthwisePackWeights(g, weights, packed);
  } else if (IsWinograd(algorithm)) {
    WinogradPack(ToWinograd(g, algorithm), weights, KernelArea(g), depth, false, packed, workspace);
  } else if (KernelArea(g) == 1 && g.groups == 1) {
    PackB(MatrixRef::RowMajor(weights, g.output_channels, g.channels).Transposed(), packed);
  } else {
    const std::int64_t outputs = GroupOutputs(g);
    for (std::int64_t group = 0; group < g.groups; ++group) {
      PackKernelElements(WholeKernel(g.kernel_height, g.kernel_width),
                         {.data = weights + group * outputs * depth,
                          .k = GroupChannels(g),
                          .n = outputs,
                          .k_stride = KernelArea(g),
                          .n_stride = depth},
                         packed + group * PackedFloats(depth, outputs), workspace);
    }
  }
}

bool Conv2dCanAdd(const ConvolutionGeometry& geometry) {
  return !UsesDepthwiseKernels(geometry) && !IsOneChannel(ToShiftedRows(geometry));
}

bool Conv2dCanPool(const ConvolutionGeometry& geometry, Activation activation) {
  const ConvolutionAlgorithm algorithm = ChooseAlgorithm(geometry);
  return geometry.groups == 1 && algorithm != ConvolutionAlgorithm::kDepthwise &&
         algorithm != ConvolutionAlgorithm::kPlain && IsClamp(activation) &&
         geometry.output_height >= 2 && geometry.output_width >= 2;
}

namespace {

void RunForward(const ConvolutionGeometry& g, std::int64_t batch, const float* input,
                const float* packed, const Epilogue& epilogue, bool pools, float* output,
                Workspace& workspace) {
  if (batch == 0) return;  // nothing that could be cut into parts
  const ConvolutionAlgorithm algorithm = ChooseAlgorithm(g);
  switch (algorithm) {
    case ConvolutionAlgorithm::kDepthwise:
      DepthwiseForward(g, batch, input, packed, epilogue, output, workspace);
      return;
    case ConvolutionAlgorithm::kPlain:
      ParallelMatmulPacked(MatrixRef::RowMajor(input, batch * Positions(g), g.channels), packed,
                           g.output_channels, output, g.output_channels, epilogue, workspace);
      return;
    case ConvolutionAlgorithm::kWinograd2:
    case ConvolutionAlgorithm::kWinograd4:
      RunWinograd(ToWinograd(g, algorithm), batch, input, packed, epilogue, pools, output,
                  workspace);
      return;
    case ConvolutionAlgorithm::kShiftedRows:
      break;
  }
  ForwardShiftedRows(ToShiftedRows(g), g.groups, batch, input, packed,
                     PackedFloats(KernelArea(g) * GroupChannels(g), GroupOutputs(g)), epilogue,
                     pools, output, OutputPositions(g, pools) * g.output_channels, workspace);
}

}  // namespace

void Conv2dForward(const ConvolutionGeometry& geometry, std::int64_t batch, const float* input,
                   const float* packed, const Epilogue& epilogue, float* output,
                   Workspace& workspace) {
  RunForward(geometry, batch, input, packed, epilogue, false, output, workspace);
}

void Conv2dForwardBf16(const ConvolutionGeometry& g, std::int64_t batch, const float* input,
                       const std::uint32_t* packed, const Epilogue& epilogue, bool pools,
                       float* output, Workspace& workspace) {
  if (batch == 0) return;
  if (ChooseAlgorithm(g) == ConvolutionAlgorithm::kPlain) {
    ParallelMatmulBf16(MatrixRef::RowMajor(input, batch * Positions(g), g.channels), packed,
                       g.output_channels, output, g.output_channels, epilogue, workspace);
    return;
  }
  ShiftedRows rows = ToShiftedRows(g);
  rows.has_bf16_weights = true;
  ForwardShiftedRows(rows, 1, batch, input, reinterpret_cast<const float*>(packed), 0, epilogue,
                     pools, output, OutputPositions(g, pools) * g.output_channels, workspace);
}

bool Conv2dHasRows(const ConvolutionGeometry& geometry) {
  const ConvolutionAlgorithm algorithm = ChooseAlgorithm(geometry);
  return algorithm == ConvolutionAlgorithm::kDepthwise ||
         algorithm == ConvolutionAlgorithm::kPlain ||
         (algorithm == ConvolutionAlgorithm::kShiftedRows && geometry.groups == 1);
}

void Conv2dForwardRows(const ConvolutionGeometry& g, const ConvolutionRows& rows,
                       const float* packed, const Epilogue& epilogue) {
  const ConvolutionAlgorithm algorithm = ChooseAlgorithm(g);
  if (algorithm == ConvolutionAlgorithm::kDepthwise) {
    DepthwiseForwardRows(g, rows.input, rows.input_row, rows.first, rows.last, packed, epilogue,
                         rows.output, rows.scratch);
    return;
  }
  if (algorithm == ConvolutionAlgorithm::kPlain) {
    const std::int64_t skipped = (rows.first - rows.input_row) * g.width * g.channels;
    MatmulPacked(
        MatrixRef::RowMajor(rows.input + skipped, (rows.last - rows.first) * g.width, g.channels),
        packed, g.output_channels, rows.output, g.output_channels, epilogue, rows.scratch);
    return;
  }
  // An image that begins with the first of these rows, so that all are padded as in the whole.
  ShiftedRows image = ToShiftedRows(g);
  image.pad_top += rows.input_row - rows.first * g.stride_height;
  image.height -= rows.input_row;
  const std::int64_t band = OutputRowsInCache(image);
  for (std::int64_t row = 0; row < rows.last - rows.first; row += band) {
    SumShiftedRows(image, rows.input, row, std::min(rows.last - rows.first, row + band), packed,
                   epilogue, false, rows.output, rows.scratch);
  }
}

void Conv2dForwardPooled(const ConvolutionGeometry& geometry, std::int64_t batch,
                         const float* input, const float* packed, const Epilogue& epilogue,
                         float* output, Workspace& workspace) {
  RunForward(geometry, batch, input, packed, epilogue, true, output, workspace);
}

std::int64_t Conv2dPackedBackwardFloats(const ConvolutionGeometry& g) {
  if (UsesDepthwiseKernels(g)) return DepthwisePackedFloats(g);
  if (!GoesByStrideClasses(g)) return Conv2dPackedFloats(GradientGeometry(g));
  std::int64_t floats = 0;
  ForStrideClasses(g, [&](const StrideClass& part) { floats += g.groups * part.packed_floats(); });
  return floats;
}

void Conv2dPackWeightsBackward(const ConvolutionGeometry& g, const float* weights, float* packed,
                               Workspace& workspace) {
  if (UsesDepthwiseKernels(g)) {
    DepthwisePackWeights(g, weights, packed);
    return;
  }
  const std::int64_t area = KernelArea(g);
  const std::int64_t channels = GroupChannels(g);
  const std::int64_t outputs = GroupOutputs(g);
  // Seen from the output's side: k is an output channel, n an input channel.
  const auto pack_elements = [&](const KernelElements& elements, std::int64_t group_floats) {
    for (std::int64_t group = 0; group < g.groups; ++group, packed += group_floats) {
      PackKernelElements(elements,
                         {.data = weights + group * outputs * channels * area,
                          .k = outputs,
                          .n = channels,
                          .k_stride = channels * area,
                          .n_stride = area},
                         packed, workspace);
    }
  };
  if (GoesByStrideClasses(g)) {
    ForStrideClasses(g, [&](const StrideClass& part) {
      if (part.has_terms()) pack_elements(part.elements, part.packed_floats());
    });
    return;
  }
  const ConvolutionGeometry gradient = GradientGeometry(g);
  const ConvolutionAlgorithm algorithm = ChooseAlgorithm(gradient);
  if (IsWinograd(algorithm)) {
    WinogradPack(ToWinograd(gradient, algorithm), weights, channels * area, area, true, packed,
                 workspace);
  } else if (algorithm == ConvolutionAlgorithm::kPlain) {
    PackB(MatrixRef::RowMajor(weights, outputs, channels), packed);
  } else {
    KernelElements turned = WholeKernel(g.kernel_height, g.kernel_width);
    turned.first_row = g.kernel_height - 1;
    turned.first_column = g.kernel_width - 1;
    turned.row_step = turned.column_step = -1;
    pack_elements(turned, PackedFloats(area * outputs, channels));
  }
}

void Conv2dBackwardInput(const ConvolutionGeometry& g, std::int64_t batch, const float* grad_output,
                         const float* packed, float* grad_input, Workspace& workspace) {
  if (batch == 0) return;
  if (UsesDepthwiseKernels(g)) {
    DepthwiseBackwardInput(g, batch, grad_output, packed, grad_input, workspace);
    return;
  }
  if (!GoesByStrideClasses(g)) {
    RunForward(GradientGeometry(g), batch, grad_output, packed, {}, false, grad_input, workspace);
    return;
  }
  const std::int64_t image = g.height * g.width * g.channels;
  ForStrideClasses(g, [&](const StrideClass& part) {
    if (!part.has_terms()) {
      ZeroClass(part, batch, g.groups, image, grad_input);
      return;
    }
    ForwardShiftedRows(part.rows, g.groups, batch, grad_output, packed, part.packed_floats(), {},
                       false, grad_input + part.offset, image, workspace);
    packed += g.groups * part.packed_floats();
  });
}

std::int64_t Conv2dBackwardWeightsFloats(const ConvolutionGeometry& g, std::int64_t batch) {
  const ConvolutionAlgorithm algorithm = ChooseAlgorithm(g);
  if (algorithm == ConvolutionAlgorithm::kDepthwise) {
    return DepthwiseBackwardWeightsFloats(g, batch);
  }
  const std::int64_t sums = IsWinograd(algorithm)
                                ? WinogradGradWeightsFloats(ToWinograd(g, algorithm), batch)
                                : WeightPartition(g, batch).chunks * WeightPartition::sums(g);
  return std::max(sums, ChannelPartialFloats({batch * Positions(g), g.output_channels}));
}

void Conv2dBackwardWeights(const ConvolutionGeometry& g, std::int64_t batch, const float* input,
                           const float* grad_output, float* grad_weights, float* grad_bias,
                           float* buffer, Workspace& workspace) {
  const ConvolutionAlgorithm algorithm = ChooseAlgorithm(g);
  if (algorithm == ConvolutionAlgorithm::kDepthwise) {
    DepthwiseBackwardWeights(g, batch, input, grad_output, grad_weights, grad_bias, buffer,
                             workspace);
    return;
  }
  if (IsWinograd(algorithm)) {
    WinogradBackwardWeights(ToWinograd(g, algorithm), batch, input, grad_output, grad_weights,
                            buffer, workspace);
  } else {
    BackwardWeightsByRows(g, batch, input, grad_output, grad_weights, buffer, workspace);
  }
  if (grad_bias != nullptr) {
    ChannelSums({batch * Positions(g), g.output_channels}, grad_output, grad_bias, buffer,
                workspace);
  }
}

}  // namespace espalier
