// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "espalier/trainer.h"

namespace espalier {

/// Writes all that later steps depend on, beside the network's structure, the configuration, the
/// data and what is frozen: parameters and statistics, the optimizer's state and its counts of
/// updates, weights at the start, averages, the best weights and the number of steps; and `notes`,
/// the caller's own text, for what it has to know to go on. A trainer that reads it steps on to the
/// same bits as the one that wrote it.
///
/// One file (docs/checkpoint_file.md), with a version and a checksum of everything in it: temporary
/// file in the same folder, fsync, rename, fsync of the folder. So it is there as a whole or not at
/// all, also where the process or the machine ends meanwhile. Frozen parameters are not in it, only
/// their checksums.
///
/// Throws Error: IO, which leaves a former file as it was; INVALID_ARGUMENT for notes of more than
/// 256 MiB or with a NUL; INVALID_STATE as Trainer::Step, and while averages are in the place of
/// parameters. The trainer is as before in any case, but that a step that was begun has ended.
void SaveCheckpoint(Trainer& trainer, const std::string& path, std::string_view notes);

/// Goes on from a checkpoint: the trainer is then as the one was that wrote it, and the network
/// likewise. It has to be made with the same configuration, for a network of the same structure
/// and frozen layers. Returns the notes.
///
/// Everything is read and checked before anything changes. Throws Error: MODEL_FILE (no checkpoint,
/// another version, damaged, or values that no trainer has), INVALID_ARGUMENT (of another network,
/// another kind of optimizer, or frozen parameters that differ, by name), IO, OUT_OF_MEMORY.
std::string LoadCheckpoint(Trainer& trainer, const std::string& path);

/// The notes of a checkpoint, all of which is held to its checksums. Throws Error: MODEL_FILE, IO.
std::string ReadCheckpointNotes(const std::string& path);

}  // namespace espalier
