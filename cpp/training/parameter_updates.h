// SPDX-License-Identifier: Apache-2.0
#pragma once

// Gradients, optimizer state and step counts of the trainable parameters, and their update. A step:
// backward passes write gradients, GradientNorm, Apply.
//
// The state is a list of tensors with the names of the optimizer's rule, each of all parameters.
// Lazy: a unit that no labelled entry of the step reaches keeps its parameters, state and
// step count. Unit: an output column with its bias for labels and values heads; a row of a table
// (table_gradients.h); the whole
// output layer for classes heads; the whole tensor for every other parameter.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/memory.h"
#include "core/thread_pool.h"
#include "espalier/trainer.h"
#include "network/network_state.h"
#include "optimizers/update.h"
#include "training/late_gradients.h"
#include "training/square_sums.h"
#include "training/table_gradients.h"
#include "training/trainer_state.h"
#include "training/training_plan.h"
#include "training/update_bounds.h"

namespace espalier {

/// What the labelled entries of a step reach.
struct ReachedUnits {
  std::span<const char> nodes;            // by node of the plan
  std::span<const std::uint8_t> columns;  // by column of all heads side by side
};

/// Gradients that a step's backward passes have written: those of a parameter, or of a row of one.
struct GradientRun {
  std::int64_t first = 0;  // in ParameterUpdates::gradients
  std::int64_t floats = 0;
  int node = -1;  // of the plan; or of an output layer
};

class ParameterUpdates {
 public:
  /// Memory for the trainable parameters of `plan`'s nodes and groups.
  ParameterUpdates(NetworkState& network, const TrainingPlan& plan, const TrainerConfig& config);

  /// True if some parameter is trainable.
  bool HasParameters() const { return !parameters_.empty(); }

  /// Where a backward pass writes a parameter's gradient; null if none does. Heads
  /// of a group that are neighbours and trainable have adjacent gradients, as their values.
  float* Gradient(int parameter);

  /// Where a gradient lies that the plan has a buffer for.
  void PlaceGradient(int parameter, float* gradient);

  /// The gradient of a node that has_late_gradient: no backward pass writes it, but it is
  /// gradientsᵀ · inputs, both [batch, …] and kept until Apply has ended.
  void AddLateGradient(int parameter, const float* gradients, const float* inputs);

  /// The gradient of a node whose layer has a table's: `ids` are kept until Apply has ended.
  /// Returns which table that is.
  int AddTableGradient(int parameter, const TableIds& ids, std::int64_t max_batch);

  /// Before backward passes: where gradients of tables go, for the ids that there are now.
  void FindTableRows(std::int64_t batch, const BatchLengths* lengths) {
    tables_.FindRows(batch, lengths);
  }
  /// As BackwardArguments has them; -1: none.
  std::span<const std::int32_t> GradientRows(int table) const;

  /// Scratch floats per worker that the workspace must have.
  std::int64_t ScratchFloats() const { return late_.ScratchFloats(); }

  /// 2-norm of all gradients as they are, or of all but late ones where those are surely finite;
  /// not finite exactly if one of them is not.
  double GradientNorm(std::int64_t batch, Workspace& workspace);

  /// As GradientNorm, of sums of shards' gradients, which were written to all rows of tables. With
  /// TrainerConfig::data_parallel alone; then no gradient is late.
  double GradientNormOfShards(Workspace& workspace);

  /// All gradients that are stored here, LargeGradients::kApart: all that are; some of them, of
  /// rows that no id of the step names, of other steps.
  std::span<float> gradients() { return gradients_.span(); }
  /// Those of the backward passes that have just run, before GradientNorm.
  void ListRuns(std::vector<GradientRun>& runs) const;
  /// How many runs there may be.
  std::size_t MostRuns() const;

  struct Applied {
    double gradient_norm = 0.0;  ///< of all gradients
    /// The first parameter that the update would have made NaN or infinite, or state of it;
    /// then nothing has changed. Else null.
    const GraphParameter* non_finite = nullptr;
  };

  /// Clips, decays and updates what was reached. `learning_rate` is the optimizer's times the
  /// schedule's factor. Throws OUT_OF_MEMORY, with nothing changed, only where UpdateBounds asks
  /// for a look at the result.
  Applied Apply(const ReachedUnits& reached, double learning_rate, Workspace& workspace);

  /// Takes over the state, step counts and starts of what trained there and trains here.
  void ContinueFrom(const ParameterUpdates& earlier);

  /// All that an update goes on from, beside the parameters: state, starts, counts of updates.
  void AddStateTo(std::vector<StateTensor>& tensors);

  /// Parameters are others now: what was known about their size is not.
  void ForgetBounds() { has_bounds_ = false; }

  /// True if the state holds squares of gradients.
  bool KeepsSquares() const { return rule_->KeepsSquares(); }

  /// Names of the state that is kept beside each parameter.
  std::vector<std::string_view> StateNames() const { return rule_->StateNames(); }

  /// One of these, by its place, of a parameter; empty if that does not train.
  std::vector<float> ReadState(int parameter, std::size_t state) const;

  std::int64_t NativeBytes() const;

 private:
  struct Parameter {
    int index = 0;            // in NetworkState::parameters
    std::int64_t offset = 0;  // of state and starts
    std::int64_t floats = 0;
    float* gradient = nullptr;         // null: late
    std::int64_t gradient_floats = 0;  // in gradients_; of a table, rows that a step may name
    double rate_factor = 1.0;          // layer's scale × layer decay
    double weight_decay = 0.0;
    double start_decay = 0.0;
    int node = -1;  // or an output layer's parameter:
    std::int64_t first_column = 0;
    std::int64_t columns = 0;
    std::int64_t step = 0;  // updates so far, where the tensor is the unit
    bool is_late = false;
    bool is_table = false;
    bool is_large = false;  // the gradient of a node's parameter that is neither
  };

  // All that an update changes, to be put back.
  struct Snapshot {
    AlignedArray<float> values;
    std::vector<AlignedArray<float>> state;
    std::vector<std::int64_t> column_steps;
    std::vector<std::int64_t> steps;
    std::vector<std::vector<std::int64_t>> row_steps;  // of each table
  };

  // Where a run of a parameter's elements begins.
  struct Place {
    std::int64_t first = 0;  // in the parameter
    const float* gradient = nullptr;
    std::int64_t state = 0;  // in each tensor of state_
  };

  // A run of parameters in Apply.
  struct Segment {
    UpdateArrays arrays;
    UpdateStep step;
    const float* starts = nullptr;  // null: no decay towards them
    float start_share = 0.0f;       // of the way to them
  };

  // A late gradient in Apply, cut into tasks.
  struct LateUpdate {
    const WeightGradient* product;
    Segment segment;  // the whole parameter
    std::int64_t first_task;
    std::int64_t tasks;
  };

  void AddParameter(int index, double rate_factor, int node, std::int64_t first_column,
                    std::int64_t columns);
  void LayOutGradients();
  bool IsSurelyFinite(double learning_rate);
  void MeasureBounds();
  Snapshot Save() const;
  void PutBack(const Snapshot& snapshot);
  const GraphParameter* FirstNonFinite() const;
  double Update(const ReachedUnits& reached, double learning_rate, Workspace& workspace);
  static void RunSegment(const PreparedUpdate& update, const Segment& segment);
  void AddLateUpdates(const ReachedUnits& reached, double learning_rate);
  double UpdateLate(const LateUpdate& late, std::int64_t task, std::span<float> scratch);
  static Place PlaceIn(const Parameter& parameter, std::int64_t first);
  Segment SegmentOf(const Parameter& parameter, const Place& place, std::int64_t count,
                    std::int64_t step, double learning_rate);
  void AddSegments(const Parameter& parameter, const Place& place, std::int64_t count,
                   std::int64_t step, double learning_rate);
  void AddTableSegments(const ReachedUnits& reached, double learning_rate);
  void AddColumnSegments(const Parameter& parameter, std::span<const std::uint8_t> columns,
                         double learning_rate);

  NetworkState& network_;
  TrainerConfig config_;
  std::shared_ptr<const UpdateRule> rule_;
  std::vector<Parameter> parameters_;       // in the order of their values
  std::vector<int> parameter_of_;           // by network parameter; -1: not trainable
  std::vector<std::int64_t> column_steps_;  // by column of all heads
  AlignedArray<float> gradients_;           // of what has no other place; tables last
  SquareSums known_;                        // of gradients that are neither late nor a table's
  std::int64_t known_floats_ = 0;           // of gradients that are not late
  std::vector<AlignedArray<float>> state_;  // in the order of names; late ones last
  AlignedArray<float> starts_;              // likewise; empty without start_decay
  AlignedArray<double> partial_sums_;       // of late gradients
  LateGradients late_;
  TableGradients tables_;
  std::int64_t most_late_tasks_ = 0;
  double most_rate_factor_ = 0.0;
  UpdateBounds bounds_;
  bool has_bounds_ = false;
  std::uint64_t bounds_version_ = 0;  // NetworkState::values_version that they hold for
  // Of the step; capacities never grow.
  double known_squares_ = 0.0;  // of what backward passes wrote
  double most_gradient_ = 0.0;  // no element exceeds it
  float gradient_scale_ = 1.0f;
  std::vector<Segment> segments_;
  std::vector<LateUpdate> late_updates_;
};

}  // namespace espalier
