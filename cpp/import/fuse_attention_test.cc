// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <cmath>

#include "import/fusion_check.h"
#include "import/mask_lengths.h"

namespace espalier {
namespace {

using testing::GraphWriter;

constexpr std::int64_t kLength = 6;
constexpr std::int64_t kHeads = 3;
constexpr std::int64_t kWidth = 4;  // of a head
constexpr std::int64_t kAll = kHeads * kWidth;

enum class CausalForm { kNone, kAdded, kKept, kReplaced };
enum class MaskForm { kNone, kSubtracted, kSelected, kInverted, kOfQueries };

struct Form {
  MaskForm mask = MaskForm::kNone;
  bool transposes_keys_twice = false;
  bool scales_queries = false;  // and keys, each by the root
  bool multiplies = false;
  std::int64_t softmax_axis = -1;
  std::vector<std::int64_t> value_order = {0, 2, 1, 3};
  bool reads_scores = false;  // another node does
  float masked = -10000.0f;
  CausalForm causal = CausalForm::kNone;
  std::int64_t diagonal = 0;  // so many keys after a query's own are kept
};

std::string WithCausalMask(GraphWriter& w, const Form& form, const std::string& scores) {
  std::vector<float> masked;
  std::vector<std::int64_t> kept;
  for (std::int64_t row = 0; row < kLength; ++row) {
    for (std::int64_t column = 0; column < kLength; ++column) {
      const bool is_kept = column <= row + form.diagonal;
      masked.push_back(is_kept ? 0.0f : form.masked);
      kept.push_back(is_kept == (form.causal == CausalForm::kKept) ? 1 : 0);
    }
  }
  if (form.causal == CausalForm::kAdded) {
    return w.Node("Add", {scores, w.Constant({1, 1, kLength, kLength}, masked)});
  }
  const std::string condition =
      w.Node("Cast", {w.Constant(ForeignTensor::OfIntegers({kLength, kLength}, kept))},
             {{"to", std::int64_t{9}}});
  const std::string number = w.Number(form.masked);
  return form.causal == CausalForm::kKept ? w.Node("Where", {condition, scores, number})
                                          : w.Node("Where", {condition, number, scores});
}

std::string MaskOf(GraphWriter& w, const Form& form) {
  const std::string mask = w.Input("mask", {kLength}, ForeignType::kInt64);
  const bool is_of_queries = form.mask == MaskForm::kOfQueries;
  std::string wide = w.Node("Unsqueeze", {mask, w.Integers({1})});
  wide = w.Node("Unsqueeze", {wide, w.Integers({is_of_queries ? 3 : 2})});
  if (form.mask == MaskForm::kSelected) {
    const std::string valid = w.Node("Cast", {wide}, {{"to", std::int64_t{9}}});
    return w.Node("Where", {valid, w.Number(0.0f), w.Number(form.masked)});
  }
  const std::string real = w.Node("Cast", {wide}, {{"to", std::int64_t{1}}});
  const std::string inverse = w.Node("Sub", {w.Number(1.0f), real});
  if (form.mask == MaskForm::kInverted) {
    const std::string is_masked = w.Node("Cast", {inverse}, {{"to", std::int64_t{9}}});
    return w.Node("Where", {is_masked, w.Number(form.masked), inverse});
  }
  return w.Node("Mul", {inverse, w.Number(form.masked)});
}

ForeignGraph AttentionGraph(const Form& form) {
  GraphWriter w;
  const std::string x = w.Input("x", {kLength, kAll});
  const auto cut = [&](const char* function, std::vector<std::int64_t> order) {
    const std::string projection = w.Node(function, {w.Node("Mul", {x, w.Random({kAll})})});
    const std::string parts =
        w.Node("Reshape", {projection, w.Integers({0, kLength, kHeads, kWidth})});
    return w.Node("Transpose", {parts}, {{"perm", std::move(order)}});
  };
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(kWidth)));
  std::string queries = cut("Tanh", {0, 2, 1, 3});
  std::string keys;
  if (form.transposes_keys_twice) {
    keys = w.Node("Transpose", {cut("Sigmoid", {0, 2, 1, 3})},
                  {{"perm", std::vector<std::int64_t>{0, 1, 3, 2}}});
  } else {
    keys = cut("Sigmoid", {0, 2, 3, 1});
  }
  if (form.scales_queries) {
    queries = w.Node("Mul", {queries, w.Number(std::sqrt(scale))});
    keys = w.Node("Mul", {keys, w.Number(std::sqrt(scale))});
  }
  std::string scores = w.Node("MatMul", {queries, keys});
  if (form.reads_scores) w.Output(scores);
  if (!form.scales_queries) {
    scores = form.multiplies ? w.Node("Mul", {scores, w.Number(scale)})
                             : w.Node("Div", {scores, w.Number(1.0f / scale)});
  }
  if (form.causal != CausalForm::kNone) scores = WithCausalMask(w, form, scores);
  if (form.mask != MaskForm::kNone) scores = w.Node("Add", {scores, MaskOf(w, form)});
  const std::string shares = w.Node("Softmax", {scores}, {{"axis", form.softmax_axis}});
  const std::string sums = w.Node("MatMul", {shares, cut("Erf", form.value_order)});
  const std::string joined =
      w.Node("Transpose", {sums}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
  const std::string all = w.Node("Reshape", {joined, w.Integers({0, kLength, kAll})});
  w.Output(all);
  return w.Take();
}

TEST(FuseAttention, KnowsItsForms) {
  const Form forms[] = {{},
                        {.transposes_keys_twice = true},
                        {.scales_queries = true},
                        {.multiplies = true},
                        {.softmax_axis = 3}};
  for (const Form& form : forms) {
    EXPECT_TRUE(testing::Fuses(FuseAttention, AttentionGraph(form), "MultiHeadAttention"));
    EXPECT_FALSE(testing::Fuses(FuseAttention, AttentionGraph(form), "Softmax"));
    EXPECT_LE(testing::Difference(testing::ResultsAfter(FuseAttention, AttentionGraph(form), 3),
                                  testing::ResultsAfter(nullptr, AttentionGraph(form), 3)),
              1e-5);
  }
}

// As timm's vision transformers are exported.
ForeignGraph PackedGraph(bool splits, std::int64_t last_part) {
  GraphWriter w;
  const std::string x = w.Input("x", {kLength, kAll});
  const std::string packed = w.Node("MatMul", {x, w.Random({kAll, 3 * kAll})});
  const std::string cut = w.Node("Reshape", {packed, w.Integers({0, kLength, 3, kHeads, kWidth})});
  const std::string moved =
      w.Node("Transpose", {cut}, {{"perm", std::vector<std::int64_t>{2, 0, 3, 1, 4}}});
  std::vector<std::string> parts;
  if (splits) {
    for (const std::string& part : w.Nodes("Split", {moved}, 3)) {
      parts.push_back(w.Node("Squeeze", {part, w.Integers({0})}));
    }
  } else {
    for (const std::int64_t part : {std::int64_t{0}, std::int64_t{1}, last_part}) {
      parts.push_back(w.Node("Gather", {moved, w.Integer(part)}, {{"axis", std::int64_t{0}}}));
    }
  }
  const std::string scaled = w.Node("Mul", {parts[0], w.Number(0.5f)});
  const std::string queries = w.Node("Add", {scaled, w.Number(0.0f)});
  const std::string keys =
      w.Node("Transpose", {parts[1]}, {{"perm", std::vector<std::int64_t>{0, 1, 3, 2}}});
  const std::string shares = w.Node("Softmax", {w.Node("MatMul", {queries, keys})});
  const std::string joined = w.Node("Transpose", {w.Node("MatMul", {shares, parts[2]})},
                                    {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
  w.Output(w.Node("Reshape", {joined, w.Integers({0, kLength, kAll})}));
  return w.Take();
}

TEST(FuseAttention, KnowsAllThreeInOne) {
  for (const bool splits : {false, true}) {
    EXPECT_TRUE(testing::Fuses(FuseAttention, PackedGraph(splits, 2), "MultiHeadAttention"));
    EXPECT_LE(testing::Difference(testing::ResultsAfter(FuseAttention, PackedGraph(splits, 2), 3),
                                  testing::ResultsAfter(nullptr, PackedGraph(splits, 2), 3)),
              1e-5);
  }
  EXPECT_FALSE(testing::Fuses(FuseAttention, PackedGraph(false, 1), "MultiHeadAttention"));
}

TEST(FuseAttention, MasksBecomeLengths) {
  const testing::IntegerInputs masks = {
      {"mask", {1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0}}};
  const testing::IntegerInputs lengths = {{"lengths", {4, 6, 1}}};
  for (const MaskForm mask : {MaskForm::kSubtracted, MaskForm::kSelected, MaskForm::kInverted}) {
    const Form form = {.mask = mask};
    EXPECT_TRUE(testing::Fuses(FuseAttention, AttentionGraph(form), "MultiHeadAttention"));
    EXPECT_LE(
        testing::Difference(testing::ResultsAfter(FuseAttention, AttentionGraph(form), 3, lengths),
                            testing::ResultsAfter(nullptr, AttentionGraph(form), 3, masks)),
        1e-5);
  }
}

TEST(FuseAttention, KnowsCausalMasks) {
  const testing::IntegerInputs masks = {
      {"mask", {1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0}}};
  const testing::IntegerInputs lengths = {{"lengths", {4, 6, 1}}};
  for (const CausalForm causal : {CausalForm::kAdded, CausalForm::kKept, CausalForm::kReplaced}) {
    for (const MaskForm mask : {MaskForm::kNone, MaskForm::kSubtracted}) {
      const Form form = {.mask = mask, .causal = causal};
      EXPECT_FALSE(testing::Fuses(FuseAttention, AttentionGraph(form), "Softmax"));
      EXPECT_LE(testing::Difference(
                    testing::ResultsAfter(FuseAttention, AttentionGraph(form), 3, lengths),
                    testing::ResultsAfter(nullptr, AttentionGraph(form), 3, masks)),
                1e-5);
    }
    EXPECT_TRUE(testing::Fuses(FuseAttention, AttentionGraph({.causal = causal, .diagonal = 1}),
                               "Softmax"));
    EXPECT_TRUE(testing::Fuses(FuseAttention, AttentionGraph({.masked = -1.0f, .causal = causal}),
                               "Softmax"));
  }
}

// Forms of the mean of valid vectors.
struct PoolForm {
  bool expands = true;
  bool sums_narrow = false;  // the mask itself, [batch, length]
  bool uses_max = false;
  std::int64_t axis = 1;
  float factor = 1.0f;  // of the mask
};

ForeignGraph PoolGraph(const PoolForm& form) {
  GraphWriter w;
  const std::string x = w.Node("Tanh", {w.Input("x", {kLength, kAll})});
  const std::string mask = w.Input("mask", {kLength}, ForeignType::kInt64);
  std::string vectors = w.Node("Unsqueeze", {mask, w.Integers({-1})});
  if (form.expands) vectors = w.Node("Expand", {vectors, w.Integers({1, kLength, kAll})});
  vectors = w.Node("Cast", {vectors}, {{"to", std::int64_t{1}}});
  if (form.factor != 1.0f) vectors = w.Node("Mul", {vectors, w.Number(form.factor)});
  const auto sum = [&](const std::string& value, bool keeps) {
    return w.Node("ReduceSum", {value, w.Integers({form.axis})},
                  {{"keepdims", std::int64_t{keeps ? 1 : 0}}});
  };
  const std::string narrow = w.Node("Cast", {mask}, {{"to", std::int64_t{1}}});
  const std::string count = form.sums_narrow ? sum(narrow, true) : sum(vectors, false);
  const std::string floor = w.Number(1e-9f);
  const std::string divisor =
      form.uses_max ? w.Node("Max", {count, floor}) : w.Node("Clip", {count, floor});
  w.Output(w.Node("Div", {sum(w.Node("Mul", {x, vectors}), false), divisor}));
  return w.Take();
}

TEST(FuseAttention, KnowsMeansOfValidVectors) {
  const testing::IntegerInputs masks = {
      {"mask", {1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0}}};
  const testing::IntegerInputs lengths = {{"lengths", {4, 6, 0}}};
  for (const PoolForm& form : {PoolForm{}, PoolForm{.expands = false}, PoolForm{.uses_max = true},
                               PoolForm{.sums_narrow = true}}) {
    EXPECT_TRUE(testing::Fuses(FuseAttention, PoolGraph(form), "TokenPool"));
    EXPECT_LE(testing::Difference(testing::ResultsAfter(FuseAttention, PoolGraph(form), 3, lengths),
                                  testing::ResultsAfter(nullptr, PoolGraph(form), 3, masks)),
              1e-6);
  }
  EXPECT_FALSE(testing::Fuses(FuseAttention, PoolGraph({.factor = 2.0f}), "TokenPool"));
}

TEST(FuseAttention, LeavesWhatOnlyLooksLikeIt) {
  const Form forms[] = {{.softmax_axis = 2},
                        {.value_order = {0, 2, 3, 1}},
                        {.reads_scores = true},
                        {.mask = MaskForm::kOfQueries},
                        {.mask = MaskForm::kSubtracted, .masked = -1.0f},
                        {.mask = MaskForm::kSelected, .masked = 10000.0f}};
  for (const Form& form : forms) {
    EXPECT_FALSE(testing::Fuses(FuseAttention, AttentionGraph(form), "MultiHeadAttention"));
  }
}

// What else reads a mask is given what follows from the lengths.
TEST(FuseAttention, OtherReadersOfAMaskGetOneFromTheLengths) {
  const auto graph = [] {
    GraphWriter w;
    const std::string mask = w.Input("mask", {kLength}, ForeignType::kInt64);
    w.Output(w.Node("Mul", {w.Node("Cast", {mask}, {{"to", std::int64_t{1}}}), w.Number(2.0f)}));
    return w.Take();
  };
  const auto pass = [](ForeignGraph& graph, ImportReport& report) {
    ReplaceMask(graph, report, "mask", AddLengths(graph, "mask"));
  };
  EXPECT_EQ(testing::ResultsAfter(pass, graph(), 2, {{"lengths", {2, 5}}}),
            (std::vector<float>{2, 2, 0, 0, 0, 0, 2, 2, 2, 2, 2, 0}));
}

TEST(FusePositionEmbedding, KnowsTablesOfPositions) {
  const auto graph = [](GraphWriter::Sizes sizes) {
    GraphWriter w;
    const std::string x = w.Input("x", {kLength, kAll});
    w.Output(w.Node("Add", {x, w.Random(std::move(sizes))}));
    return w.Take();
  };
  for (const GraphWriter::Sizes& sizes :
       {GraphWriter::Sizes{1, kLength, kAll}, GraphWriter::Sizes{kLength, kAll}}) {
    EXPECT_EQ(testing::KindsAfter(FusePositionEmbedding, graph(sizes)),
              std::vector<std::string>{"PositionEmbedding"});
    EXPECT_EQ(testing::ResultsAfter(FusePositionEmbedding, graph(sizes), 2),
              testing::ResultsAfter(nullptr, graph(sizes), 2));
  }
  for (const GraphWriter::Sizes& sizes :
       {GraphWriter::Sizes{kAll}, GraphWriter::Sizes{1, kAll}, GraphWriter::Sizes{kLength, 1}}) {
    EXPECT_FALSE(testing::Fuses(FusePositionEmbedding, graph(sizes), "PositionEmbedding"));
  }
}

}  // namespace
}  // namespace espalier
