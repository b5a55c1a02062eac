// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "core/checked.h"
#include "jvm/bridge.h"
#include "jvm/guard.h"
#include "jvm/handle_objects.h"

namespace espalier::jvm {

std::string trainerPrefixFingerprint(std::int64_t trainer) {
  return Guard([&] { return EnteredTrainer(trainer)->trainer.PrefixFingerprint(); });
}

void trainerShareFeatures(std::int64_t trainer, int slot, std::int64_t features) {
  Guard(
      [&] { EnteredTrainer(trainer)->trainer.ShareFeatures(slot, *Entered<Features>(features)); });
}

void trainerCacheExamples(std::int64_t trainer, int slot, std::int64_t batch,
                          const std::int64_t* examples, std::int64_t inputs) {
  Guard([&] {
    const EnteredTrainer entered(trainer);
    entered->trainer.CacheFeatures(
        slot, Borrow("examples", examples, batch),
        Inputs::SideBySide(
            Borrow<const float>("inputs", inputs, CheckedMultiply(batch, entered->input_size))));
  });
}

std::int64_t featuresCreate(std::int64_t examples, std::int64_t feature_count,
                            const char* fingerprint, const char* folder) {
  return Guard([&] {
    return Adopt(std::make_unique<Features>(examples, feature_count,
                                            std::string(Text("fingerprint", fingerprint)),
                                            std::string(Text("folder", folder))));
  });
}

void featuresMakeRoom(std::int64_t features, std::int64_t count, const std::int64_t* examples) {
  Guard([&] { Entered<Features>(features)->MakeRoom(Borrow("examples", examples, count)); });
}

void featuresShare(std::int64_t features, std::int64_t from, std::int64_t count,
                   const std::int64_t* from_examples, const std::int64_t* to_examples) {
  Guard([&] {
    const Entered<Features> others(from);
    Entered<Features>(features)->Share(*others, Borrow("from examples", from_examples, count),
                                       Borrow("examples", to_examples, count));
  });
}

void featuresWrite(std::int64_t features, std::int64_t count, const std::int64_t* examples,
                   std::int64_t values) {
  Guard([&] {
    const Entered<Features> entered(features);
    entered->Write(
        Borrow("examples", examples, count),
        Borrow<const float>("values", values, CheckedMultiply(count, entered->feature_count())));
  });
}

void featuresRead(std::int64_t features, std::int64_t example, float* values, std::int64_t size) {
  Guard([&] { Entered<Features>(features)->Read(example, Borrow("values", values, size)); });
}

std::string networkFingerprint(std::int64_t network, const char* layer) {
  return Guard([&] {
    return FingerprintLayer(*Entered<Network>(network), std::string(Text("layer", layer)));
  });
}

bool featuresInFile(std::int64_t features) {
  return Guard([&] { return Entered<Features>(features)->IsInFile(); });
}

std::int64_t featurePredictorCreate(std::int64_t network, bool logits) {
  return Guard([&] {
    return Adopt(std::make_unique<FeaturePredictorObject>(
        *Entered<Network>(network), FeaturePredictorConfig{.logits = logits}));
  });
}

bool featurePredictorHasFrozenPrefix(std::int64_t predictor) {
  return Guard(
      [&] { return Entered<FeaturePredictorObject>(predictor)->predictor.HasFrozenPrefix(); });
}

std::int64_t featurePredictorFeatureCount(std::int64_t predictor) {
  return Guard(
      [&] { return Entered<FeaturePredictorObject>(predictor)->predictor.FeatureCount(); });
}

std::string featurePredictorFingerprint(std::int64_t predictor) {
  return Guard([&] {
    return std::string(Entered<FeaturePredictorObject>(predictor)->predictor.Fingerprint());
  });
}

void featurePredictorCache(std::int64_t predictor, std::int64_t features, std::int64_t batch,
                           const std::int64_t* examples, std::int64_t inputs) {
  Guard([&] {
    const Entered<FeaturePredictorObject> entered(predictor);
    entered->predictor.CacheFeatures(
        *Entered<Features>(features), Borrow("examples", examples, batch),
        Inputs::SideBySide(
            Borrow<const float>("inputs", inputs, CheckedMultiply(batch, entered->input_size))));
  });
}

void featurePredictorPredict(std::int64_t predictor, std::int64_t features, std::int64_t batch,
                             const std::int64_t* examples, std::int64_t outputs) {
  Guard([&] {
    const Entered<FeaturePredictorObject> entered(predictor);
    entered->predictor.Predict(
        *Entered<Features>(features), Borrow("examples", examples, batch),
        Borrow<float>("outputs", outputs, CheckedMultiply(batch, entered->total_width)));
  });
}

}  // namespace espalier::jvm
