// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/near_names.h"
#include "core/text.h"
#include "import/folding.h"

namespace espalier {
namespace {

using Kind = ForeignDimension::Kind;

class InputBinder {
 public:
  InputBinder(ForeignGraph& graph, const ImportOptions& options)
      : graph_(graph), options_(options) {}

  void Bind() {
    if (options_.has_batch) FindBatchNames();
    CheckNames();
    for (const std::string& input : graph_.inputs()) BindInput(input);
    if (!open_.empty()) {
      Fail(ErrorCode::kInvalidArgument, "expected a size for each dimension, got none for ",
           Join(open_, ", "), "; ImportOptions say it, by the dimension's name or as the shape of ",
           "an input");
    }
  }

 private:
  void FindBatchNames() {
    for (const std::string& input : graph_.inputs()) {
      const auto& dimensions = graph_.Value(input).dimensions;
      const auto axis = static_cast<std::size_t>(BatchAxisOf(input));
      if (dimensions && axis < dimensions->size() && (*dimensions)[axis].kind == Kind::kNamed) {
        batch_names_.insert((*dimensions)[axis].name);
      }
    }
  }

  std::int64_t BatchAxisOf(const std::string& input) const {
    const auto given = options_.batch_axes.find(input);
    return given == options_.batch_axes.end() ? 0 : given->second;
  }

  void CheckNames() const {
    std::set<std::string> known;
    for (const std::string& input : graph_.inputs()) {
      const auto& dimensions = graph_.Value(input).dimensions;
      if (!dimensions) continue;
      for (const ForeignDimension& dimension : *dimensions) {
        if (dimension.kind == Kind::kNamed) known.insert(dimension.name);
      }
    }
    for (const auto& [name, size] : options_.dimensions) {
      if (batch_names_.contains(name)) {
        Fail(ErrorCode::kInvalidArgument, "dimension '", name,
             "': expected none that is the batch, which a network leaves open");
      }
      if (!known.contains(name)) {
        Fail(ErrorCode::kInvalidArgument, "the inputs have no dimension '", name, "'",
             NamesInstead(name, std::vector<std::string>(known.begin(), known.end())));
      }
      if (size < 1) {
        Fail(ErrorCode::kInvalidArgument, "dimension '", name,
             "': expected a size of at least 1, got ", size);
      }
    }
    for (const auto& [name, shape] : options_.input_shapes) CheckInput(name);
    for (const auto& [name, axis] : options_.batch_axes) {
      CheckInput(name);
      if (!options_.has_batch) {
        Fail(ErrorCode::kInvalidArgument, "input '", name,
             "': expected no axis of the batch where there is no batch, got ", axis);
      }
      CheckAxis(name, axis);
    }
  }

  void CheckInput(const std::string& name) const {
    if (!graph_.IsInput(name)) {
      Fail(ErrorCode::kInvalidArgument, "there is no input '", name, "'",
           NamesInstead(name, graph_.inputs()));
    }
  }

  void CheckAxis(const std::string& input, std::int64_t axis) const {
    const auto& said = graph_.Value(input).dimensions;
    const auto given = options_.input_shapes.find(input);
    if (!said && given == options_.input_shapes.end()) return;  // which is an error of its own
    const std::int64_t last = said ? std::ssize(*said) - 1 : given->second.rank();
    if (axis < 0 || axis > last) {
      Fail(ErrorCode::kInvalidArgument, "input '", input,
           "': expected an axis of the batch from 0 to ", last, ", got ", axis);
    }
  }

  void BindInput(const std::string& input) {
    ForeignValue value = graph_.Value(input);
    if (const auto given = options_.input_shapes.find(input);
        given != options_.input_shapes.end()) {
      value.dimensions = Given(input, given->second, value.dimensions);
    } else if (!value.dimensions) {
      open_.push_back(Concat("input '", input, "'"));
      return;
    } else {
      BindDimensions(input, *value.dimensions);
    }
    graph_.Describe(input, std::move(value));
  }

  ForeignDimensions Given(const std::string& input, const Shape& shape,
                          const std::optional<ForeignDimensions>& said) const {
    ForeignDimensions dimensions;
    const bool is_vector_of_one = said && said->size() == 1 && shape == Shape{1};
    for (const std::int64_t size : shape.dimensions()) {
      if (options_.has_batch && is_vector_of_one) break;
      dimensions.push_back(ForeignDimension::Fixed(size));
    }
    if (options_.has_batch) {
      const auto axis = std::min<std::int64_t>(BatchAxisOf(input), std::ssize(dimensions));
      dimensions.insert(dimensions.begin() + axis, ForeignDimension::Batch());
    }
    if (said && said->size() != dimensions.size()) {
      Fail(ErrorCode::kInvalidArgument, "input '", input, "': expected ",
           said->size() - (options_.has_batch ? 1 : 0), " dimensions, got ", shape.ToString());
    }
    return dimensions;
  }

  void BindDimensions(const std::string& input, ForeignDimensions& dimensions) {
    if (options_.has_batch && dimensions.empty()) {
      Fail(ErrorCode::kInvalidArgument, "input '", input,
           "': expected a dimension that is the batch, got a single number; ",
           "ImportOptions can say that there is no batch");
    }
    for (std::size_t i = 0; i < dimensions.size(); ++i) {
      ForeignDimension& dimension = dimensions[i];
      if ((options_.has_batch && i == static_cast<std::size_t>(BatchAxisOf(input))) ||
          (dimension.kind == Kind::kNamed && batch_names_.contains(dimension.name))) {
        dimension = ForeignDimension::Batch();
      } else if (dimension.kind == Kind::kNamed) {
        const auto size = options_.dimensions.find(dimension.name);
        if (size == options_.dimensions.end()) {
          AddOpen(Concat("'", dimension.name, "'"));
        } else {
          dimension = ForeignDimension::Fixed(size->second);
        }
      } else if (dimension.kind == Kind::kUnknown) {
        AddOpen(Concat("dimension ", i, " of input '", input, "'"));
      }
    }
  }

  void AddOpen(std::string what) {
    if (std::ranges::find(open_, what) == open_.end()) open_.push_back(std::move(what));
  }

  ForeignGraph& graph_;
  const ImportOptions& options_;
  std::set<std::string> batch_names_;
  std::vector<std::string> open_;
};

}  // namespace

void BindInputs(ForeignGraph& graph, const ImportOptions& options) {
  InputBinder(graph, options).Bind();
}

}  // namespace espalier
