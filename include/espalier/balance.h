// SPDX-License-Identifier: Apache-2.0
#pragma once

// How a trainer weighs the tasks of a network against each other, from step to step. A task is a
// head: what several labels of one head count is that head's own affair, so labels that are to be
// weighed against each other get heads of their own (with one input these run as one product).
//
// The head's share of the cost J is w_k l_k, where l_k is the mean loss of its labelled entries in
// the batch (of each label's mean, where the task normalizes per label), and w_k what the task's
// weight and normalization make of it: how much of the batch is labelled shows in w_k alone. A rule
// sees l_k and multiplies what the head's gradients are by a factor f_k: they are those of
// f_k w_k l_k. So a label counts what it counts, whatever the others of its task are.
//
// Only the tasks P with a labelled entry in the batch (and a weight above 0) take part in a step.
// Another task's factor and state stay as they are, and those in P get the bits that they would
// get if there were no other task. Losses are taken to be positive: 1e-8 stands for any below.
//
// Rules that learn a number for each task use Adam with PyTorch's other defaults (Kingma and Ba
// 2015, arXiv:1412.6980), each task with a step count of its own.

#include <variant>

namespace espalier {

/// f_k = 1.
struct PlainWeights {
  static constexpr const char* kKind = "plain";

  template <typename Visit>
  void ForSettings(const Visit&) {}
};

/// Kendall, Gal and Cipolla 2018, arXiv:1705.07115: a variance for each task, learned along with
/// the network from
///
///   J = Σ_k w_k (l_k / σ_k² + log σ_k),   f_k = 1 / σ_k²,
///
/// their form for a cross entropy, used for any loss: that for squared errors, l / (2σ²) + log σ,
/// has its minimum over σ at the same factor, 1 / (2 l). Learned is s_k = log σ_k², from 0, within
/// [-10, 10]: dJ/ds_k = w_k (1/2 - l_k exp(-s_k)).
struct UncertaintyWeights {
  static constexpr const char* kKind = "uncertainty";

  double learning_rate = 0.01;  ///< of s

  /// Calls visit(name, field) for each setting.
  template <typename Visit>
  void ForSettings(const Visit& visit) {
    visit("learning_rate", learning_rate);
  }
};

/// UW-SO: Kirchdorfer et al. 2024, arXiv:2408.07985. The best variance has a closed form, the
/// inverse of the loss; a softmax with temperature T makes it a weight:
///
///   f_k = |P| exp(1 / (l_k T)) / Σ_{j in P} exp(1 / (l_j T)),
///
/// times the number of tasks, so that the mean factor is 1. Has no state. The smaller T, the more
/// goes to the tasks of the least loss; the larger, the nearer to plain weights.
struct InverseLossWeights {
  static constexpr const char* kKind = "uw_so";

  double temperature = 100.0;

  /// Calls visit(name, field) for each setting.
  template <typename Visit>
  void ForSettings(const Visit& visit) {
    visit("temperature", temperature);
  }
};

/// FAMO: Liu et al. 2023, arXiv:2306.03792, as github.com/Cranial-XIX/FAMO has it. All tasks'
/// losses are to fall by the same share. With z = softmax(x) over P, and a learned x_k, from 0,
///
///   f_k = |P| (z_k / l_k) / Σ_{j in P} (z_j / l_j),
///
/// whose mean is 1. After the update the batch is computed once more, with the same dropout, for
/// what it did: δ_k = log(l_k before) - log(l_k after). Adam then moves x along
/// g_k = z_k (δ_k - Σ_{j in P} z_j δ_j) + decay x_k. A step costs one more forward pass. A task
/// whose loss is not finite afterwards is left out of that.
struct FamoWeights {
  static constexpr const char* kKind = "famo";

  double learning_rate = 0.025;  ///< of x
  double decay = 0.01;           ///< of x

  /// Calls visit(name, field) for each setting.
  template <typename Visit>
  void ForSettings(const Visit& visit) {
    visit("learning_rate", learning_rate);
    visit("decay", decay);
  }
};

/// PCGrad: Yu et al. 2020, arXiv:2001.06782. With g_k the gradient of w_k l_k by the parameters
/// that more than one task of P reaches, and h_k = g_k at first: for each other task j of P, in an
/// order drawn anew for each step and k, where h_k·g_j < 0,
///
///   h_k -= (h_k·g_j / |g_j|²) g_j.
///
/// The step's gradient is Σ_k h_k there, and elsewhere as it is. As each h_k is a sum of the g_j,
/// so is the step's gradient: f_j is how often it holds g_j, at least 1. Has no state. The batch is
/// computed forward and backward once for each task of P, and gradients are kept of each head.
struct ProjectedGradients {
  static constexpr const char* kKind = "pcgrad";

  template <typename Visit>
  void ForSettings(const Visit&) {}
};

using BalanceConfig = std::variant<PlainWeights, UncertaintyWeights, InverseLossWeights,
                                   FamoWeights, ProjectedGradients>;

}  // namespace espalier
