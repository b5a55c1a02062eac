// SPDX-License-Identifier: Apache-2.0
#include "inference/strip_operation.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "core/checked.h"

namespace espalier {
namespace {

// Fewest rows that are worth the borders that a worker computes beside its own.
constexpr std::int64_t kFewestBandRows = 2;

}  // namespace

StripOperation::StripOperation(std::vector<std::unique_ptr<const RowOperation>> stages,
                               std::int64_t strip_floats)
    : stages_(std::move(stages)), strips_(stages_.size() - 1) {
  const std::int64_t rows = stages_.back()->window().output_rows;
  while (strip_rows_ < rows && PlaceStrips(strip_rows_ + 1) <= strip_floats) ++strip_rows_;
  strip_floats_ = PlaceStrips(strip_rows_);
}

std::int64_t StripOperation::PlaceStrips(std::int64_t output_rows) {
  std::int64_t floats = 0;
  std::int64_t rows = output_rows;
  for (std::size_t i = strips_.size(); i-- > 0;) {
    const RowWindow reader = stage(i + 1).window();
    rows = std::min(reader.input_rows, (rows - 1) * reader.stride + reader.span);
    strips_[i] = {.most_rows = rows, .offset = floats};
    floats += rows * stage(i).window().output_floats;
  }
  return floats;
}

std::int64_t StripOperation::work() const {
  std::int64_t work = 0;
  for (const auto& stage : stages_) work = SaturatedAdd(work, stage->work());
  return work;
}

std::int64_t StripOperation::ScratchFloats(std::int64_t /*batch*/) const {
  std::int64_t most = 0;
  for (const auto& stage : stages_) most = std::max(most, stage->ScratchFloats(1));
  return strip_floats_ + most;
}

std::int64_t StripOperation::NativeBytes() const {
  std::int64_t bytes = 0;
  for (const auto& stage : stages_) bytes += stage->NativeBytes();
  return bytes;
}

void StripOperation::NoteStages() {
  kernel_.clear();
  for (const auto& stage : stages_) {
    if (!kernel_.empty()) kernel_ += " > ";
    kernel_ += stage->Kernel();
  }
}

void StripOperation::Run(const OperationCall& call) const {
  const RowWindow first = stages_.front()->window();
  const RowWindow last = stages_.back()->window();
  const std::int64_t input_floats = first.input_rows * first.input_floats;
  const std::int64_t output_floats = last.output_rows * last.output_floats;
  // No bit depends on how images are cut, so the number of workers may decide.
  const std::int64_t workers = call.workspace->workers();
  const std::int64_t bands =
      std::clamp<std::int64_t>((workers + call.batch - 1) / call.batch, 1,
                               std::max<std::int64_t>(1, last.output_rows / kFewestBandRows));
  call.workspace->ParallelFor(call.batch * bands, [&](std::int64_t task, std::span<float> scratch) {
    const std::int64_t image = task / bands;
    const std::int64_t band = task % bands;
    const float* residual =
        call.inputs.size() > 1 ? call.inputs[1] + image * output_floats : nullptr;
    RunBand(call.inputs[0] + image * input_floats, residual, call.output + image * output_floats,
            {last.output_rows * band / bands, last.output_rows * (band + 1) / bands},
            scratch.data());
  });
}

void StripOperation::RunBand(const float* input, const float* residual, float* output, Rows band,
                             float* scratch) const {
  const std::size_t last = strips_.size();
  const std::int64_t output_floats = stage(last).window().output_floats;
  std::array<Rows, kMostStages> kept;    // rows that a stage's strip has
  std::array<Rows, kMostStages> wanted;  // rows that a stage computes next
  const std::int64_t rows = band.end - band.begin;
  const std::int64_t strips = (rows + strip_rows_ - 1) / strip_rows_;
  for (std::int64_t strip = 0; strip < strips; ++strip) {
    const std::int64_t row = band.begin + rows * strip / strips;
    wanted[last] = {row, band.begin + rows * (strip + 1) / strips};
    for (std::size_t i = last; i-- > 0;) {
      const RowWindow reader = stage(i + 1).window();
      const Rows& reads = wanted[i + 1];
      wanted[i] = {kept[i].end, kept[i].end};
      if (reads.begin == reads.end) continue;
      const auto clamp = [&](std::int64_t y) {
        return std::clamp<std::int64_t>(y, 0, reader.input_rows);
      };
      const std::int64_t begin = clamp(reads.begin * reader.stride - reader.pad);
      const std::int64_t end = clamp((reads.end - 1) * reader.stride - reader.pad + reader.span);
      // Rows before `begin` have been read for the last time.
      const std::int64_t floats = stage(i).window().output_floats;
      if (kept[i].end > begin) {
        std::memmove(scratch + strips_[i].offset,
                     scratch + strips_[i].offset + (begin - kept[i].begin) * floats,
                     static_cast<std::size_t>((kept[i].end - begin) * floats) * sizeof(float));
      }
      kept[i] = {begin, std::max(begin, kept[i].end)};
      wanted[i] = {kept[i].end, std::max(kept[i].end, end)};
    }
    float* const stage_scratch = scratch + strip_floats_;
    for (std::size_t i = 0; i <= last; ++i) {
      if (wanted[i].begin == wanted[i].end) continue;
      const float* const from = i == 0 ? input : scratch + strips_[i - 1].offset;
      const bool is_last = i == last;
      float* const to =
          is_last ? output + row * output_floats
                  : scratch + strips_[i].offset +
                        (wanted[i].begin - kept[i].begin) * stage(i).window().output_floats;
      stage(i).RunRows(
          {.input = from,
           .input_row = i == 0 ? 0 : kept[i - 1].begin,
           .first = wanted[i].begin,
           .last = wanted[i].end,
           .residual = is_last && residual != nullptr ? residual + row * output_floats : nullptr,
           .output = to,
           .scratch = stage_scratch});
      kept[i].end = wanted[i].end;
    }
  }
}

}  // namespace espalier
