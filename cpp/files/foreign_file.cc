// SPDX-License-Identifier: Apache-2.0
#include "files/foreign_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace espalier {
namespace {

using std::string_view_literals::operator""sv;

constexpr const char* kRebuild =
    "; build the network with these layers and set its parameters from the values there";

constexpr const char* kReadWeights =
    "; build the network and read its weights, in C++ by LoadWeights, in Java by "
    "Network.loadWeights";

constexpr const char* kOurs = "\"espalier.";  // what a key in the header begins with

struct Beginning {
  std::string_view bytes;
  const char* what;
};

// Where a file's first bytes alone say it.
constexpr std::array kBeginnings = {
    Beginning{"version https://git-lfs.github.com/spec/"sv,
              "a pointer of Git LFS, not the file itself; fetch it with 'git lfs pull'"},
    Beginning{"\x1f\x8b"sv, "compressed by gzip; decompress it"},
    Beginning{"\x28\xb5\x2f\xfd"sv, "compressed by Zstandard; decompress it"},
    Beginning{"\xfd"
              "7zXZ\0"sv,
              "compressed by xz; decompress it"},
    Beginning{"BZh"sv, "compressed by bzip2; decompress it"},
    Beginning{"\x93NUMPY"sv, "an array of NumPy; set a parameter of a network from it"},
    Beginning{"GGUF"sv, "a GGUF model; no network here has such layers"},
};

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

char At(std::string_view text, std::size_t i) { return i < text.size() ? text[i] : '\0'; }

// The first word of a text, in lower case, without what may stand before it.
std::string FirstWord(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.remove_prefix(3);
  }
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  std::string word(text.substr(0, 14));
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::tolower(c); });
  return word;
}

// A zip says in its entries' names whose it is; the first ones stand at its beginning.
std::string OfZip(std::string_view text) {
  if (Contains(text, "data.pkl") || Contains(text, ".format_version") ||
      Contains(text, "byteorder")) {
    return std::string("a PyTorch file (.pt, .pth); save the state_dict as safetensors") +
           kReadWeights;
  }
  if (Contains(text, "metadata.json") || Contains(text, "model.weights.h5")) {
    return std::string("a Keras model (.keras)") + kRebuild;
  }
  if (Contains(text, ".npy")) {
    return std::string("arrays of NumPy (.npz)") + kRebuild;
  }
  return "a zip archive; unpack it";
}

// A safetensors file's length may begin like a message of protobuf or a pickle.
bool HasJsonHeader(std::string_view text) { return At(text, 7) == '\0' && At(text, 8) == '{'; }

// Pickles from protocol 2 on begin with 0x80 and its number.
bool IsPickle(std::string_view text) {
  return !HasJsonHeader(text) && At(text, 0) == '\x80' && At(text, 1) >= 2 && At(text, 1) <= 5 &&
         text.size() > 2;
}

// A ModelProto begins with its ir_version (field 1), then comes another of its fields.
bool IsOnnx(std::string_view text) {
  constexpr std::string_view kFields = "\x12\x1a\x22\x28\x32\x3a\x42";
  return !HasJsonHeader(text) && At(text, 0) == '\x08' && At(text, 1) >= 3 && At(text, 1) < 64 &&
         text.size() > 2 && Contains(kFields, text.substr(2, 1));
}

// Eight bytes of length, then a JSON object of tensors, and nothing of ours.
bool IsPlainSafetensors(std::string_view text) {
  return HasJsonHeader(text) && Contains(text, "\"dtype\"") && Contains(text, "\"data_offsets\"") &&
         !Contains(text, kOurs);
}

std::string_view TextOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kForeignFileBytes)};
}

}  // namespace

std::string SeemsToBe(std::span<const std::byte> bytes) {
  const std::string_view text = TextOf(bytes);
  if (text.empty()) {
    return "an empty file; was it written or downloaded to its end?";
  }
  for (const Beginning& beginning : kBeginnings) {
    if (text.starts_with(beginning.bytes)) {
      return beginning.what;
    }
  }
  if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06")) {
    return OfZip(text);
  }
  if (text.starts_with("\x89HDF\r\n\x1a\n")) {
    return std::string("an HDF5 file, as Keras writes (.h5)") + kRebuild;
  }
  if (text.size() >= 8 && text.substr(4, 4) == "TFL3") {
    return "a TensorFlow Lite model; import it, in C++ by ImportTflite, in Java by "
           "Network.importTflite";
  }
  if (IsPickle(text)) {
    return std::string(
               "a pickle, as older PyTorch and scikit-learn write; it is code: from "
               "strangers, do not load it anywhere") +
           kRebuild;
  }
  if (IsOnnx(text)) {
    return "an ONNX model; import it, in C++ by ImportOnnx, in Java by Network.importOnnx";
  }
  if (!HasJsonHeader(text) && text.starts_with("\x08\x01\x12")) {
    return std::string("a TensorFlow SavedModel (.pb)") + kRebuild;
  }
  if (IsPlainSafetensors(text)) {
    return std::string("a safetensors file of another program, without a network's graph") +
           kReadWeights;
  }
  const std::string word = FirstWord(text);
  if (word.starts_with("<!doctype html") || word.starts_with("<html") ||
      word.starts_with("<head")) {
    return "a web page, as servers send for an error or a login; look at it in a browser and "
           "download the file itself";
  }
  if (word.starts_with("<?xml")) {
    return "an XML text, as servers send for an error; look into it";
  }
  if (word.starts_with("{") || word.starts_with("[")) {
    return "a JSON text; a model file holds its graph and its parameters";
  }
  return "";
}

bool SeemsToBeOurs(std::span<const std::byte> bytes) {
  const std::string_view text = TextOf(bytes);
  return HasJsonHeader(text) && Contains(text, kOurs);
}

}  // namespace espalier
