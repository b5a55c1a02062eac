// SPDX-License-Identifier: Apache-2.0
#include "files/learned_tensors.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "core/text.h"

namespace espalier {
namespace {

constexpr std::size_t kMaxListed = 4;  // names in a problem

// A word, in small letters, or a number.
struct Token {
  std::string word;    // empty: a number …
  std::string digits;  // … without leading zeros

  bool is_number() const { return word.empty(); }
  bool operator==(const Token&) const = default;
};

bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool IsUpper(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }

// "encoder.layer.0.LayerNorm": encoder, layer, 0, layer, norm. Bytes beyond ASCII are letters.
std::vector<Token> TokensOf(std::string_view name) {
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < name.size();) {
    const std::size_t begin = i;
    if (IsDigit(name[i])) {
      while (i < name.size() && IsDigit(name[i])) ++i;
      const std::size_t first = std::min(name.find_first_not_of('0', begin), i);
      tokens.push_back({.digits = std::string(name.substr(first, i - first))});
      continue;
    }
    std::string word;
    for (; i < name.size() && !IsDigit(name[i]); ++i) {
      const char c = name[i];
      if (c == '.' || c == '_' || c == '-' || c == '/' || c == ' ') break;
      if (i > begin && IsUpper(c) && !IsUpper(name[i - 1])) break;
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    if (word.empty()) {
      ++i;  // what separates
    } else {
      tokens.push_back({.word = std::move(word)});
    }
  }
  return tokens;
}

bool IsLess(const Token& a, const Token& b) {
  if (a.is_number() != b.is_number()) return a.is_number();
  if (!a.is_number()) return a.word < b.word;
  if (a.digits.size() != b.digits.size()) return a.digits.size() < b.digits.size();
  return a.digits < b.digits;
}

// Parameters of one layer, or tensors that a program would call so.
struct Group {
  std::string name;
  std::vector<Token> tokens;
  int layer = kNoLayer;  // of the network
  struct Member {
    int parameter = 0;
    const SafetensorsTensor* tensor = nullptr;
    std::string shape;
    std::string shape_without_ones;
  };
  std::map<std::string, Member> members;  // by "weight", "bias" …
};

std::string ShapesOf(const Group& group) {
  std::string shapes;
  for (const auto& [part, member] : group.members) {
    shapes += Concat(" ", part, member.shape_without_ones);
  }
  return shapes;
}

// The layer's name, and which of its parameters it is; what has no name of its own ("cls_token",
// "in_proj_weight") is the weight, or bias, of what it is called.
std::pair<std::string, std::string> LayerAndPart(const std::string& path) {
  constexpr std::array<std::string_view, 4> kParts = {"weight", "bias", "running_mean",
                                                      "running_var"};
  for (const std::string_view part : kParts) {
    for (const char separator : {'.', '_'}) {
      const std::string end = Concat(separator, part);
      if (path.ends_with(end)) {
        return {path.substr(0, path.size() - end.size()), std::string(part)};
      }
    }
  }
  return {path, "weight"};
}

template <typename Dimensions>
std::string ShapeText(const Dimensions& dimensions, bool with_ones) {
  std::vector<std::int64_t> shown;
  for (const std::int64_t dimension : dimensions) {
    if (with_ones || dimension != 1) shown.push_back(dimension);
  }
  return Concat("[", Join(shown, ","), "]");
}

using Groups = std::map<std::string, Group>;

template <typename Dimensions>
void AddTo(Groups& groups, const std::string& path, const Dimensions& dimensions, int layer,
           Group::Member member) {
  const auto [name, part] = LayerAndPart(path);
  Group& group = groups[name];
  if (group.name.empty()) group = {.name = name, .tokens = TokensOf(name), .layer = layer};
  member.shape = ShapeText(dimensions, true);
  member.shape_without_ones = ShapeText(dimensions, false);
  // Of two that are called alike ("a.weight", "a_weight") both are kept, and told apart by nothing.
  std::string key = part;
  while (group.members.contains(key)) key += '+';
  group.members.emplace(std::move(key), std::move(member));
}

using Side = std::vector<const Group*>;

// Layers and tensors of the same shapes.
struct Class {
  Side parameters;
  Side tensors;
};

std::set<std::string> WordsOf(const Group& group) {
  std::set<std::string> words;
  for (const Token& token : group.tokens) {
    if (!token.is_number()) words.insert(token.word);
  }
  for (const auto& [part, member] : group.members) words.insert(part + member.shape);
  return words;
}

std::map<std::string, int> CountWords(const Side& side) {
  std::map<std::string, int> counts;
  for (const Group* group : side) {
    for (const std::string& word : WordsOf(*group)) ++counts[word];
  }
  return counts;
}

// The class apart by the words that both sides have as often; as it is if that comes out uneven.
// The exact shapes count as words.
std::vector<Class> SplitByWords(const Class& whole) {
  const std::map<std::string, int> of_parameters = CountWords(whole.parameters);
  const std::map<std::string, int> of_tensors = CountWords(whole.tensors);
  const auto shared_words = [&](const Group& group) {
    std::vector<std::string> shared;
    for (const std::string& word : WordsOf(group)) {
      const auto a = of_parameters.find(word);
      const auto b = of_tensors.find(word);
      if (a != of_parameters.end() && b != of_tensors.end() && a->second == b->second) {
        shared.push_back(word);
      }
    }
    return shared;
  };
  std::map<std::vector<std::string>, Class> cells;
  for (const Group* group : whole.parameters) {
    cells[shared_words(*group)].parameters.push_back(group);
  }
  for (const Group* group : whole.tensors) cells[shared_words(*group)].tensors.push_back(group);
  std::vector<Class> split;
  for (auto& [words, cell] : cells) {
    if (cell.parameters.size() != cell.tensors.size()) return {whole};
    split.push_back(std::move(cell));
  }
  return split;
}

// Numbers of names that differ in nothing else, each once; else none.
std::optional<std::map<std::vector<std::string>, const Group*>> ByNumbers(const Side& side) {
  std::map<std::vector<std::string>, const Group*> by_numbers;
  std::optional<std::vector<std::string>> words;
  for (const Group* group : side) {
    std::vector<std::string> numbers;
    std::vector<std::string> template_words;  // "" for each number
    for (const Token& token : group->tokens) {
      if (token.is_number()) numbers.push_back(token.digits);
      template_words.push_back(token.word);
    }
    if (words.has_value() && *words != template_words) return std::nullopt;
    words = std::move(template_words);
    if (!by_numbers.emplace(std::move(numbers), group).second) return std::nullopt;
  }
  return by_numbers;
}

// Sorts by names; false if what tells one from the next is a word.
bool SortByNumbers(Side& side) {
  std::ranges::sort(side, [](const Group* a, const Group* b) {
    return std::ranges::lexicographical_compare(a->tokens, b->tokens, IsLess);
  });
  for (std::size_t i = 0; i + 1 < side.size(); ++i) {
    const auto [a, b] = std::ranges::mismatch(side[i]->tokens, side[i + 1]->tokens);
    const bool differs_by_number = a != side[i]->tokens.end() && b != side[i + 1]->tokens.end() &&
                                   a->is_number() && b->is_number();
    if (!differs_by_number) return false;
  }
  return true;
}

// Sorts as they are computed; false unless each is computed from the one before.
bool SortByComputation(const NetworkState& network, Side& side) {
  std::ranges::sort(side, {}, &Group::layer);
  std::vector<int> last(network.values.size(), -1);  // of `side`, that a value is computed from
  std::size_t next = 0;
  for (std::size_t i = 0; i < network.layers.size() && next < side.size(); ++i) {
    const GraphLayer& layer = network.layers[i];
    int before = -1;
    for (const int input : layer.inputs) {
      before = std::max(before, last[static_cast<std::size_t>(input)]);
    }
    if (static_cast<int>(i) == side[next]->layer) {
      if (before + 1 != static_cast<int>(next)) return false;
      before = static_cast<int>(next++);
    }
    last[static_cast<std::size_t>(layer.output)] = before;
  }
  return next == side.size();
}

std::string Names(const char* what, const Side& side) {
  std::vector<std::string> names;
  for (const Group* group : side) {
    if (names.size() == kMaxListed) break;
    names.push_back(Concat("'", group->name, "'"));
  }
  std::string text = Concat(what, " ", Join(names, ", "));
  if (side.size() > names.size()) text += Concat(" and ", side.size() - names.size(), " more");
  return text;
}

class Learner {
 public:
  explicit Learner(const NetworkState& network) : network_(network) {}

  LearnedTensors Run(std::span<const int> parameters,
                     std::span<const SafetensorsTensor* const> tensors) {
    std::map<std::string_view, const SafetensorsTensor*> free;
    for (const SafetensorsTensor* tensor : tensors) free.emplace(tensor->name, tensor);
    Groups ours;
    Groups theirs;
    for (const int index : parameters) {
      const GraphParameter& parameter = network_.parameters[static_cast<std::size_t>(index)];
      const auto same = free.find(parameter.path);
      if (same != free.end() &&
          ShapeText(same->second->shape, false) == ShapeText(parameter.shape.dimensions(), false)) {
        learned_.pairs.push_back({index, same->second, WeightEvidence::kName});
        free.erase(same);
        continue;
      }
      AddTo(ours, parameter.path, parameter.shape.dimensions(), parameter.layer,
            {.parameter = index});
    }
    for (const auto& [name, tensor] : free) {
      AddTo(theirs, tensor->name, tensor->shape, kNoLayer, {.tensor = tensor});
    }
    std::map<std::string, Class> classes;
    for (const auto& [name, group] : ours) {
      classes[ShapesOf(group)].parameters.push_back(&group);
    }
    for (const auto& [name, group] : theirs) {
      classes[ShapesOf(group)].tensors.push_back(&group);
    }
    for (const auto& [shapes, same_shapes] : classes) Resolve(shapes, same_shapes);
    return std::move(learned_);
  }

 private:
  void Resolve(const std::string& shapes, const Class& same_shapes) {
    const auto& [parameters, tensors] = same_shapes;
    if (parameters.size() != tensors.size()) {
      learned_.problems.push_back(
          Concat("of shapes", shapes, ": expected as many layers as tensors' layers, got ",
                 parameters.empty() ? "no layers" : Names("layers", parameters), " and ",
                 tensors.empty() ? "no tensors" : Names("tensors", tensors)));
    } else if (parameters.size() == 1) {
      Pair(*parameters[0], *tensors[0], WeightEvidence::kShapes);
    } else {
      for (Class& cell : SplitByWords(same_shapes)) ResolveCell(shapes, cell);
    }
  }

  void ResolveCell(const std::string& shapes, Class& cell) {
    if (cell.parameters.size() == 1) {
      Pair(*cell.parameters[0], *cell.tensors[0], WeightEvidence::kWords);
    } else if (!PairByNumbers(cell) && !PairByOrder(cell)) {
      learned_.problems.push_back(
          Concat("of shapes", shapes,
                 ": expected words, numbers or an order that tell which is which, got ",
                 Names("layers", cell.parameters), " and ", Names("tensors", cell.tensors)));
    }
  }

  bool PairByNumbers(const Class& cell) {
    const auto parameters = ByNumbers(cell.parameters);
    const auto tensors = ByNumbers(cell.tensors);
    if (!parameters || !tensors) return false;
    if (!std::ranges::equal(
            *parameters, *tensors, {}, [](const auto& entry) { return entry.first; },
            [](const auto& entry) { return entry.first; })) {
      return false;
    }
    for (auto a = parameters->begin(), b = tensors->begin(); a != parameters->end(); ++a, ++b) {
      Pair(*a->second, *b->second, WeightEvidence::kNumbers);
    }
    return true;
  }

  bool PairByOrder(Class& cell) {
    if (!SortByNumbers(cell.tensors) || !SortByComputation(network_, cell.parameters)) return false;
    for (std::size_t i = 0; i < cell.parameters.size(); ++i) {
      Pair(*cell.parameters[i], *cell.tensors[i], WeightEvidence::kOrder);
    }
    return true;
  }

  // Of the same shapes, so with the same parts.
  void Pair(const Group& layer, const Group& tensors, WeightEvidence evidence) {
    auto theirs = tensors.members.begin();
    for (const auto& [part, ours] : layer.members) {
      learned_.pairs.push_back({ours.parameter, theirs++->second.tensor, evidence});
    }
  }

  const NetworkState& network_;
  LearnedTensors learned_;
};

}  // namespace

LearnedTensors LearnTensors(const NetworkState& network, std::span<const int> parameters,
                            std::span<const SafetensorsTensor* const> tensors) {
  return Learner(network).Run(parameters, tensors);
}

}  // namespace espalier
