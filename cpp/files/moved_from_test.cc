// SPDX-License-Identifier: Apache-2.0

// What was moved from refuses everything but destruction and assignment.

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "espalier/builder.h"
#include "espalier/evaluation.h"
#include "espalier/model_file.h"
#include "espalier/predictor.h"
#include "espalier/trainer.h"
#include "espalier/weights.h"
#include "testing/messages.h"
#include "testing/training_networks.h"

namespace espalier {
namespace {

void ExpectRefused(const std::string& what, const std::vector<std::function<void()>>& calls) {
  for (std::size_t i = 0; i < calls.size(); ++i) {
    SCOPED_TRACE(i);
    const std::string message = testing::MessageOf(ErrorCode::kInvalidState, calls[i]);
    EXPECT_NE(message.find("expected a " + what + ", got one that was moved from"),
              std::string::npos)
        << message;
  }
}

TEST(MovedFrom, APredictor) {
  const Network network = testing::OneHead().Build(5);
  Predictor predictor(network);
  Predictor taken(std::move(predictor));
  std::vector<float> inputs(12), outputs(4);
  const std::vector<std::uint8_t> pixels(12);
  ExpectRefused("predictor", {[&] { predictor.Predict(1, inputs, outputs); },
                              [&] { predictor.PredictPixels(1, pixels, outputs); },
                              [&] { predictor.input_size(); }, [&] { predictor.output_size(); },
                              [&] { predictor.NativeBytes(); }, [&] { predictor.statistics(); },
                              [&] { predictor.Describe(); }});
  predictor = std::move(taken);
  predictor.Predict(1, inputs, outputs);
}

TEST(MovedFrom, ATrainer) {
  Network network = testing::OneHead().Build(5);
  Trainer trainer(network, {});
  Trainer taken(std::move(trainer));
  std::vector<float> inputs(12), logits(4);
  const std::vector<TaskTargets> targets(1);
  const std::vector<std::int64_t> examples = {0};
  ExpectRefused(
      "trainer",
      {[&] { trainer.Step(1, inputs, targets); }, [&] { trainer.StepCached(0, examples, targets); },
       [&] { trainer.HasFrozenPrefix(); }, [&] { trainer.FeatureCount(); },
       [&] { trainer.ReserveFeatures(0, 1); }, [&] { trainer.CacheFeatures(0, 0, 1, inputs); },
       [&] { trainer.Evaluate(1, inputs, logits); },
       [&] { trainer.EvaluateCached(0, examples, logits); }, [&] { trainer.SaveBest(); },
       [&] { trainer.RestoreBest(); }, [&] { trainer.steps(); }, [&] { trainer.prefix_examples(); },
       [&] { trainer.NativeBytes(); }, [&] { trainer.StateNames(); },
       [&] { trainer.ReadState("dense1.weight", "exp_avg"); }, [&] { trainer.Release(); }});
  trainer = std::move(taken);
  trainer.Release();
}

TEST(MovedFrom, ANetwork) {
  Network network = testing::OneHead().Build(5);
  Network taken(std::move(network));
  std::vector<float> logits(4);
  const std::vector<double> columns(4, 1.0);
  const std::vector<TaskTargets> targets(1);
  ExpectRefused("network", {[&] { network.Clone(); },
                            [&] { network.Transfer({}, 1); },
                            [&] { network.ExplainTransfer({}); },
                            [&] { network.Freeze({.pattern = "*"}); },
                            [&] { network.Unfreeze({.pattern = "*"}); },
                            [&] { network.SetLearningRateScale("*", 1.0); },
                            [&] { network.SetThresholds("signs", columns); },
                            [&] { network.SetThresholds(columns); },
                            [&] { network.ScaleLogits(columns, columns); },
                            [&] { network.Spec(); },
                            [&] { network.Describe(); },
                            [&] { network.Parameters(); },
                            [&] { network.ReadParameter("dense1.weight"); },
                            [&] { network.WriteParameter("dense1.weight", logits); },
                            [&] { network.NativeBytes(); },
                            [&] { SaveNetwork(network, ::testing::TempDir() + "none"); },
                            [&] { LoadWeights(network, "none"); },
                            [&] { ExportSafetensors(network, ::testing::TempDir() + "none"); },
                            [&] { Predictor predictor(network); },
                            [&] { Trainer trainer(network, {}); },
                            [&] { TaskLosses(network, 1, logits, targets); },
                            [&] { LogitsToProbabilities(network, 1, logits); }});
  network = std::move(taken);
  EXPECT_GT(network.NativeBytes(), 0);
}

}  // namespace
}  // namespace espalier
