// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv2d.h"

#include <algorithm>

#include "kernels/depthwise.h"
#include "kernels/matmul_block.h"
#include "kernels/patches.h"
#include "kernels/weight_sums.h"

namespace espalier {
namespace {

// Enough tasks for a handful of workers; more would only pack the same data more often.
constexpr std::int64_t kWantedTasks = 8;

// Positions that share one packing of the weights, over several small images if need be.
constexpr std::int64_t kSharedPositions = 512;

// Longest chain of sums over examples and positions before a part of the batch is summed
// apart: rounding errors grow with the root of the length.
constexpr std::int64_t kLongestSum = 1 << 14;

// Most floats of grad_input's padded copy in a task (1 MiB), so that it stays in L2.
constexpr std::int64_t kMostPaddedFloats = 1 << 18;

constexpr std::int64_t kMostOutputChannels = 256;  // in one task

std::int64_t Ceiling(std::int64_t value, std::int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

std::int64_t RoundUp(std::int64_t value, std::int64_t multiple) {
  return Ceiling(value, multiple) * multiple;
}

/// [0, total) cut into `count` nearly equal ranges of whole units.
struct Ranges {
  Ranges(std::int64_t total_in, std::int64_t count_in, std::int64_t unit_in = 1)
      : total(total_in), count(count_in), unit(unit_in), units(Ceiling(total_in, unit_in)) {}
  std::int64_t Begin(std::int64_t i) const { return std::min(total, units * i / count * unit); }
  std::int64_t Size(std::int64_t i) const { return Begin(i + 1) - Begin(i); }
  std::int64_t Most() const { return std::min(total, Ceiling(units, count) * unit); }

  std::int64_t total;
  std::int64_t count;
  std::int64_t unit;
  std::int64_t units;
};

// Sizes that follow from the geometry.
struct Sizes {
  explicit Sizes(const ConvolutionGeometry& geometry)
      : group_channels(geometry.channels / geometry.groups),
        group_outputs(geometry.output_channels / geometry.groups),
        kernel_area(geometry.kernel_height * geometry.kernel_width),
        depth(group_channels * kernel_area),
        image(geometry.height * geometry.width),
        positions(geometry.output_height * geometry.output_width) {}

  // Kernel elements in blocks of whole channels where a channel's fit.
  Ranges DepthBlocks(std::int64_t most) const {
    if (kernel_area > most) return Ranges(depth, Ceiling(depth, most));
    return Ranges(depth, Ceiling(group_channels, most / kernel_area), kernel_area);
  }
  Ranges Pieces() const {
    return Ranges(positions, Ceiling(positions, kMostPatchPositions), ActiveTileShape().columns);
  }

  std::int64_t group_channels;
  std::int64_t group_outputs;
  std::int64_t kernel_area;
  std::int64_t depth;
  std::int64_t image;
  std::int64_t positions;
};

// Examples that one task takes, one after the other.
std::int64_t SharedExamples(const Sizes& sizes, std::int64_t batch) {
  return std::clamp<std::int64_t>(kSharedPositions / sizes.positions, 1,
                                  std::max<std::int64_t>(1, batch / kWantedTasks));
}

// A 1 x 1 convolution without stride reads the image as the matrix that it is.
bool IsPlain(const ConvolutionGeometry& geometry) {
  return geometry.kernel_height == 1 && geometry.kernel_width == 1 && geometry.stride_height == 1 &&
         geometry.stride_width == 1 && geometry.pad_top == 0 && geometry.pad_left == 0 &&
         geometry.output_height == geometry.height && geometry.output_width == geometry.width;
}

// The channels that a range of kernel elements touches.
struct Channels {
  Channels(const Sizes& sizes, std::int64_t first_element, std::int64_t elements)
      : first(first_element / sizes.kernel_area),
        count((first_element + elements - 1) / sizes.kernel_area + 1 - first) {}
  std::int64_t first;
  std::int64_t count;
};

std::int64_t PaddedFloats(const ConvolutionGeometry& geometry, const Sizes& sizes,
                          std::int64_t positions, std::int64_t most_elements) {
  // A piece may begin inside a row and so touch one row more than its size needs.
  const std::int64_t rows =
      std::min(geometry.output_height, (positions - 1) / geometry.output_width + 2);
  const PaddedRows padded(geometry, 0, rows * geometry.output_width);
  const std::int64_t channels =
      std::min(sizes.group_channels, Ceiling(most_elements, sizes.kernel_area) + 1);
  return RoundUp(channels * padded.channel_stride() + kPatchSlack, 16);
}

// Parts of a worker's scratch.
struct Parts {
  explicit Parts(std::span<float> scratch) : next(scratch.data()) {}
  float* Take(std::int64_t floats) {
    float* part = next;
    next += RoundUp(floats + kPatchSlack, 16);
    return part;
  }
  static std::int64_t Floats(std::initializer_list<std::int64_t> sizes) {
    std::int64_t sum = 0;
    for (const std::int64_t size : sizes) sum += RoundUp(size + kPatchSlack, 16);
    return sum;
  }
  float* next;
};

constexpr std::int64_t kMostLanes = 16;  // packed B is a multiple of the lanes wide

// Most floats of a block of weights, of patches (or columns) and of grad_output, the last
// packed along positions or along channels.
std::int64_t PackedWeights(const Sizes& sizes) {
  return std::min(sizes.group_outputs, kMostOutputChannels) * std::min(sizes.depth, kMostPatchRows);
}

std::int64_t PackedPatches(const Sizes& sizes) {
  return std::min(sizes.depth, kMostPatchRows) * RoundUp(sizes.Pieces().Most(), kMostLanes);
}

std::int64_t PackedGrad(const Sizes& sizes) {
  const std::int64_t channels = std::min(sizes.group_outputs, kMostOutputChannels);
  const std::int64_t positions = sizes.Pieces().Most();
  return std::max(channels * RoundUp(positions, kMostLanes),
                  positions * RoundUp(channels, kMostLanes));
}

// Channels of grad_input in one task: their kernel elements make tall enough products, and
// their padded copies stay small.
Ranges InputChannelBlocks(const ConvolutionGeometry& geometry, const Sizes& sizes) {
  const PaddedRows padded(geometry, 0, sizes.positions);
  const std::int64_t most =
      std::clamp<std::int64_t>(kMostPaddedFloats / padded.channel_stride(), 1,
                               std::max<std::int64_t>(1, kMostPatchRows / sizes.kernel_area));
  return Ranges(sizes.group_channels, Ceiling(sizes.group_channels, most));
}

// How the sums over the batch are cut; by the sizes alone.
struct WeightPartition {
  WeightPartition(const ConvolutionGeometry& geometry, const Sizes& sizes, std::int64_t batch)
      : depth_blocks(sizes.DepthBlocks(kMostPatchRows)),
        output_blocks(sizes.group_outputs, Ceiling(sizes.group_outputs, kMostOutputChannels)),
        chunks(batch, std::clamp<std::int64_t>(
                          std::max(Ceiling(kWantedTasks, geometry.groups * depth_blocks.count *
                                                             output_blocks.count),
                                   Ceiling(batch * sizes.positions, kLongestSum)),
                          1, std::max<std::int64_t>(batch, 1))) {}
  Ranges depth_blocks;
  Ranges output_blocks;
  Ranges chunks;
};

}  // namespace

std::int64_t Conv2dScratchFloats(const ConvolutionGeometry& geometry) {
  if (UsesDepthwiseKernels(geometry)) return DepthwiseScratchFloats(geometry);
  const Sizes sizes(geometry);
  const std::int64_t piece = sizes.Pieces().Most();
  const std::int64_t padded = PaddedFloats(geometry, sizes, piece, kMostPatchRows);
  const PaddedRows whole(geometry, 0, sizes.positions);
  const std::int64_t input_channels = InputChannelBlocks(geometry, sizes).Most();
  const std::int64_t weights = PackedWeights(sizes);
  const std::int64_t patches = PackedPatches(sizes);
  const std::int64_t grad = PackedGrad(sizes);
  return std::max(
      {Parts::Floats({weights, patches, padded}), Parts::Floats({patches, grad, padded}),
       Parts::Floats({weights, grad, patches, input_channels * whole.channel_stride()})});
}

void Conv2dForward(const ConvolutionGeometry& geometry, std::int64_t batch, const float* input,
                   const float* weights, const Epilogue& epilogue, float* output,
                   Workspace& workspace) {
  if (UsesDepthwiseKernels(geometry)) {
    DepthwiseForward(geometry, batch, input, weights, epilogue, output, workspace);
    return;
  }
  const Sizes sizes(geometry);
  const bool is_plain = IsPlain(geometry);
  const Ranges pieces = sizes.Pieces();
  const Ranges depth_blocks = sizes.DepthBlocks(kMostPatchRows);
  const std::int64_t shared = SharedExamples(sizes, batch);
  const Ranges chunks(batch, Ceiling(batch, shared));
  const std::int64_t other_tasks = chunks.count * geometry.groups * pieces.count;
  const Ranges output_blocks(
      sizes.group_outputs,
      std::max(Ceiling(sizes.group_outputs, kMostOutputChannels),
               std::clamp<std::int64_t>(kWantedTasks / std::max<std::int64_t>(other_tasks, 1), 1,
                                        Ceiling(sizes.group_outputs, 64))));
  const std::int64_t panel = ActiveTileShape().columns;

  workspace.ParallelFor(other_tasks * output_blocks.count, [&](std::int64_t task,
                                                               std::span<float> scratch) {
    Parts parts(scratch);
    float* packed_weights = parts.Take(PackedWeights(sizes));
    float* packed_patches = parts.Take(PackedPatches(sizes));
    float* padded = parts.next;
    const std::int64_t piece = task % pieces.count;
    const std::int64_t block = task / pieces.count % output_blocks.count;
    const std::int64_t group = task / pieces.count / output_blocks.count % geometry.groups;
    const std::int64_t chunk = task / pieces.count / output_blocks.count / geometry.groups;
    const std::int64_t position = pieces.Begin(piece);
    const std::int64_t positions = pieces.Size(piece);
    const std::int64_t channel = group * sizes.group_outputs + output_blocks.Begin(block);
    const std::int64_t channels = output_blocks.Size(block);
    const PaddedRows padded_rows(geometry, position, positions);
    Epilogue shifted = epilogue;
    if (shifted.row_bias != nullptr) shifted.row_bias += channel;

    for (std::int64_t d = 0; d < depth_blocks.count; ++d) {
      const std::int64_t first = depth_blocks.Begin(d);
      const std::int64_t depth = depth_blocks.Size(d);
      const Channels touched(sizes, first, depth);
      PackA({weights + channel * sizes.depth + first, channels, depth, sizes.depth, 1},
            packed_weights);
      for (std::int64_t e = chunks.Begin(chunk); e < chunks.Begin(chunk + 1); ++e) {
        const float* image =
            input +
            (e * geometry.channels + group * sizes.group_channels + touched.first) * sizes.image;
        if (is_plain) {
          PackB({image + position, depth, positions, sizes.image, 1}, packed_patches);
        } else {
          PadChannels(geometry, padded_rows, image, touched.count, padded);
          PackPatchPanels({&geometry, &padded_rows, first - touched.first * sizes.kernel_area,
                           depth, position, positions},
                          padded, packed_patches);
        }
        MultiplyBlock(
            {.packed_a = packed_weights,
             .rows = channels,
             .depth = depth,
             .packed_b = packed_patches,
             .panel_stride = depth * panel,
             .columns = positions,
             .c = output + (e * geometry.output_channels + channel) * sizes.positions + position,
             .c_stride = sizes.positions,
             .epilogue = &shifted,
             .is_first = d == 0,
             .is_last = d + 1 == depth_blocks.count});
      }
    }
  });
}

void Conv2dBackwardInput(const ConvolutionGeometry& geometry, std::int64_t batch,
                         const float* grad_output, const float* weights, float* grad_input,
                         Workspace& workspace) {
  if (UsesDepthwiseKernels(geometry)) {
    DepthwiseBackwardInput(geometry, batch, grad_output, weights, grad_input, workspace);
    return;
  }
  const Sizes sizes(geometry);
  const Ranges pieces = sizes.Pieces();
  const Ranges channel_blocks = InputChannelBlocks(geometry, sizes);
  const Ranges output_blocks(sizes.group_outputs,
                             Ceiling(sizes.group_outputs, kMostOutputChannels));
  const PaddedRows padded_rows(geometry, 0, sizes.positions);
  const std::int64_t panel = ActiveTileShape().columns;
  const Epilogue plain;
  const bool is_plain = IsPlain(geometry);

  const std::int64_t tasks = batch * geometry.groups * channel_blocks.count;
  workspace.ParallelFor(tasks, [&](std::int64_t task, std::span<float> scratch) {
    Parts parts(scratch);
    float* packed_weights = parts.Take(PackedWeights(sizes));
    float* packed_grad = parts.Take(PackedGrad(sizes));
    float* columns = parts.Take(PackedPatches(sizes));
    float* padded = parts.next;
    const std::int64_t block = task % channel_blocks.count;
    const std::int64_t group = task / channel_blocks.count % geometry.groups;
    const std::int64_t e = task / channel_blocks.count / geometry.groups;
    const std::int64_t channels = channel_blocks.Size(block);
    const std::int64_t first_channel = channel_blocks.Begin(block);
    float* image =
        grad_input +
        (e * geometry.channels + group * sizes.group_channels + first_channel) * sizes.image;
    const float* grad = grad_output + (e * geometry.output_channels + group * sizes.group_outputs) *
                                          sizes.positions;
    const float* group_weights =
        weights + group * sizes.group_outputs * sizes.depth + first_channel * sizes.kernel_area;
    if (!is_plain) std::fill_n(padded, channels * padded_rows.channel_stride(), 0.0f);

    const std::int64_t elements = channels * sizes.kernel_area;
    const Ranges depth_blocks(elements, Ceiling(elements, kMostPatchRows));
    for (std::int64_t d = 0; d < depth_blocks.count; ++d) {
      const std::int64_t first = depth_blocks.Begin(d);
      const std::int64_t rows = depth_blocks.Size(d);
      for (std::int64_t piece = 0; piece < pieces.count; ++piece) {
        const std::int64_t position = pieces.Begin(piece);
        const std::int64_t positions = pieces.Size(piece);
        for (std::int64_t o = 0; o < output_blocks.count; ++o) {
          const std::int64_t output = output_blocks.Begin(o);
          const std::int64_t outputs = output_blocks.Size(o);
          if (output_blocks.count > 1 || piece == 0) {
            PackA({group_weights + output * sizes.depth + first, rows, outputs, 1, sizes.depth},
                  packed_weights);
          }
          PackB(
              {grad + output * sizes.positions + position, outputs, positions, sizes.positions, 1},
              packed_grad);
          MultiplyBlock({.packed_a = packed_weights,
                         .rows = rows,
                         .depth = outputs,
                         .packed_b = packed_grad,
                         .panel_stride = outputs * panel,
                         .columns = positions,
                         .c = is_plain ? image + first * sizes.image + position : columns,
                         .c_stride = is_plain ? sizes.image : positions,
                         .epilogue = &plain,
                         .is_first = o == 0,
                         .is_last = o + 1 == output_blocks.count});
        }
        if (!is_plain) {
          AddPatches({&geometry, &padded_rows, first, rows, position, positions}, columns,
                     positions, padded);
        }
      }
    }
    if (!is_plain) UnpadChannels(geometry, padded_rows, padded, channels, image);
  });
}

std::int64_t Conv2dPartialFloats(const ConvolutionGeometry& geometry, std::int64_t batch) {
  if (UsesDepthwiseKernels(geometry)) return 0;
  const Sizes sizes(geometry);
  return WeightPartition(geometry, sizes, batch).chunks.count * geometry.output_channels *
         sizes.depth;
}

void Conv2dBackwardWeights(const ConvolutionGeometry& geometry, std::int64_t batch,
                           const float* input, const float* grad_output, float* grad_weights,
                           float* grad_bias, float* partial, Workspace& workspace) {
  const Sizes sizes(geometry);
  if (grad_bias != nullptr) {
    ChannelSums(grad_output, batch, geometry.output_channels, sizes.positions, grad_bias,
                workspace);
  }
  if (UsesDepthwiseKernels(geometry)) {
    DepthwiseBackwardWeights(geometry, batch, input, grad_output, grad_weights, workspace);
    return;
  }
  const WeightPartition partition(geometry, sizes, batch);
  const Ranges pieces = sizes.Pieces();
  const std::int64_t panel = ActiveTileShape().columns;
  const std::int64_t chunk_floats = geometry.output_channels * sizes.depth;
  const Ranges& chunks = partition.chunks;
  const Ranges& depth_blocks = partition.depth_blocks;
  const Ranges& output_blocks = partition.output_blocks;
  const Epilogue plain;

  // partial[chunk][group][kernel element][output channel]
  const std::int64_t tasks =
      chunks.count * geometry.groups * depth_blocks.count * output_blocks.count;
  workspace.ParallelFor(tasks, [&](std::int64_t task, std::span<float> scratch) {
    Parts parts(scratch);
    float* packed_patches = parts.Take(PackedPatches(sizes));
    float* packed_grad = parts.Take(PackedGrad(sizes));
    float* padded = parts.next;
    const std::int64_t d = task % depth_blocks.count;
    const std::int64_t o = task / depth_blocks.count % output_blocks.count;
    const std::int64_t group = task / depth_blocks.count / output_blocks.count % geometry.groups;
    const std::int64_t chunk = task / depth_blocks.count / output_blocks.count / geometry.groups;
    const std::int64_t first = depth_blocks.Begin(d);
    const std::int64_t rows = depth_blocks.Size(d);
    const std::int64_t output = output_blocks.Begin(o);
    const std::int64_t outputs = output_blocks.Size(o);
    const Channels touched(sizes, first, rows);
    float* sums = partial + chunk * chunk_floats +
                  (group * sizes.depth + first) * sizes.group_outputs + output;

    for (std::int64_t e = chunks.Begin(chunk); e < chunks.Begin(chunk + 1); ++e) {
      const float* image =
          input +
          (e * geometry.channels + group * sizes.group_channels + touched.first) * sizes.image;
      const float* grad =
          grad_output +
          (e * geometry.output_channels + group * sizes.group_outputs + output) * sizes.positions;
      for (std::int64_t piece = 0; piece < pieces.count; ++piece) {
        const std::int64_t position = pieces.Begin(piece);
        const std::int64_t positions = pieces.Size(piece);
        const PaddedRows padded_rows(geometry, position, positions);
        PadChannels(geometry, padded_rows, image, touched.count, padded);
        PackPatchTiles({&geometry, &padded_rows, first - touched.first * sizes.kernel_area, rows,
                        position, positions},
                       padded, packed_patches);
        PackB({grad + position, positions, outputs, 1, sizes.positions}, packed_grad);
        MultiplyBlock({.packed_a = packed_patches,
                       .rows = rows,
                       .depth = positions,
                       .packed_b = packed_grad,
                       .panel_stride = positions * panel,
                       .columns = outputs,
                       .c = sums,
                       .c_stride = sizes.group_outputs,
                       .epilogue = &plain,
                       .is_first = e == chunks.Begin(chunk) && piece == 0,
                       .is_last = true});
      }
    }
  });

  AddPartials({.partial = partial,
               .chunks = chunks.count,
               .groups = geometry.groups,
               .depth = sizes.depth,
               .outputs = sizes.group_outputs},
              grad_weights, workspace);
}

}  // namespace espalier
