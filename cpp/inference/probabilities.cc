// SPDX-License-Identifier: Apache-2.0
#include "inference/probabilities.h"

#include "kernels/elementwise/activation.h"
#include "kernels/attention/softmax.h"

namespace espalier {

Probabilities::Probabilities(std::span<const GraphHead> heads, std::int64_t behind) {
  for (const GraphHead& head : heads) {
    const TaskKind kind = head.task.kind;
    const bool continues = !segments_.empty() && segments_.back().kind == TaskKind::kLabels &&
                           segments_.back().offset + segments_.back().width == width_;
    if (kind == TaskKind::kLabels && continues) {
      segments_.back().width += head.width();
    } else if (kind != TaskKind::kValues) {
      segments_.push_back({.kind = kind, .offset = width_, .width = head.width()});
    }
    width_ += head.width();
  }
  width_ += behind;
}

void Probabilities::Apply(std::int64_t batch, float* rows) const {
  for (const Segment& segment : segments_) {
    float* first = rows + segment.offset;
    switch (segment.kind) {
      case TaskKind::kLabels:
        if (segment.width == width_) {
          ActivationForward(Activation::kSigmoid, 0.0f, first, batch * width_, first);
          break;
        }
        for (std::int64_t i = 0; i < batch; ++i) {
          float* row = first + i * width_;
          ActivationForward(Activation::kSigmoid, 0.0f, row, segment.width, row);
        }
        break;
      case TaskKind::kClasses:
        Softmax(first, batch, segment.width, width_, width_, first);
        break;
      case TaskKind::kValues:
        break;
    }
  }
}

}  // namespace espalier
