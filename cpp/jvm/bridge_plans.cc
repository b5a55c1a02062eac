// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "core/checked.h"
#include "core/text.h"
#include "espalier/checkpoint.h"
#include "jvm/bridge.h"
#include "jvm/config_json.h"
#include "jvm/guard.h"
#include "jvm/handle_objects.h"

namespace espalier::jvm {
namespace {

void WriteStepResult(const StepResult& step, std::span<double> results) {
  results[0] = step.loss;
  results[1] = step.learning_rate;
  results[2] = step.gradient_norm;
  std::size_t next = 3;
  for (const TaskLoss& task : step.tasks) {
    results[next++] = task.loss;
    results[next++] = static_cast<double>(task.labelled);
    results[next++] = task.factor;
  }
}

std::span<double> StepResults(const TrainerObject& object, double* results) {
  return Borrow("results", results, static_cast<std::int64_t>(3 + 3 * object.heads.count()));
}

void WriteLogits(TrainerObject& object, std::span<const LossBatch> batches, std::int64_t logits) {
  std::int64_t floats = 0;
  for (const LossBatch& batch : batches) floats += batch.examples * batch.width;
  float* to = Borrow<float>("logits", logits, floats).data();
  object.begun_floats = floats;
  object.answers.clear();
  for (const LossBatch& batch : batches) {
    to = std::copy(batch.logits.begin(), batch.logits.end(), to);
    object.answers.push_back({.gradients = batch.logits});  // of their size
  }
}

// `answers` with the sizes that WriteLogits has left there.
void ReadAnswers(TrainerObject& object, std::int64_t gradients, const double* sums) {
  std::span<const float> rest = Borrow<const float>("gradients", gradients, object.begun_floats);
  const auto heads = static_cast<std::int64_t>(object.answers.size());
  const std::span<const double> sum_of = Borrow("sums", sums, heads);
  for (std::size_t i = 0; i < object.answers.size(); ++i) {
    const std::size_t size = object.answers[i].gradients.size();
    object.answers[i] = {.sum = sum_of[i], .gradients = rest.first(size)};
    rest = rest.subspan(size);
  }
}

BatchTotals Totals(const std::int64_t* totals, std::int64_t count) {
  const auto counts = Borrow("totals", totals, count);
  if (counts.empty()) {
    Fail(ErrorCode::kInvalidArgument, "totals: expected a number of examples first, got nothing");
  }
  return {.examples = counts[0], .labelled = counts.subspan(1)};
}

std::span<const float> Rows(const TrainerObject& object, std::int64_t batch, std::int64_t inputs) {
  return Borrow<const float>("inputs", inputs, CheckedMultiply(batch, object.input_size));
}

std::span<float> Logits(const TrainerObject& object, std::int64_t batch, std::int64_t logits) {
  return Borrow<float>("logits", logits, CheckedMultiply(batch, object.heads.total_width()));
}

void Predict(const Predictor& predictor, std::int64_t batch, std::int64_t inputs,
             std::int64_t outputs) {
  predictor.Predict(
      batch,
      Inputs::SideBySide(
          Borrow<const float>("inputs", inputs, CheckedMultiply(batch, predictor.input_size()))),
      Borrow<float>("outputs", outputs, CheckedMultiply(batch, predictor.output_size())));
}

void PredictPixels(const Predictor& predictor, std::int64_t batch, std::int64_t pixels,
                   std::int64_t outputs) {
  predictor.PredictPixels(
      batch,
      Borrow<const std::uint8_t>("pixels", pixels, CheckedMultiply(batch, predictor.input_size())),
      Borrow<float>("outputs", outputs, CheckedMultiply(batch, predictor.output_size())));
}

void WriteStatistics(const PredictorStatistics& statistics, std::span<std::int64_t> results) {
  results[0] = statistics.calls;
  results[1] = statistics.failed_calls;
  results[2] = statistics.workspaces;
  results[3] = statistics.temporary_workspaces;
}

}  // namespace

std::int64_t trainerCreate(std::int64_t network, const char* config_json) {
  return Guard([&] {
    return Adopt(std::make_unique<TrainerObject>(
        *Entered<Network>(network), TrainerConfigFromJson(Text("config", config_json))));
  });
}

void trainerStep(std::int64_t trainer, std::int64_t batch, std::int64_t inputs,
                 const std::int64_t* targets, const std::int64_t* masks, double* results) {
  Guard([&] {
    const EnteredTrainer entered(trainer);
    const auto written = StepResults(*entered, results);
    const auto rows = Rows(*entered, batch, inputs);
    entered->heads.ReadTargets(batch, targets, masks, entered->targets);
    WriteStepResult(entered->trainer.Step(batch, Inputs::SideBySide(rows), entered->targets),
                    written);
  });
}

bool trainerHasFrozenPrefix(std::int64_t trainer) {
  return Guard([&] { return EnteredTrainer(trainer)->trainer.HasFrozenPrefix(); });
}

std::int64_t trainerFeatureCount(std::int64_t trainer) {
  return Guard([&] { return EnteredTrainer(trainer)->trainer.FeatureCount(); });
}

void trainerReserveFeatures(std::int64_t trainer, int slot, std::int64_t examples) {
  Guard([&] { EnteredTrainer(trainer)->trainer.ReserveFeatures(slot, examples); });
}

void trainerCacheFeatures(std::int64_t trainer, int slot, std::int64_t first, std::int64_t batch,
                          std::int64_t inputs) {
  Guard([&] {
    const EnteredTrainer entered(trainer);
    entered->trainer.CacheFeatures(slot, first, batch,
                                   Inputs::SideBySide(Rows(*entered, batch, inputs)));
  });
}

void trainerStepCached(std::int64_t trainer, int slot, std::int64_t batch,
                       const std::int64_t* examples, const std::int64_t* targets,
                       const std::int64_t* masks, double* results) {
  Guard([&] {
    const EnteredTrainer entered(trainer);
    const auto written = StepResults(*entered, results);
    const auto indices = Borrow("examples", examples, batch);
    entered->heads.ReadTargets(batch, targets, masks, entered->targets);
    WriteStepResult(entered->trainer.StepCached(slot, indices, entered->targets), written);
  });
}

void trainerBeginStep(std::int64_t trainer, std::int64_t batch, std::int64_t inputs,
                      const std::int64_t* targets, const std::int64_t* masks, std::int64_t logits) {
  Guard([&] {
    const EnteredTrainer entered(trainer);
    const auto rows = Rows(*entered, batch, inputs);
    entered->heads.ReadTargets(batch, targets, masks, entered->targets);
    WriteLogits(*entered,
                entered->trainer.BeginStep(batch, Inputs::SideBySide(rows), entered->targets),
                logits);
  });
}

void trainerBeginStepCached(std::int64_t trainer, int slot, std::int64_t batch,
                            const std::int64_t* examples, const std::int64_t* targets,
                            const std::int64_t* masks, std::int64_t logits) {
  Guard([&] {
    const EnteredTrainer entered(trainer);
    const auto indices = Borrow("examples", examples, batch);
    entered->heads.ReadTargets(batch, targets, masks, entered->targets);
    WriteLogits(*entered, entered->trainer.BeginStepCached(slot, indices, entered->targets),
                logits);
  });
}

void trainerFinishStep(std::int64_t trainer, std::int64_t gradients, const double* sums,
                       double* results) {
  Guard([&] {
    const EnteredTrainer entered(trainer);
    const auto written = StepResults(*entered, results);
    ReadAnswers(*entered, gradients, sums);
    WriteStepResult(entered->trainer.FinishStep(entered->answers), written);
  });
}

std::int64_t trainerTargetCount(std::int64_t trainer) {
  return Guard([&] { return EnteredTrainer(trainer)->trainer.TargetCount(); });
}

std::int64_t trainerGradientFloats(std::int64_t trainer) {
  return Guard([&] { return EnteredTrainer(trainer)->trainer.GradientFloats(); });
}

void trainerCountLabelled(std::int64_t trainer, std::int64_t batch, const std::int64_t* targets,
                          const std::int64_t* masks, std::int64_t* totals, std::int64_t count) {
  Guard([&] {
    const EnteredTrainer entered(trainer);
    const auto counts = Borrow("totals", totals, count);
    const auto labelled = counts.subspan(counts.empty() ? 0 : 1);
    std::ranges::fill(counts, 0);
    entered->heads.ReadTargets(batch, targets, masks, entered->targets);
    entered->trainer.CountLabelled(batch, entered->targets, labelled);
    counts[0] = batch;
  });
}

void trainerComputeGradients(std::int64_t trainer, const std::int64_t* totals, std::int64_t count,
                             std::int64_t first, std::int64_t batch, std::int64_t inputs,
                             const std::int64_t* targets, const std::int64_t* masks,
                             std::int64_t gradients) {
  Guard([&] {
    const EnteredTrainer entered(trainer);
    const BatchTotals whole = Totals(totals, count);
    const auto rows = Rows(*entered, batch, inputs);
    entered->heads.ReadTargets(batch, targets, masks, entered->targets);
    entered->trainer.ComputeGradients(
        whole, {.first = first, .examples = batch}, Inputs::SideBySide(rows), entered->targets,
        Borrow<float>("gradients", gradients, entered->trainer.GradientFloats()));
  });
}

void trainerApplyGradients(std::int64_t trainer, const std::int64_t* totals, std::int64_t count,
                           std::int64_t gradients, double* results) {
  Guard([&] {
    const EnteredTrainer entered(trainer);
    const auto written = StepResults(*entered, results);
    const std::int64_t floats = entered->trainer.GradientFloats();
    WriteStepResult(entered->trainer.ApplyGradients(
                        Totals(totals, count), Borrow<const float>("gradients", gradients, floats)),
                    written);
  });
}

void trainerEvaluate(std::int64_t trainer, std::int64_t batch, std::int64_t inputs,
                     std::int64_t logits) {
  Guard([&] {
    const EnteredTrainer entered(trainer);
    entered->trainer.Evaluate(batch, Inputs::SideBySide(Rows(*entered, batch, inputs)),
                              Logits(*entered, batch, logits));
  });
}

void trainerEvaluateCached(std::int64_t trainer, int slot, std::int64_t batch,
                           const std::int64_t* examples, std::int64_t logits) {
  Guard([&] {
    const EnteredTrainer entered(trainer);
    entered->trainer.EvaluateCached(slot, Borrow("examples", examples, batch),
                                    Logits(*entered, batch, logits));
  });
}

void trainerSaveBest(std::int64_t trainer) {
  Guard([&] { EnteredTrainer(trainer)->trainer.SaveBest(); });
}

void trainerRestoreBest(std::int64_t trainer) {
  Guard([&] { EnteredTrainer(trainer)->trainer.RestoreBest(); });
}

void trainerSwapAverage(std::int64_t trainer) {
  Guard([&] { EnteredTrainer(trainer)->trainer.SwapAverage(); });
}

void trainerContinueFrom(std::int64_t trainer, std::int64_t earlier, std::int64_t steps) {
  Guard([&] {
    EnteredTrainer(trainer)->trainer.ContinueFrom(EnteredTrainer(earlier)->trainer, steps);
  });
}

void trainerSaveCheckpoint(std::int64_t trainer, const char* path, const char* notes) {
  Guard([&] {
    SaveCheckpoint(EnteredTrainer(trainer)->trainer, std::string(Text("path", path)),
                   Text("notes", notes));
  });
}

std::string trainerLoadCheckpoint(std::int64_t trainer, const char* path) {
  return Guard([&] {
    return LoadCheckpoint(EnteredTrainer(trainer)->trainer, std::string(Text("path", path)));
  });
}

std::string checkpointNotes(const char* path) {
  return Guard([&] { return ReadCheckpointNotes(std::string(Text("path", path))); });
}

std::int64_t trainerPrefixExamples(std::int64_t trainer) {
  return Guard([&] { return EnteredTrainer(trainer)->trainer.prefix_examples(); });
}

void trainerRelease(std::int64_t trainer) {
  Guard([&] { EnteredTrainer(trainer)->trainer.Release(); });
}

std::int64_t predictorCreate(std::int64_t network, const char* config_json) {
  return Guard([&] {
    return Adopt(std::make_unique<Predictor>(*Entered<Network>(network),
                                             PredictorConfigFromJson(Text("config", config_json))));
  });
}

void predictorPredict(std::int64_t predictor, std::int64_t batch, std::int64_t inputs,
                      std::int64_t outputs) {
  Guard([&] { Predict(*Entered<Predictor>(predictor), batch, inputs, outputs); });
}

void predictorPredictPixels(std::int64_t predictor, std::int64_t batch, std::int64_t pixels,
                            std::int64_t outputs) {
  Guard([&] { PredictPixels(*Entered<Predictor>(predictor), batch, pixels, outputs); });
}

std::string predictorDescribe(std::int64_t predictor) {
  return Guard([&] { return Entered<Predictor>(predictor)->Describe(); });
}

std::int64_t predictorForShape(std::int64_t predictor, const char* shape_json) {
  return Guard([&] {
    const Shape shape = ShapeFromJson("shape", Text("shape", shape_json));
    return Adopt(std::make_unique<Predictor>(Entered<Predictor>(predictor)->ForShape(shape)));
  });
}

std::string predictorLayerShapes(std::int64_t predictor) {
  return Guard([&] { return ShapesToJson(Entered<Predictor>(predictor)->layer_shapes()); });
}

void predictorStatistics(std::int64_t predictor, std::int64_t* results) {
  Guard([&] {
    const Entered<Predictor> entered(predictor);
    WriteStatistics(entered->statistics(), Borrow("results", results, 4));
  });
}

}  // namespace espalier::jvm
