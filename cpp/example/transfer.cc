// SPDX-License-Identifier: Apache-2.0

// The main job in one page: train a network on much data of one task, graft a head for
// another task on it, train that on a few partly labelled examples, save, load, predict.
//
// The data are drawn here: pictures of 12 × 12 with one figure at a random place, in noise.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/error.h"
#include "espalier/model_file.h"
#include "espalier/network.h"
#include "espalier/predictor.h"
#include "espalier/trainer.h"

namespace {

constexpr std::int64_t kSide = 12;
constexpr std::int64_t kPixels = kSide * kSide;
constexpr std::int64_t kBatch = 32;
constexpr std::int64_t kFew = 96;  // pictures of the second task

enum Figure { kBar, kPole, kCross, kFrame };

struct Pictures {
  std::vector<float> pixels;
  std::vector<std::int32_t> figures;

  std::int64_t size() const { return static_cast<std::int64_t>(figures.size()); }
  std::span<const float> Inputs(std::int64_t first, std::int64_t count) const {
    return std::span(pixels).subspan(static_cast<std::size_t>(first * kPixels),
                                     static_cast<std::size_t>(count * kPixels));
  }
};

Pictures DrawPictures(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> noise(0.0f, 0.3f);
  std::uniform_int_distribution<int> place(0, static_cast<int>(kSide) - 5);
  Pictures pictures;
  for (int i = 0; i < count; ++i) {
    const int figure = i % 4;
    const int top = place(random);
    const int left = place(random);
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const int row = y - top;
        const int column = x - left;
        const bool inside = row >= 0 && row < 5 && column >= 0 && column < 5;
        const bool bar = row == 2;
        const bool pole = column == 2;
        const bool frame = row == 0 || row == 4 || column == 0 || column == 4;
        const bool on =
            inside && ((figure == kBar && bar) || (figure == kPole && pole) ||
                       (figure == kCross && (bar || pole)) || (figure == kFrame && frame));
        pictures.pixels.push_back((on ? 1.0f : 0.0f) + noise(random));
      }
    }
    pictures.figures.push_back(figure);
  }
  return pictures;
}

// "Is there a level stroke? an upright one?": yes to both for the cross and the frame.
std::vector<float> Answers(const Pictures& pictures) {
  std::vector<float> answers;
  for (const std::int32_t figure : pictures.figures) {
    answers.push_back(figure == kPole ? 0.0f : 1.0f);
    answers.push_back(figure == kBar ? 0.0f : 1.0f);
  }
  return answers;
}

// NaN says that nobody answered.
void HideHalf(std::vector<float>& answers, unsigned seed) {
  std::mt19937 random(seed);
  std::bernoulli_distribution hidden(0.5);
  for (float& answer : answers) {
    if (hidden(random)) answer = std::numeric_limits<float>::quiet_NaN();
  }
}

double ShareRight(const espalier::Network& network, const Pictures& pictures,
                  const std::vector<float>& answers) {
  const espalier::Predictor predictor(network);
  std::vector<float> probabilities(answers.size());
  predictor.Predict(pictures.size(), pictures.pixels, probabilities);
  int right = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    right += (probabilities[i] > 0.5f) == (answers[i] > 0.5f);
  }
  return static_cast<double>(right) / static_cast<double>(answers.size());
}

espalier::Network TrainOnFigures(const Pictures& pictures) {
  espalier::Network network =
      espalier::NetworkBuilder(espalier::Shape::Image(1, kSide, kSide))
          .Conv2d("conv1", 8, 3)
          .Relu()
          .MaxPool2d(2)
          .Conv2d("conv2", 16, 3)
          .Relu()
          .Dense("dense1", 32)
          .Layer({.name = "features", .kind = "relu"})
          .Head("figure", espalier::ClassesTask({"bar", "pole", "cross", "frame"}))
          .Build(/*seed=*/1);
  espalier::Trainer trainer(
      network, {.optimizer = espalier::AdamW{.learning_rate = 2e-3}, .max_batch_size = kBatch});
  for (int epoch = 1; epoch <= 8; ++epoch) {
    double loss = 0.0;
    int steps = 0;
    for (std::int64_t first = 0; first + kBatch <= pictures.size(); first += kBatch) {
      const espalier::TaskTargets targets = {
          .classes = std::span(pictures.figures).subspan(static_cast<std::size_t>(first), kBatch)};
      loss += trainer.Step(kBatch, pictures.Inputs(first, kBatch), {&targets, 1}).loss;
      ++steps;
    }
    std::printf("figures, epoch %d: loss %.3f\n", epoch, loss / steps);
  }
  return network;
}

// Drops the head, freezes what is below, and trains a new head on what the rest computes,
// which is computed once.
espalier::Network TransferToStrokes(const espalier::Network& figures, const Pictures& pictures,
                                    const std::vector<float>& answers) {
  espalier::Network network = figures.Transfer(
      {.drop_heads = {"figure"},
       .freeze = {{.pattern = "features", .through = true}},
       .heads = {{.name = "strokes", .task = espalier::LabelsTask({"level", "upright"})}}},
      /*seed=*/2);
  espalier::Trainer trainer(
      network, {.optimizer = espalier::AdamW{.learning_rate = 1e-2}, .max_batch_size = kFew});
  const std::int64_t count = pictures.size();
  trainer.ReserveFeatures(/*slot=*/0, count);
  trainer.CacheFeatures(/*slot=*/0, 0, count, pictures.pixels);
  std::vector<std::int64_t> all;
  for (std::int64_t i = 0; i < count; ++i) all.push_back(i);
  const espalier::TaskTargets targets = {.values = answers};
  for (int step = 0; step < 150; ++step) trainer.StepCached(/*slot=*/0, all, {&targets, 1});
  return network;
}

int Run(const std::string& path) {
  const espalier::Network figures = TrainOnFigures(DrawPictures(2048, 3));

  const Pictures few = DrawPictures(kFew, 4);
  std::vector<float> answers = Answers(few);
  HideHalf(answers, 5);
  const espalier::Network strokes = TransferToStrokes(figures, few, answers);

  const Pictures unseen = DrawPictures(400, 6);
  const double share = ShareRight(strokes, unseen, Answers(unseen));
  std::printf("strokes, from 96 pictures with half of the answers: %.1f %% right\n", 100 * share);

  espalier::SaveNetwork(strokes, path);
  const espalier::Network loaded = espalier::LoadNetwork(path);
  std::vector<float> saved_answers(800);
  std::vector<float> loaded_answers(800);
  espalier::Predictor(strokes).Predict(400, unseen.pixels, saved_answers);
  espalier::Predictor(loaded).Predict(400, unseen.pixels, loaded_answers);
  const bool is_same = saved_answers == loaded_answers;
  std::printf("saved, loaded, predicted: %s\n", is_same ? "the same bits" : "DIFFERENT");
  return is_same && share > 0.8 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc > 1 ? argv[1] : "strokes.safetensors");
  } catch (const espalier::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
