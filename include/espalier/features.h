// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "espalier/inputs.h"
#include "espalier/network.h"

namespace espalier {

class FeatureRows;

/// What the frozen prefix of a network computes from the examples of one data set: kept here
/// beyond the life of a trainer, for any trainer and FeaturePredictor whose prefix is the same. For
/// one thread at a time, those that use it included. What uses it keeps it alive.
class Features {
 public:
  /// `fingerprint` and `feature_count`: of the trainer or predictor that computes them. `folder`:
  /// where features go that memory has no room for, in files without names; empty: nowhere.
  Features(std::int64_t examples, std::int64_t feature_count, std::string fingerprint,
           std::string folder = "");

  /// Room for those of `examples` that have none. Throws OUT_OF_MEMORY, and nothing changes.
  void MakeRoom(std::span<const std::int64_t> examples);

  /// What `other` holds of its examples `from` is from now on that of `to` here, too, in the same
  /// memory. Throws INVALID_ARGUMENT if it is of another prefix, lacks one of them, or the numbers
  /// of both differ; then nothing changes.
  void Share(const Features& other, std::span<const std::int64_t> from,
             std::span<const std::int64_t> to);

  /// Features that were computed elsewhere from finite inputs, say by a Predictor, of examples
  /// that have room. values: [examples, feature_count].
  void Write(std::span<const std::int64_t> examples, std::span<const float> values);

  /// Those of an example that has them; any number of threads may, others' changes meanwhile
  /// included. values: [feature_count].
  void Read(std::int64_t example, std::span<float> values) const;

  bool IsInFile() const;             ///< some of them
  std::int64_t NativeBytes() const;  ///< files aside
  std::int64_t feature_count() const;
  const std::string& fingerprint() const { return fingerprint_; }

  /// The rows, after a check that they are of a prefix: throws INVALID_ARGUMENT otherwise.
  const std::shared_ptr<FeatureRows>& RowsOf(const std::string& fingerprint) const;

 private:
  std::string fingerprint_;
  std::shared_ptr<FeatureRows> rows_;
};

/// 32 hexadecimal digits of what decides about what a layer makes of an example: what it is
/// computed from, with settings and the bits of all parameters, and no names. Equal where that is;
/// where it is not, but for one chance in 2^128, different. Throws Error: INVALID_ARGUMENT without
/// such a layer.
std::string FingerprintLayer(const Network& network, const std::string& layer);

struct FeaturePredictorConfig {
  std::int64_t max_batch_size = 256;  ///< larger batches are run in pieces of this size
  bool logits = false;                ///< logits instead of probabilities
};

/// Predicts from features: bits as Predictor has them from inputs. A snapshot of the network, as
/// Predictor is. For one thread at a time.
class FeaturePredictor {
 public:
  /// Throws Error: INVALID_ARGUMENT for a setting out of range, or a network from a file that takes
  /// more than the limits which it was loaded with; INVALID_STATE without a head.
  explicit FeaturePredictor(const Network& network, const FeaturePredictorConfig& config = {});
  FeaturePredictor(FeaturePredictor&&) noexcept;
  FeaturePredictor& operator=(FeaturePredictor&&) noexcept;
  ~FeaturePredictor();

  /// False if there is no frozen prefix, or bits might not be Predictor's: a batch norm outside the
  /// prefix reads it, or a sum reads a result of the prefix that no activation follows (Predictor
  /// has the layer before do it); layers outside read the network's input too; or a layer reads the
  /// output of a head. Then FeatureCount is 0, and CacheFeatures and Predict throw INVALID_STATE.
  bool HasFrozenPrefix() const;
  std::int64_t FeatureCount() const;       ///< floats an example
  const std::string& Fingerprint() const;  ///< equal if and only if the features are

  /// Computes features of examples that have room. inputs: [examples, input shape].
  void CacheFeatures(Features& features, std::span<const std::int64_t> examples,
                     const Inputs& inputs);

  /// outputs: [examples, total width]; each example must have been cached.
  void Predict(const Features& features, std::span<const std::int64_t> examples,
               std::span<float> outputs);

  std::int64_t NativeBytes() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace espalier
