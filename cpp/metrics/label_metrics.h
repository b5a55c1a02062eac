// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "espalier/metrics.h"

namespace espalier {

// Conventions of LabelMetrics. Only labelled entries take part, each metric says in its
// support how many of what it is a mean of. A target is positive from 0.5 on, a label is
// predicted from the threshold on. What is undefined is left out of means; if nothing is
// left the value is NaN and the support 0. What goes by rank (auc, average precision, by example)
// compares logits where they are known; the rest compares probabilities, in float, with thresholds,
// as whoever reads a prediction does.
//
//   hamming_loss            wrong entries / labelled entries. Support: entries.
//   subset_accuracy         examples whose labelled entries are all right / examples with at
//                           least one labelled entry. Support: those examples.
//   micro_f1                2TP / (2TP + FP + FN) over all labelled entries; undefined if the
//                           denominator is 0. Support: entries.
//   macro_f1                mean of the labels' f1. Support: labels where it is defined.
//   macro_auc               mean of the labels' auc. Support: labels where it is defined.
//   mean_average_precision  mean of the labels' average_precision. Support: as before.
//
//   expected_calibration_error
//                           of all labelled entries, by the probability of yes; 15 bins
//                           (calibration_error.h). Support: entries.
//
// By example, over its labelled entries; examples with none are left out. As scikit-learn
// (label_ranking_loss, coverage_error, label_ranking_average_precision_score) where all
// entries are labelled. Support: examples.
//
//   ranking_loss            share of (positive, negative) pairs whose negative label scores
//                           at least as high; 0 for an example without such pairs.
//   one_error               share of the top-scored labels (several if tied) that are not
//                           positive. Examples without a positive label are left out.
//   coverage                how many labels from the top include all positive ones (best:
//                           their number); 0 for an example without one.
//   lrap                    mean over positive labels of (positive labels scoring at least as
//                           high / labels scoring at least as high); 1 without pairs.
//
// By label. Support: the label's labelled entries, unless said.
//
//   auc                     area under the ROC curve, ties 1/2; undefined with one class only.
//   average_precision       Σ (R_k - R_{k-1})·P_k over thresholds, not interpolated
//                           (scikit-learn's); undefined without a positive entry.
//   precision               TP / (TP + FP). Support: entries predicted.
//   recall                  TP / (TP + FN). Support: positive entries.
//   f1, accuracy            f1 is undefined if nothing is predicted and nothing is positive.
//   expected_calibration_error
//                           as above, of the label's entries.

}  // namespace espalier
