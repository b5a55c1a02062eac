// SPDX-License-Identifier: Apache-2.0
#include "network/metadata.h"

#include <gtest/gtest.h>

#include <string>

#include "espalier/builder.h"
#include "espalier/error.h"

namespace espalier {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;

Network Small() { return NetworkBuilder(Shape{2}).Head("trait", LabelsTask({"a", "b"})).Build(1); }

std::string RefusalOf(const std::string& key, const std::string& value) {
  Network network = Small();
  network.SetMetadata("kept", "as it was");
  try {
    network.SetMetadata(key, value);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(network.Metadata(), (std::map<std::string, std::string>{{"kept", "as it was"}}));
    return error.what();
  }
  return "";
}

void ExpectPart(const std::string& part, const std::string& text) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(Metadata, IsSetReplacedAndRemoved) {
  Network network = Small();
  EXPECT_TRUE(network.Metadata().empty());
  network.SetMetadata("owner", "ward 3");
  network.SetMetadata("owner", "病棟 3");
  network.SetMetadata("empty", "");
  EXPECT_EQ(network.Metadata(),
            (std::map<std::string, std::string>{{"empty", ""}, {"owner", "病棟 3"}}));
  network.RemoveMetadata("empty");
  network.RemoveMetadata("never there");
  EXPECT_EQ(network.Metadata().size(), 1u);
}

TEST(Metadata, GoesWithCopiesAndTransfers) {
  Network network = Small();
  network.SetMetadata("owner", "ward 3");
  EXPECT_EQ(network.Clone().Metadata(), network.Metadata());
  TransferSpec spec;
  spec.drop_heads = {"trait"};
  spec.heads = {{.name = "other", .task = LabelsTask({"c"})}};
  const Network transferred = network.Transfer(spec, 2);
  EXPECT_EQ(transferred.Metadata(), network.Metadata());
  network.RemoveMetadata("owner");
  EXPECT_EQ(transferred.Metadata().size(), 1u);
}

TEST(Metadata, IsLimited) {
  ExpectPart("keys of 1 to 256 bytes, got 0", RefusalOf("", "x"));
  ExpectPart("keys of 1 to 256 bytes, got 257", RefusalOf(std::string(257, 'k'), "x"));
  ExpectPart("do not begin with 'espalier.', got 'espalier.tasks'",
             RefusalOf("espalier.tasks", ""));
  ExpectPart("keys in UTF-8 without NUL", RefusalOf("\xff", "x"));
  ExpectPart("keys in UTF-8 without NUL", RefusalOf(std::string("a\0b", 3), "x"));
  ExpectPart("metadata 'k': expected text in UTF-8", RefusalOf("k", "\xc3"));
  ExpectPart("metadata 'k': expected text in UTF-8", RefusalOf("k", std::string(1, '\0')));
  const std::size_t kept = std::string(
                               "kept"
                               "as it was")
                               .size();
  EXPECT_EQ(RefusalOf("k", std::string(kMebibyte - kept - 1, 'x')), "");
  ExpectPart("at most 1048576 bytes in all keys and values, got 1048577",
             RefusalOf("k", std::string(kMebibyte - kept, 'x')));
  Network network = Small();
  for (int i = 0; i < 256; ++i) network.SetMetadata(std::to_string(i), "x");
  EXPECT_NO_THROW(network.SetMetadata("7", "y"));
  EXPECT_THROW(network.SetMetadata("256", "x"), Error);
}

}  // namespace
}  // namespace espalier
