// SPDX-License-Identifier: Apache-2.0

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "espalier/import.h"

namespace espalier {
namespace {

void WriteValues(std::ostream& out, const char* what,
                 const std::vector<ImportReport::Value>& values) {
  for (const ImportReport::Value& value : values) {
    out << what << " '" << value.name << "': '" << value.layer << "' " << value.shape.ToString()
        << " of " << ElementTypeName(value.type) << "\n";
  }
}

}  // namespace

std::string ImportReport::ToString() const {
  std::ostringstream out;
  out << nodes << " nodes" << (producer.empty() ? "" : " by " + producer) << ", " << folded
      << " of them folded\n";
  WriteValues(out, "input", inputs);
  WriteValues(out, "output", outputs);
  std::map<std::string, std::int64_t> kinds;
  for (const Fusion& fusion : fused) ++kinds[fusion.kind];
  for (const auto& [kind, count] : kinds) out << "recognized: " << count << " x " << kind << "\n";
  for (const Renaming& renaming : renamed) {
    out << "renamed: '" << renaming.from << "' to '" << renaming.to << "'\n";
  }
  for (const Note& note : notes) {
    out << (note.layer.empty() ? "model" : "layer '" + note.layer + "'") << ": " << note.text
        << "\n";
  }
  return out.str();
}

}  // namespace espalier
