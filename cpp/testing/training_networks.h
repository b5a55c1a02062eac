// SPDX-License-Identifier: Apache-2.0
#pragma once

// Small networks with everything that training treats specially.

#include <cstdint>

#include "espalier/builder.h"

namespace espalier::testing {

/// Two convolutions (the first with batch norm), dropout, a dense layer, and three heads:
/// "signs" (5 labels) and "kind" (3 classes) on the dense layer, in one product; "sizes"
/// (2 values) on the pooled images, with a hidden layer.
inline NetworkBuilder ThreeHeads() {
  const Attributes no_bias = {
      {"channels", std::int64_t{6}}, {"kernel", std::int64_t{3}}, {"bias", false}};
  NetworkBuilder builder(Shape::Image(2, 9, 8));
  builder.Normalize({0.1, -0.2}, {1.5, 0.75})
      .Layer({.name = "conv1", .kind = "conv2d", .attributes = no_bias})
      .BatchNorm("norm1")
      .Relu()
      .MaxPool2d(2)
      .Conv2d("conv2", 9, 3)
      .Layer({.name = "images", .kind = "relu"})
      .Dropout(0.25)
      .Dense("dense1", 17)
      .Layer({.name = "features", .kind = "tanh"})
      .Head("signs", LabelsTask({"a", "b", "c", "d", "e"}))
      .Head("kind", ClassesTask(3))
      .Head({.name = "sizes",
             .from = "images",
             .layers = {{.name = "hidden",
                         .kind = "dense",
                         .attributes = {{"units", std::int64_t{11}}}},
                        {.name = "active", .kind = "silu"}},
             .task = ValuesTask({"width", "height"})});
  return builder;
}

/// Dense layers on 12 numbers, one head of 4 labels.
inline NetworkBuilder OneHead() {
  NetworkBuilder builder(Shape::Vector(12));
  builder.Dense("dense1", 19)
      .Relu()
      .Dense("dense2", 10)
      .Layer({.name = "features", .kind = "relu"})
      .Head("signs", LabelsTask({"a", "b", "c", "d"}));
  return builder;
}

}  // namespace espalier::testing
