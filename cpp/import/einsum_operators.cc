// SPDX-License-Identifier: Apache-2.0

// Einsum of one or two operands: diagonals and sums of each, then one product of matrices, whose
// rows are what the first alone has, and columns what the second alone has.

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string>
#include <vector>

#include "import/lowered_shape.h"
#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/operators.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

// Letters of an ellipsis, which equations do not have.
constexpr char kFirstOfEllipsis = '0';
constexpr std::size_t kMostOfEllipsis = 8;

struct Equation {
  std::vector<std::string> operands;  // a letter for each dimension
  std::string output;
};

// `ranks`: of the operands.
Equation Parse(const std::string& text, const std::vector<std::size_t>& ranks) {
  std::string equation;
  std::copy_if(text.begin(), text.end(), std::back_inserter(equation),
               [](char c) { return c != ' '; });
  const std::size_t arrow = equation.find("->");
  const std::string left = equation.substr(0, arrow);
  std::vector<std::string> terms(1);
  for (const char c : left) {
    if (c == ',') {
      terms.emplace_back();
    } else {
      terms.back().push_back(c);
    }
  }
  if (terms.size() != ranks.size()) {
    Refuse("expected a term for each of ", ranks.size(), " inputs, got '", text, "'");
  }
  std::size_t most = 0;  // dimensions of the ellipsis
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const bool has_ellipsis = terms[i].find("...") != std::string::npos;
    const std::size_t letters = terms[i].size() - (has_ellipsis ? 3 : 0);
    if (letters > ranks[i] || (!has_ellipsis && letters != ranks[i])) {
      Refuse("expected terms of as many letters as dimensions, got '", text, "'");
    }
    most = std::max(most, ranks[i] - letters);
  }
  if (most > kMostOfEllipsis) Refuse("expected fewer dimensions");
  const auto expand = [&](const std::string& term, std::size_t dimensions) {
    const std::size_t at = term.find("...");
    if (at == std::string::npos) return term;
    std::string all;
    for (std::size_t i = most - dimensions; i < most; ++i) {
      all.push_back(static_cast<char>(kFirstOfEllipsis + static_cast<int>(i)));
    }
    return term.substr(0, at) + all + term.substr(at + 3);
  };
  Equation result;
  std::map<char, int> counts;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const std::size_t letters =
        terms[i].size() - (terms[i].find("...") != std::string::npos ? 3 : 0);
    result.operands.push_back(expand(terms[i], ranks[i] - letters));
    for (const char letter : result.operands.back()) ++counts[letter];
  }
  if (arrow != std::string::npos) {
    result.output = expand(equation.substr(arrow + 2), most);
  } else {
    for (const auto& [letter, count] : counts) {
      if (count == 1 || std::isdigit(static_cast<unsigned char>(letter)) != 0) {
        result.output.push_back(letter);
      }
    }
  }
  for (const char letter : result.output) {
    if (!counts.contains(letter)) Refuse("expected known letters in the output of '", text, "'");
  }
  return result;
}

template <class Node>
Equation EquationOf(const Node& node) {
  std::vector<std::size_t> ranks;
  for (std::size_t i = 0; i < node.node().inputs.size(); ++i) {
    ranks.push_back(static_cast<std::size_t>(node.Rank(i)));
  }
  return Parse(node.node().Text("equation", ""), ranks);
}

void InferEinsum(NodeFacts& facts) {
  const Equation equation = EquationOf(facts);
  std::map<char, ForeignDimension> sizes;
  for (std::size_t i = 0; i < equation.operands.size(); ++i) {
    for (std::size_t k = 0; k < equation.operands[i].size(); ++k) {
      const ForeignDimension& own = facts.Dimensions(i)[k];
      const auto [known, is_new] = sizes.emplace(equation.operands[i][k], own);
      if (is_new || known->second == own) continue;
      Refuse("expected one size for '", std::string(1, equation.operands[i][k]), "', got ",
             ToString({known->second, own}));
    }
  }
  ForeignDimensions result;
  for (const char letter : equation.output) result.push_back(sizes.at(letter));
  facts.SetOutput(0, facts.Type(0), std::move(result));
}

// An operand as the network has it, its letters without the batch's.
struct Operand {
  LoweredValue value;
  std::string letters;
};

std::int64_t SizeOfLetter(const Operand& operand, char letter) {
  return operand.value.shape[static_cast<int>(operand.letters.find(letter))];
}

// Elements of a letter that comes twice are those of its diagonal.
void TakeDiagonals(NodeLowering& node, Operand& operand) {
  std::string once;
  for (const char letter : operand.letters) {
    if (once.find(letter) == std::string::npos) once.push_back(letter);
  }
  if (once == operand.letters) return;
  Integers sizes, steps;
  std::int64_t count = 1;
  for (const char letter : once) {
    std::int64_t step = 0;
    std::int64_t stride = 1;
    for (int axis = operand.value.shape.rank() - 1; axis >= 0; --axis) {
      if (operand.letters[static_cast<std::size_t>(axis)] == letter) step += stride;
      stride *= operand.value.shape[axis];
    }
    steps.push_back(step);
    sizes.push_back(SizeOfLetter(operand, letter));
    count *= sizes.back();
  }
  Integers places;
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i;
    std::int64_t place = 0;
    for (std::size_t k = sizes.size(); k-- > 0;) {
      place += rest % sizes[k] * steps[k];
      rest /= sizes[k];
    }
    places.push_back(place);
  }
  LoweredValue flat = node.Add("reshape", {{"shape", Integers{-1}}}, operand.value, "flat");
  flat = node.Add("gather", {{"indices", places}, {"axis", std::int64_t{0}}}, flat, "diagonal");
  operand.value = node.Add("reshape", {{"shape", sizes}}, flat, "shaped");
  operand.letters = once;
}

// Sums over letters that nothing else has.
void TakeSums(NodeLowering& node, Operand& operand, const std::string& others) {
  Integers axes;
  std::string rest;
  for (std::size_t i = 0; i < operand.letters.size(); ++i) {
    if (others.find(operand.letters[i]) == std::string::npos) {
      axes.push_back(static_cast<std::int64_t>(i));
    } else {
      rest.push_back(operand.letters[i]);
    }
  }
  if (axes.empty()) return;
  operand.value =
      node.Add("reduce", {{"reduction", std::string("sum")}, {"axes", axes}}, operand.value, "sum");
  operand.letters = rest;
}

LoweredValue InOrder(NodeLowering& node, const Operand& operand, const std::string& letters) {
  if (letters == operand.letters || letters.size() < 2) return operand.value;
  Integers order;
  for (const char letter : letters) {
    order.push_back(static_cast<std::int64_t>(operand.letters.find(letter)));
  }
  return node.Add("transpose", {{"order", order}}, operand.value, "ordered");
}

std::string Common(const std::string& a, const std::string& b, bool is_in_b) {
  std::string result;
  for (const char letter : a) {
    if ((b.find(letter) != std::string::npos) == is_in_b) result.push_back(letter);
  }
  return result;
}

// [groups, rows, columns] of letters in that order.
LoweredValue AsMatrices(NodeLowering& node, const Operand& operand, const std::string& groups,
                        const std::string& rows, const std::string& columns) {
  const auto size = [&](const std::string& letters) {
    std::int64_t count = 1;
    for (const char letter : letters) count *= SizeOfLetter(operand, letter);
    return count;
  };
  const Integers shape = {size(groups), size(rows), size(columns)};
  return node.Add("reshape", {{"shape", shape}}, InOrder(node, operand, groups + rows + columns),
                  "matrices");
}

Operand Multiply(NodeLowering& node, const Operand& a, const Operand& b,
                 const std::string& output) {
  const std::string shared = Common(a.letters, b.letters, true);
  const std::string groups = Common(shared, output, true);
  const std::string terms = Common(shared, output, false);
  const std::string rows = Common(a.letters, shared, false);
  const std::string columns = Common(b.letters, shared, false);
  const LoweredValue product = node.Add("matmul", {},
                                        std::array{AsMatrices(node, a, groups, rows, terms),
                                                   AsMatrices(node, b, groups, terms, columns)},
                                        "product");
  Integers sizes;
  for (const char letter : groups + rows) sizes.push_back(SizeOfLetter(a, letter));
  for (const char letter : columns) sizes.push_back(SizeOfLetter(b, letter));
  if (sizes.empty()) sizes.push_back(1);
  return {node.Add("reshape", {{"shape", sizes}}, product, "shaped"), groups + rows + columns};
}

void LowerEinsum(NodeLowering& node) {
  Equation equation = EquationOf(node);
  const std::size_t count = equation.operands.size();
  if (count != 1 && count != 2) Refuse("expected one or two operands, got ", count);
  // The batch is in all of them, or in none.
  const int batch = BatchAxis(node.OutputDimensions());
  const char dropped = batch < 0 ? '\0' : equation.output[static_cast<std::size_t>(batch)];
  std::vector<Operand> operands;
  for (std::size_t i = 0; i < count; ++i) {
    const int own = BatchAxis(node.Dimensions(i));
    std::string letters = equation.operands[i];
    if (own >= 0) {
      const auto at = static_cast<std::size_t>(own);
      if (letters[at] != dropped || node.Dimensions(i)[at].size != 1 ||
          std::count(letters.begin(), letters.end(), dropped) != 1) {
        Refuse("expected the batch in the output, got ", ToString(node.OutputDimensions()));
      }
      letters.erase(at, 1);
    } else if (dropped != '\0' && letters.find(dropped) != std::string::npos) {
      Refuse("expected '", node.node().Input(i), "' to be the same for all examples");
    }
    operands.push_back({node.Data(i), letters});
  }
  if (dropped != '\0') std::erase(equation.output, dropped);
  for (Operand& operand : operands) TakeDiagonals(node, operand);
  TakeSums(node, operands[0], equation.output + (count == 2 ? operands[1].letters : std::string()));
  if (count == 2) {
    TakeSums(node, operands[1], equation.output + operands[0].letters);
    operands[0] = Multiply(node, operands[0], operands[1], equation.output);
  }
  node.SetOutput(0, InOrder(node, operands[0], equation.output));
}

constexpr ForeignOperator kOperators[] = {
    {.kind = "Einsum", .first_version = 12, .infer = InferEinsum, .lower = LowerEinsum},
};

}  // namespace

std::span<const ForeignOperator> EinsumOperators() { return kOperators; }

}  // namespace espalier
