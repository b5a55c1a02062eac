// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace espalier::testing {

/// Values that a script of cpp/testdata wrote: float32 numbers in <name>.bin, and in <name>.txt a
/// line "name offset count" for each array.
class GoldenFile {
 public:
  explicit GoldenFile(const std::string& file) {
    const std::string path = std::string(ESPALIER_TESTDATA "/") + file;
    std::ifstream data(path + ".bin", std::ios::binary);
    std::vector<char> bytes((std::istreambuf_iterator<char>(data)), {});
    values_.resize(bytes.size() / sizeof(float));
    static_assert(std::endian::native == std::endian::little);
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(values_.data()));
    std::ifstream index(path + ".txt");
    std::string name;
    std::size_t offset = 0;
    std::size_t count = 0;
    while (index >> name >> offset >> count) entries_[name] = {offset, count};
  }

  std::span<const float> Values(const std::string& name) const {
    const auto entry = entries_.find(name);
    if (entry == entries_.end()) {
      ADD_FAILURE() << "no golden values named " << name;
      return {};
    }
    return std::span(values_).subspan(entry->second.first, entry->second.second);
  }

 private:
  std::vector<float> values_;
  std::map<std::string, std::pair<std::size_t, std::size_t>> entries_;
};

}  // namespace espalier::testing
