#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the numbers in metrics/*_test.cc: scikit-learn on data that both sides compute alike."""

import numpy as np
from sklearn import metrics


def draws(count, start):
    """The test's generator: a small linear congruential one, 24 bits of it in [0, 1)."""
    state, values = start, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append((state >> 8) / 2**24)
    return np.array(values)


def show(name, *values):
    print(name, ", ".join(repr(float(v)) for v in values))


# Labels: 40 examples, 5 labels; scores in steps of 1/16, so that ties are many.
scores = np.floor(draws(200, 1).reshape(40, 5) * 16) / 16
truth = (0.7 * draws(200, 2).reshape(40, 5) + scores > 0.85).astype(int)
guess = (scores >= 0.5).astype(int)
show("hamming_loss", metrics.hamming_loss(truth, guess))
show("subset_accuracy", metrics.accuracy_score(truth, guess))
show("micro_f1", metrics.f1_score(truth, guess, average="micro"))
show("macro_f1", metrics.f1_score(truth, guess, average="macro"))
show("macro_auc", metrics.roc_auc_score(truth, scores, average="macro"))
show("mean_average_precision", metrics.average_precision_score(truth, scores, average="macro"))
show("ranking_loss", metrics.label_ranking_loss(truth, scores))
show("coverage", metrics.coverage_error(truth, scores))
show("lrap", metrics.label_ranking_average_precision_score(truth, scores))
show("auc", *metrics.roc_auc_score(truth, scores, average=None))
show("average_precision", *metrics.average_precision_score(truth, scores, average=None))
show("f1", *metrics.f1_score(truth, guess, average=None))
show("accuracy", *[metrics.accuracy_score(truth[:, j], guess[:, j]) for j in range(5)])

show("precision", *metrics.precision_score(truth, guess, average=None))
show("recall", *metrics.recall_score(truth, guess, average=None))


def calibration_error(confidence, is_true, bins=15):
    """Guo et al. 2017: bins (i/15, (i+1)/15]; scikit-learn has none."""
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return sum(np.sum(place == b) / len(confidence)
               * abs(np.mean(confidence[place == b]) - np.mean(is_true[place == b]))
               for b in np.unique(place))


show("calibration_error", calibration_error(scores.reshape(-1), truth.reshape(-1)),
     *[calibration_error(scores[:, j], truth[:, j]) for j in range(5)])

# Logits from -60 to 60: most probabilities are 0 or 1 in float, where float64 ranks by logits.
wide = np.float32(120 * (draws(200, 8).reshape(40, 5) - 0.5))
wide_truth = (60 * (draws(200, 9).reshape(40, 5) - 0.5) + wide > 0).astype(int)
saturated = (1 / (1 + np.exp(-wide))).astype(np.float32)
for name, by in ("logits", wide), ("probabilities", saturated):
    show(f"wide macro_auc by {name}", metrics.roc_auc_score(wide_truth, by, average="macro"))
show("wide auc", *metrics.roc_auc_score(wide_truth, wide, average=None))
show("wide average_precision", *metrics.average_precision_score(wide_truth, wide, average=None))
show("wide ranking_loss", metrics.label_ranking_loss(wide_truth, wide))
show("wide coverage", metrics.coverage_error(wide_truth, wide))
show("wide lrap", metrics.label_ranking_average_precision_score(wide_truth, wide))
show("wide hamming_loss", metrics.hamming_loss(wide_truth, (wide >= 0).astype(int)))

# The same with two entries of five hidden: by label and by example, without the hidden ones.
known = draws(200, 3).reshape(40, 5) >= 0.4
flat = known.reshape(-1)
show("masked hamming_loss", np.mean((truth != guess)[known]))
rows = [i for i in range(40) if known[i].any()]
show("masked subset_accuracy", np.mean([(truth == guess)[i][known[i]].all() for i in rows]))
show("masked micro_f1", metrics.f1_score(truth.reshape(-1)[flat], guess.reshape(-1)[flat]))
show("masked auc", *[metrics.roc_auc_score(truth[known[:, j], j], scores[known[:, j], j])
                     for j in range(5)])
show("masked average_precision",
     *[metrics.average_precision_score(truth[known[:, j], j], scores[known[:, j], j])
       for j in range(5)])
show("masked f1", *[metrics.f1_score(truth[known[:, j], j], guess[known[:, j], j])
                    for j in range(5)])


def by_example(measure, single):
    """Mean over examples; scikit-learn has no ranking of a single label."""
    return np.mean([measure(truth[i][known[i]][None], scores[i][known[i]][None])
                    if known[i].sum() > 1 else single(truth[i][known[i]][0]) for i in rows])


show("masked ranking_loss", by_example(metrics.label_ranking_loss, lambda y: 0.0))
show("masked coverage", by_example(metrics.coverage_error, lambda y: float(y)))
show("masked lrap",
     by_example(metrics.label_ranking_average_precision_score, lambda y: 1.0))
show("masked support", flat.sum(), len(rows), *known.sum(axis=0))

# Classes: 60 examples, 7 classes.
logits = np.floor(draws(420, 4).reshape(60, 7) * 64) / 16
classes = np.floor(draws(60, 5) * 7).astype(int)
logits[np.arange(60), classes] += 1.0
probabilities = np.exp(logits)
probabilities /= probabilities.sum(axis=1, keepdims=True)
predicted = logits.argmax(axis=1)
show("accuracy", metrics.accuracy_score(classes, predicted))
show("top5_accuracy", np.mean([classes[i] in np.argsort(-logits[i], kind="stable")[:5]
                               for i in range(60)]))
show("log_loss", metrics.log_loss(classes, probabilities, labels=range(7)))
show("macro_f1", metrics.f1_score(classes, predicted, average="macro"))
show("precision", *metrics.precision_score(classes, predicted, average=None))
show("recall", *metrics.recall_score(classes, predicted, average=None))
show("f1", *metrics.f1_score(classes, predicted, average=None))
show("calibration_error", calibration_error(probabilities.max(axis=1), predicted == classes))
for row in metrics.confusion_matrix(classes, predicted, labels=range(7)):
    show("confusion", *row)

# Two classes with logits up to 60 apart.
two = np.float32(60 * (draws(100, 10).reshape(50, 2) - 0.5))
second = (30 * (draws(50, 11) - 0.5) + two[:, 1] - two[:, 0] > 0).astype(int)
difference = two[:, 1].astype(float) - two[:, 0]
show("two auc", metrics.roc_auc_score(second, difference))
show("two average_precision", metrics.average_precision_score(second, difference))
show("two log_loss", np.mean(np.logaddexp(0, np.where(second == 1, -difference, difference))))

# Values: 30 examples, 3 values.
targets = np.floor(draws(90, 6).reshape(30, 3) * 256) / 32
predictions = targets + np.floor(draws(90, 7).reshape(30, 3) * 64) / 32 - 1.0
show("mean_squared_error", metrics.mean_squared_error(targets, predictions),
     *metrics.mean_squared_error(targets, predictions, multioutput="raw_values"))
show("mean_absolute_error", metrics.mean_absolute_error(targets, predictions),
     *metrics.mean_absolute_error(targets, predictions, multioutput="raw_values"))
show("r2", metrics.r2_score(targets, predictions, multioutput="variance_weighted"),
     *metrics.r2_score(targets, predictions, multioutput="raw_values"))
