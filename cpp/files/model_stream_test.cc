// SPDX-License-Identifier: Apache-2.0
#include "files/model_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "core/memory.h"
#include "files/hostile_file.h"

namespace espalier {
namespace {

std::span<const std::byte> Bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string SampleFile() {
  const TemporaryFolder folder;
  SaveNetwork(SampleNetwork(), folder.File("sample"));
  return ReadWholeFile(folder.File("sample"));
}

std::string FileOf(const Network& network) {
  std::ostringstream stream;
  SaveNetwork(network, stream);
  return stream.str();
}

// Bytes written in pieces of `size`.
Network ReadInPieces(const std::string& file, std::size_t size) {
  ModelReader reader({});
  std::span<const std::byte> rest = Bytes(file);
  while (!rest.empty()) {
    const std::size_t count = std::min(rest.size(), size);
    reader.Write(rest.first(count));
    rest = rest.subspan(count);
  }
  return reader.Finish();
}

std::string ErrorOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelFile) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(ModelStream, WritesTheBytesOfTheFile) {
  const std::string file = SampleFile();
  const Network network = SampleNetwork();
  EXPECT_EQ(FileOf(network), file);
  for (const std::size_t size : {1, 7, 4096, 1 << 20}) {
    ModelWriter writer(network);
    std::string written;
    std::string piece(size, '\0');
    while (const std::size_t count = writer.Read(std::as_writable_bytes(std::span(piece)))) {
      written.append(piece, 0, count);
    }
    EXPECT_EQ(written, file) << size;
  }
}

TEST(ModelStream, ReadsTheSameFromBytesStreamsAndPiecesOfAnySize) {
  const std::string file = SampleFile();
  EXPECT_EQ(FileOf(LoadNetwork(Bytes(file))), file);
  std::istringstream stream(file);
  EXPECT_EQ(FileOf(LoadNetwork(stream)), file);
  for (const std::size_t size : {1, 7, 4095, 4096, 4097, 1 << 20}) {
    EXPECT_EQ(FileOf(ReadInPieces(file, size)), file) << size;
  }
}

TEST(ModelStream, IsAsStrictAsAFile) {
  const std::string file = SampleFile();
  const std::int64_t bytes = NativeBytesInUse();
  for (std::size_t length = 0; length < file.size(); length += length < 64 ? 1 : 37) {
    ErrorOf([&] { ReadInPieces(file.substr(0, length), 100); });
  }
  EXPECT_NE(ErrorOf([&] { ReadInPieces(file + "x", 100); }).find("got more"), std::string::npos);
  for (std::size_t at = 0; at < file.size(); at += 13) {
    std::string damaged = file;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    ErrorOf([&] { ReadInPieces(damaged, 1000); });
  }
  EXPECT_EQ(NativeBytesInUse(), bytes);
}

TEST(ModelStream, NobodyChangesANetworkThatIsWritten) {
  Network network = SampleNetwork();
  {
    const ModelWriter writer(network);
    EXPECT_NO_THROW(network.Describe());
    try {
      network.Freeze({.pattern = "conv1"});
      ADD_FAILURE() << "changed";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBusy);
    }
  }
  network.Freeze({.pattern = "conv1"});
}

TEST(ModelStream, AFailedStreamIsAnIoError) {
  std::ostringstream full;
  full.setstate(std::ios::badbit);
  EXPECT_THROW(SaveNetwork(SampleNetwork(), full), Error);
}

}  // namespace
}  // namespace espalier
