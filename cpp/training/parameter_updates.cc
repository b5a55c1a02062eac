// SPDX-License-Identifier: Apache-2.0
#include "training/parameter_updates.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "core/checked.h"
#include "core/cpu.h"
#include "core/text.h"
#include "kernels/optimizers/move_towards.h"
#include "kernels/reductions/reduction.h"
#include "training/layer_depths.h"

namespace espalier {
namespace {

// Split by problem size alone, so that handing a chunk to a worker is cheap beside its work (1 µs
// or more).
constexpr std::int64_t kChunkFloats = 16384;
// So few are updated by one worker: another one's cache has what they need.
constexpr std::int64_t kLeastSharedFloats = 65536;
constexpr std::int64_t kAlignmentFloats =
    static_cast<std::int64_t>(kAlignmentBytes / sizeof(float));

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

std::int64_t Chunks(std::int64_t floats, std::int64_t chunk_floats) {
  return (floats + chunk_floats - 1) / chunk_floats;
}

}  // namespace

ParameterUpdates::ParameterUpdates(NetworkState& network, const TrainingPlan& plan,
                                   const TrainerConfig& config)
    : network_(network),
      config_(config),
      rule_(RuleOf(config.optimizer)),
      parameter_of_(network.parameters.size(), -1),
      bounds_(config.optimizer) {
  const std::vector<int> depths = DepthFromOutput(network);
  const auto rate_factor = [&](int layer) {
    return network.layers[Index(layer)].learning_rate_scale *
           std::pow(config.layer_decay, depths[Index(layer)]);
  };
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const PlanNode& node = plan.nodes[i];
    if (!node.use.grad_parameters) continue;
    const GraphLayer& layer = network.layers[Index(node.layer)];
    for (std::size_t p = 0; p < layer.parameters.size(); ++p) {
      const int parameter = layer.parameters[p];
      if (network.parameters[Index(parameter)].role == ParameterRole::kBuffer) continue;
      AddParameter(parameter, rate_factor(node.layer), static_cast<int>(i), 0, 0);
      Parameter& added = parameters_.back();
      added.is_late = p == 0 && node.has_late_gradient;
      added.is_table = p == 0 && layer.layer->HasTableGradient();
      added.is_large =
          !added.is_late && !added.is_table && added.floats >= kLeastLargeGradientFloats;
      if (node.grad_parameters[p] != kNoBuffer) added.gradient_floats = 0;
      if (!added.is_table) continue;
      const Shape& shape = network.parameters[Index(parameter)].shape;
      const std::int64_t ids =
          CheckedMultiply(plan.max_batch, layer.input_shapes[0].element_count());
      added.gradient_floats =
          TableGradients::MostRows(shape[0], ids, config.data_parallel) * shape[1];
    }
  }
  std::int64_t column = 0;
  for (const GraphHead& head : network.heads) {
    if (IsTrainable(network, head.output)) {
      for (const int parameter : network.layers[Index(head.output)].parameters) {
        AddParameter(parameter, rate_factor(head.output), -1, column, head.width());
      }
    }
    column += head.width();
  }
  column_steps_.assign(Index(column), 0);
  LayOutGradients();
}

void ParameterUpdates::AddParameter(int index, double rate_factor, int node,
                                    std::int64_t first_column, std::int64_t columns) {
  const GraphParameter& graph_parameter = network_.parameters[Index(index)];
  const bool decays =
      graph_parameter.role == ParameterRole::kWeight || config_.decay_biases_and_norms;
  Parameter parameter;
  parameter.index = index;
  parameter.floats = graph_parameter.shape.element_count();
  parameter.gradient_floats = parameter.floats;
  parameter.rate_factor = rate_factor;
  const bool is_new = network_.layers[Index(graph_parameter.layer)].head >= 0;
  parameter.start_decay = is_new ? 0.0 : config_.start_decay;
  parameter.weight_decay =
      decays && parameter.start_decay == 0.0 ? WeightDecay(config_.optimizer) : 0.0;
  parameter.node = node;
  parameter.first_column = first_column;
  parameter.columns = columns;
  parameters_.push_back(parameter);
  most_rate_factor_ = std::max(most_rate_factor_, rate_factor);
}

void ParameterUpdates::LayOutGradients() {
  const auto value_offset = [this](const Parameter& parameter) {
    return network_.parameters[Index(parameter.index)].offset;
  };
  // Small ones first, so that they lie together; late ones last.
  std::sort(parameters_.begin(), parameters_.end(), [&](const Parameter& a, const Parameter& b) {
    return std::tuple(a.is_late, a.is_table, a.is_large, value_offset(a)) <
           std::tuple(b.is_late, b.is_table, b.is_large, value_offset(b));
  });
  std::int64_t end = 0;
  std::int64_t state_tables_begin = 0;
  std::int64_t state_tables_end = 0;
  std::vector<std::int64_t> gradients(parameters_.size());
  std::int64_t gradients_end = 0;
  std::int64_t small_floats = 0;
  std::int64_t values_end = -1;
  std::int64_t most_segments = 0;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = parameters_[i];
    const bool continues = value_offset(parameter) == values_end;
    const auto aligned = [continues](std::int64_t at) {
      return continues ? at : (at + kAlignmentFloats - 1) / kAlignmentFloats * kAlignmentFloats;
    };
    parameter.offset = aligned(end);
    end = CheckedAdd(parameter.offset, parameter.floats);
    if (!parameter.is_late) {
      gradients[i] = aligned(gradients_end);
      gradients_end = CheckedAdd(gradients[i], parameter.gradient_floats);
      known_floats_ = CheckedAdd(known_floats_, parameter.floats);
      state_tables_end = end;
    }
    if (!parameter.is_late && !parameter.is_table) {
      state_tables_begin = end;
      if (!parameter.is_large) small_floats = gradients_end;
    }
    values_end = value_offset(parameter) + parameter.floats;
    parameter_of_[Index(parameter.index)] = static_cast<int>(i);
    if (parameter.is_table) continue;
    // At worst every column is a run of its own.
    const std::int64_t runs = std::max<std::int64_t>(parameter.columns, 1);
    most_segments += runs * Chunks(parameter.floats / runs, kChunkFloats);
  }
  gradients_ = AlignedArray<float>(gradients_end);
  known_.Add({gradients_.data(), Index(small_floats)});
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = parameters_[i];
    if (parameter.is_late) continue;
    parameter.gradient = gradients_.data() + gradients[i];
    if (parameter.is_large) known_.Add({parameter.gradient, Index(parameter.gradient_floats)});
  }
  for (std::size_t i = rule_->StateNames().size(); i > 0; --i) state_.emplace_back(end);
  // Most rows of a table of words stay at rest.
  const std::int64_t table_bytes =
      (state_tables_end - state_tables_begin) * static_cast<std::int64_t>(sizeof(float));
  for (AlignedArray<float>& tensor : state_) {
    ExpectSparseUse(tensor.data() + state_tables_begin, table_bytes);
  }
  if (config_.start_decay > 0.0) {
    starts_ = AlignedArray<float>(end);
    for (const Parameter& parameter : parameters_) {
      std::copy_n(network_.parameter_values(parameter.index), parameter.floats,
                  starts_.data() + parameter.offset);
    }
  }
  segments_.reserve(Index(most_segments));
}

void ParameterUpdates::PlaceGradient(int parameter, float* gradient) {
  Parameter& placed = parameters_[Index(parameter_of_[Index(parameter)])];
  placed.gradient = gradient;
  known_.Add({gradient, Index(placed.floats)});
}

float* ParameterUpdates::Gradient(int parameter) {
  const int index = parameter_of_[Index(parameter)];
  return index < 0 ? nullptr : parameters_[Index(index)].gradient;
}

void ParameterUpdates::AddLateGradient(int parameter, const float* gradients, const float* inputs) {
  const Shape& shape = network_.parameters[Index(parameter)].shape;
  const WeightGradient product{.gradients = gradients,
                               .inputs = inputs,
                               .examples = kMostGradientExamples,
                               .rows = shape[0],
                               .columns = shape.element_count() / shape[0]};
  late_.Add({.parameter = parameter_of_[Index(parameter)], .product = product});
  late_updates_.reserve(late_.gradients().size());
  most_late_tasks_ += WeightGradientTasks(product);
  partial_sums_ = AlignedArray<double>(most_late_tasks_);
}

int ParameterUpdates::AddTableGradient(int parameter, const TableIds& ids, std::int64_t max_batch) {
  const Shape& shape = network_.parameters[Index(parameter)].shape;
  tables_.Add({.parameter = parameter_of_[Index(parameter)],
               .rows = shape[0],
               .width = shape[1],
               .ids = ids,
               .gradients = Gradient(parameter)},
              max_batch, config_.data_parallel);
  // At worst every row is a run of its own.
  const std::int64_t segments =
      tables_.tables().back().most_reached * Chunks(shape[1], kChunkFloats);
  segments_.reserve(segments_.capacity() + Index(segments));
  return static_cast<int>(tables_.tables().size()) - 1;
}

std::span<const std::int32_t> ParameterUpdates::GradientRows(int table) const {
  if (table < 0) return {};
  return tables_.tables()[Index(table)].gradient_rows;
}

void ParameterUpdates::ListRuns(std::vector<GradientRun>& runs) const {
  runs.clear();
  for (const Parameter& parameter : parameters_) {
    if (parameter.is_late || parameter.is_table) continue;
    runs.push_back({parameter.gradient - gradients_.data(), parameter.floats, parameter.node});
  }
  for (const TableGradients::Table& table : tables_.tables()) {
    const Parameter& parameter = parameters_[Index(table.rows.parameter)];
    for (const std::int32_t row : table.reached) {
      const std::int64_t at = table.Gradient(row) - gradients_.data();
      runs.push_back({at, table.rows.width, parameter.node});
    }
  }
}

std::size_t ParameterUpdates::MostRuns() const {
  std::size_t most = parameters_.size();
  for (const TableGradients::Table& table : tables_.tables()) most += Index(table.most_reached);
  return most;
}

double ParameterUpdates::GradientNorm(std::int64_t batch, Workspace& workspace) {
  known_squares_ = known_.Sum(workspace);
  known_squares_ += tables_.Begin();
  const bool are_surely_finite = late_.Begin(batch);
  const double norm = std::sqrt(
      are_surely_finite ? known_squares_
                        : known_squares_ + late_.SumOfSquares(partial_sums_.span(), workspace));
  most_gradient_ = are_surely_finite ? std::max(norm, late_.most()) : norm;
  return norm;
}

double ParameterUpdates::GradientNormOfShards(Workspace& workspace) {
  known_squares_ = known_.Sum(workspace) + tables_.BeginOfAllRows();
  most_gradient_ = std::sqrt(known_squares_);
  return most_gradient_;
}

ParameterUpdates::Applied ParameterUpdates::Apply(const ReachedUnits& reached, double learning_rate,
                                                  Workspace& workspace) {
  if (IsSurelyFinite(learning_rate))
    return {.gradient_norm = Update(reached, learning_rate, workspace)};
  const Snapshot snapshot = Save();
  const double norm = Update(reached, learning_rate, workspace);
  has_bounds_ = false;
  const GraphParameter* const non_finite = FirstNonFinite();
  if (non_finite != nullptr) PutBack(snapshot);
  return {.gradient_norm = norm, .non_finite = non_finite};
}

bool ParameterUpdates::IsSurelyFinite(double learning_rate) {
  constexpr double kUnlimited = std::numeric_limits<double>::infinity();
  const double gradient = std::min({most_gradient_, config_.clip_value.value_or(kUnlimited),
                                    config_.clip_norm.value_or(kUnlimited)});
  const double rate = learning_rate * most_rate_factor_;
  const std::uint64_t version = network_.values_version.load();
  if (has_bounds_ && bounds_version_ == version && bounds_.Advance(gradient, rate)) return true;
  MeasureBounds();
  has_bounds_ = true;
  bounds_version_ = version;
  return bounds_.Advance(gradient, rate);
}

void ParameterUpdates::ContinueFrom(const ParameterUpdates& earlier) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = parameters_[i];
    const int former = earlier.parameter_of_[Index(parameter.index)];
    if (former < 0) continue;
    const Parameter& from = earlier.parameters_[Index(former)];
    parameter.step = from.step;
    std::int64_t state_floats = parameter.floats;
    if (TableGradients::Table* const table = tables_.Find(static_cast<int>(i))) {
      table->ContinueFrom(*earlier.tables_.Find(former));
      state_floats = table->placed * table->rows.width;
    }
    for (std::size_t k = 0; k < state_.size(); ++k) {
      std::copy_n(earlier.state_[k].data() + from.offset, state_floats,
                  state_[k].data() + parameter.offset);
    }
    if (starts_.empty() || earlier.starts_.empty()) continue;
    std::copy_n(earlier.starts_.data() + from.offset, parameter.floats,
                starts_.data() + parameter.offset);
  }
  column_steps_ = earlier.column_steps_;
  has_bounds_ = false;
}

void ParameterUpdates::AddStateTo(std::vector<StateTensor>& tensors) {
  for (TableGradients::Table& table : tables_.tables()) {
    std::vector<float*> state;
    for (AlignedArray<float>& tensor : state_) {
      state.push_back(tensor.data() + parameters_[Index(table.rows.parameter)].offset);
    }
    table.PlaceByRow(state);
  }
  const std::vector<std::string_view> names = rule_->StateNames();
  const std::span<const std::string_view> squares = rule_->SquareNames();
  for (Parameter& parameter : parameters_) {
    const GraphParameter& of = network_.parameters[Index(parameter.index)];
    const auto dimensions = of.shape.dimensions();
    const auto add = [&](std::string_view kind, AlignedArray<float>& from, bool is_square) {
      tensors.push_back(
          {.name = Concat(kind, ".", of.path),
           .shape = {dimensions.begin(), dimensions.end()},
           .floats = from.span().subspan(Index(parameter.offset), Index(parameter.floats)),
           .is_never_negative = is_square});
    };
    for (std::size_t i = 0; i < names.size(); ++i) {
      add(names[i], state_[i], std::ranges::find(squares, names[i]) != squares.end());
    }
    if (!starts_.empty()) add("start", starts_, false);
    if (parameter.node >= 0 && !parameter.is_table) {
      tensors.push_back(
          {.name = Concat("updates.", of.path), .shape = {1}, .counts = {&parameter.step, 1}});
    }
  }
  for (TableGradients::Table& table : tables_.tables()) {
    const int index = parameters_[Index(table.rows.parameter)].index;
    tensors.push_back({.name = Concat("updates.", network_.parameters[Index(index)].path),
                       .shape = {table.rows.rows},
                       .counts = table.steps});
  }
  tensors.push_back({.name = "updates",
                     .shape = {static_cast<std::int64_t>(column_steps_.size())},
                     .counts = column_steps_});
}

// The root of a sum of squares is at least each of them.
void ParameterUpdates::MeasureBounds() {
  double squares = starts_.empty() ? 0.0 : SumOfSquares(starts_.data(), starts_.size());
  for (const Parameter& parameter : parameters_) {
    squares += SumOfSquares(network_.parameter_values(parameter.index), parameter.floats);
  }
  UpdateMost most{.value = std::sqrt(squares)};
  for (std::size_t i = 0; i < state_.size(); ++i) {
    most.state[i] = std::sqrt(SumOfSquares(state_[i].data(), state_[i].size()));
  }
  bounds_.Set(most);
}

ParameterUpdates::Snapshot ParameterUpdates::Save() const {
  const auto copy = [](const AlignedArray<float>& from) {
    AlignedArray<float> to(from.size());
    std::copy_n(from.data(), from.size(), to.data());
    return to;
  };
  Snapshot snapshot{.values = copy(network_.parameter_floats),
                    .state = {},
                    .column_steps = column_steps_,
                    .steps = {},
                    .row_steps = {}};
  for (const AlignedArray<float>& tensor : state_) snapshot.state.push_back(copy(tensor));
  for (const Parameter& parameter : parameters_) snapshot.steps.push_back(parameter.step);
  for (const TableGradients::Table& table : tables_.tables()) {
    snapshot.row_steps.push_back(table.steps);
  }
  return snapshot;
}

void ParameterUpdates::PutBack(const Snapshot& snapshot) {
  std::copy_n(snapshot.values.data(), snapshot.values.size(), network_.parameter_floats.data());
  for (std::size_t i = 0; i < state_.size(); ++i) {
    std::copy_n(snapshot.state[i].data(), snapshot.state[i].size(), state_[i].data());
  }
  column_steps_ = snapshot.column_steps;
  for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].step = snapshot.steps[i];
  for (std::size_t i = 0; i < snapshot.row_steps.size(); ++i) {
    tables_.tables()[i].steps = snapshot.row_steps[i];
  }
}

const GraphParameter* ParameterUpdates::FirstNonFinite() const {
  for (const Parameter& parameter : parameters_) {
    bool is_finite = AllFinite(network_.parameter_values(parameter.index), parameter.floats);
    for (const AlignedArray<float>& tensor : state_) {
      is_finite = is_finite && AllFinite(tensor.data() + parameter.offset, parameter.floats);
    }
    if (!is_finite) return &network_.parameters[Index(parameter.index)];
  }
  return nullptr;
}

double ParameterUpdates::Update(const ReachedUnits& reached, double learning_rate,
                                Workspace& workspace) {
  gradient_scale_ = 1.0f;
  if (config_.clip_norm) {
    const auto limit = static_cast<float>(config_.clip_value.value_or(0.0));
    const double squares = config_.clip_value ? known_.ClampedSum(limit, workspace) +
                                                    tables_.ClampedSumOfSquares(limit)
                                              : known_squares_;
    // PyTorch's clip_grad_norm_, its 1e-6 against division by zero included.
    gradient_scale_ =
        static_cast<float>(std::min(1.0, *config_.clip_norm / (std::sqrt(squares) + 1e-6)));
  }
  for (std::size_t column = 0; column < column_steps_.size(); ++column) {
    if (reached.columns[column]) ++column_steps_[column];
  }
  segments_.clear();
  late_updates_.clear();
  AddLateUpdates(reached, learning_rate);
  AddTableSegments(reached, learning_rate);
  for (Parameter& parameter : parameters_) {
    if (parameter.is_late || parameter.is_table) continue;
    const double rate = learning_rate * parameter.rate_factor;
    if (parameter.node < 0) {
      AddColumnSegments(parameter, reached.columns, rate);
    } else if (reached.nodes[Index(parameter.node)]) {
      AddSegments(parameter, PlaceIn(parameter, 0), parameter.floats, ++parameter.step, rate);
    }
  }
  // The long tasks first, the short ones together if they are few.
  std::int64_t late_tasks = 0;
  for (const LateUpdate& late : late_updates_) late_tasks += late.tasks;
  const auto count = static_cast<std::int64_t>(segments_.size());
  const std::int64_t run =
      known_floats_ <= kLeastSharedFloats ? std::max<std::int64_t>(count, 1) : 1;
  const std::int64_t tasks = late_tasks + (count + run - 1) / run;
  workspace.ParallelFor(tasks, [&](std::int64_t task, std::span<float> scratch) {
    if (task >= late_tasks) {
      const std::int64_t first = (task - late_tasks) * run;
      for (std::int64_t i = first; i < std::min(count, first + run); ++i) {
        RunSegment(PreparedUpdate(*rule_, segments_[Index(i)].step), segments_[Index(i)]);
      }
      return;
    }
    auto late = late_updates_.begin();
    while (task >= late->first_task + late->tasks) ++late;
    partial_sums_[task] = UpdateLate(*late, task - late->first_task, scratch);
  });
  double sum = known_squares_;
  for (std::int64_t task = 0; task < late_tasks; ++task) sum += partial_sums_[task];
  return std::sqrt(sum);
}

// What nothing labelled reaches has a gradient of zeros.
void ParameterUpdates::AddLateUpdates(const ReachedUnits& reached, double learning_rate) {
  std::int64_t tasks = 0;
  for (const LateGradient& gradient : late_.gradients()) {
    Parameter& parameter = parameters_[Index(gradient.parameter)];
    if (!reached.nodes[Index(parameter.node)]) continue;
    late_updates_.push_back(
        {.product = &gradient.product,
         .segment = SegmentOf(parameter, PlaceIn(parameter, 0), parameter.floats, ++parameter.step,
                              learning_rate * parameter.rate_factor),
         .first_task = tasks,
         .tasks = WeightGradientTasks(gradient.product)});
    tasks += late_updates_.back().tasks;
  }
}

void ParameterUpdates::RunSegment(const PreparedUpdate& update, const Segment& segment) {
  if (segment.starts != nullptr) {
    const FlushDenormals flush;
    MoveTowards(segment.starts, segment.start_share, segment.arrays.values, segment.arrays.count);
  }
  update.Run(segment.arrays);
}

// Returns the sum of the squares of the task's gradients.
double ParameterUpdates::UpdateLate(const LateUpdate& late, std::int64_t task,
                                    std::span<float> scratch) {
  const PreparedUpdate update(*rule_, late.segment.step);
  const UpdateArrays& all = late.segment.arrays;
  double squares = 0.0;
  ForGradientPieces(*late.product, task, scratch.data(), [&](const GradientPiece& piece) {
    squares += piece.squares;
    // Whole rows lie one behind the other.
    const bool is_whole = piece.columns == late.product->columns;
    const std::int64_t runs = is_whole ? 1 : piece.rows;
    const std::int64_t count = is_whole ? piece.rows * piece.columns : piece.columns;
    for (std::int64_t run = 0; run < runs; ++run) {
      const std::int64_t at = (piece.first_row + run) * late.product->columns + piece.first_column;
      Segment part{.arrays = {.values = all.values + at,
                              .gradients = piece.values + run * count,
                              .count = count},
                   .starts = late.segment.starts == nullptr ? nullptr : late.segment.starts + at,
                   .start_share = late.segment.start_share};
      for (std::size_t i = 0; i < state_.size(); ++i) part.arrays.state[i] = all.state[i] + at;
      RunSegment(update, part);
    }
  });
  return squares;
}

void ParameterUpdates::AddTableSegments(const ReachedUnits& reached, double learning_rate) {
  for (TableGradients::Table& table : tables_.tables()) {
    const Parameter& parameter = parameters_[Index(table.rows.parameter)];
    if (!reached.nodes[Index(parameter.node)]) continue;
    const std::int64_t width = table.rows.width;
    for (std::size_t begin = 0; begin < table.reached.size();) {
      const TableGradients::Run run = table.CountRun(begin);
      AddSegments(parameter,
                  {.first = run.first * width,
                   .gradient = table.Gradient(run.first),
                   .state = parameter.offset + table.TakePlace(run.first) * width},
                  run.rows * width, run.step, learning_rate * parameter.rate_factor);
      begin += Index(run.rows);
    }
  }
}

void ParameterUpdates::AddColumnSegments(const Parameter& parameter,
                                         std::span<const std::uint8_t> columns,
                                         double learning_rate) {
  const std::int64_t floats_per_column = parameter.floats / parameter.columns;
  const std::int64_t end = parameter.first_column + parameter.columns;
  std::int64_t column = parameter.first_column;
  while (column < end) {
    if (!columns[Index(column)]) {
      ++column;
      continue;
    }
    const std::int64_t first = column;
    const std::int64_t step = column_steps_[Index(first)];
    while (column < end && columns[Index(column)] && column_steps_[Index(column)] == step) {
      ++column;
    }
    AddSegments(parameter, PlaceIn(parameter, (first - parameter.first_column) * floats_per_column),
                (column - first) * floats_per_column, step, learning_rate);
  }
}

void ParameterUpdates::AddSegments(const Parameter& parameter, const Place& place,
                                   std::int64_t count, std::int64_t step, double learning_rate) {
  for (std::int64_t begin = 0; begin < count; begin += kChunkFloats) {
    segments_.push_back(
        SegmentOf(parameter, {place.first + begin, place.gradient + begin, place.state + begin},
                  std::min(kChunkFloats, count - begin), step, learning_rate));
  }
}

ParameterUpdates::Place ParameterUpdates::PlaceIn(const Parameter& parameter, std::int64_t first) {
  return {first, parameter.gradient + first, parameter.offset + first};
}

ParameterUpdates::Segment ParameterUpdates::SegmentOf(const Parameter& parameter,
                                                      const Place& place, std::int64_t count,
                                                      std::int64_t step, double learning_rate) {
  Segment segment{.arrays = {.values = network_.parameter_values(parameter.index) + place.first,
                             .gradients = place.gradient,
                             .count = count},
                  .step = {.step = step,
                           .learning_rate = learning_rate,
                           .weight_decay = parameter.weight_decay,
                           .gradient_scale = gradient_scale_,
                           .clip_value = static_cast<float>(config_.clip_value.value_or(0.0))}};
  for (std::size_t i = 0; i < state_.size(); ++i) {
    segment.arrays.state[i] = state_[i].data() + place.state;
  }
  if (parameter.start_decay > 0.0) {
    segment.starts = starts_.data() + parameter.offset + place.first;
    segment.start_share = static_cast<float>(std::min(1.0, learning_rate * parameter.start_decay));
  }
  return segment;
}

std::vector<float> ParameterUpdates::ReadState(int parameter, std::size_t state) const {
  const int trainable = parameter_of_[Index(parameter)];
  if (trainable < 0) return {};
  const Parameter& entry = parameters_[Index(trainable)];
  const float* const first = state_[state].data() + entry.offset;
  if (const TableGradients::Table* const table = tables_.Find(trainable))
    return table->ByRow(first);
  return {first, first + entry.floats};
}

std::int64_t ParameterUpdates::NativeBytes() const {
  std::int64_t bytes =
      gradients_.bytes() + partial_sums_.bytes() + known_.NativeBytes() + starts_.bytes();
  for (const AlignedArray<float>& tensor : state_) bytes += tensor.bytes();
  return bytes;
}

}  // namespace espalier
