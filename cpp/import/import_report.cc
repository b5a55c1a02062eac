// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cstddef>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "espalier/import.h"

namespace espalier {
namespace {

// Nodes' names have characters that layers' have not, so nearly all of a model's may be renamed.
constexpr std::size_t kShownRenamings = 8;

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
  const std::size_t shown = std::min(renamed.size(), kShownRenamings);
  for (std::size_t i = 0; i < shown; ++i) {
    out << "renamed: '" << renamed[i].from << "' to '" << renamed[i].to << "'\n";
  }
  if (shown < renamed.size()) out << "renamed: " << renamed.size() - shown << " more alike\n";
  for (const Note& note : notes) {
    out << (note.layer.empty() ? "model" : "layer '" + note.layer + "'") << ": " << note.text
        << "\n";
  }
  return out.str();
}

}  // namespace espalier
