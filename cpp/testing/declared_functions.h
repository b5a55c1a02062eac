// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <regex>
#include <set>
#include <string>

namespace espalier::testing {

/// Names of the functions that a header declares, each at the beginning of a line and with a small
/// letter, as those of the bridge. `header`: its place in cpp/.
inline std::set<std::string> DeclaredFunctions(const std::string& header) {
  std::ifstream lines(ESPALIER_TESTDATA "/../" + header);
  const std::regex declaration(R"(^[a-z][\w:]* ([a-z]\w*)\(.*)");
  std::set<std::string> functions;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, declaration)) functions.insert(match[1]);
  }
  return functions;
}

}  // namespace espalier::testing
