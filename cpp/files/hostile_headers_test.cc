// SPDX-License-Identifier: Apache-2.0

// Files whose header must be refused, each with its error. Cases follow what has broken
// loaders elsewhere: wrapping products, offsets that lie, nesting, duplicates, numbers in
// disguise.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "files/hostile_file.h"

namespace espalier {
namespace {

void AddLengths(Gallery& gallery) {
  for (std::size_t size = 0; size < 8; ++size) {
    gallery.Bytes("file_of_" + std::to_string(size) + "_bytes", "expected at least 8 bytes",
                  [size](const HostileFile&) { return std::string(size, '\x10'); });
  }
  const auto length = [&](const char* name, const char* expected, std::uint64_t value) {
    gallery.Bytes(name, expected, [value](const HostileFile& file) {
      return HostileFile::WithLength(value, file.text(), file.data);
    });
  };
  length("length_0", "multiple of 8, got 0", 0);
  length("length_1", "multiple of 8, got 1", 1);
  length("length_not_a_multiple_of_8", "multiple of 8, got 12", 12);
  length("length_beyond_the_file", "which the file has left", 100'000);
  length("length_2_63", "got 9223372036854775808", std::uint64_t{1} << 63);
  length("length_2_64_minus_1", "got 18446744073709551615", ~std::uint64_t{0});
  length("length_that_wraps_with_its_prefix", "got 18446744073709551608", ~std::uint64_t{7});
  length("length_big_endian", "which the file has left", std::uint64_t{0x10} << 56);
  gallery.Bytes("length_of_the_whole_file", "which the file has left", [](const HostileFile& file) {
    const std::string text = file.text();
    return HostileFile::WithLength(8 + text.size() + file.data.size(), text, file.data);
  });
  gallery.Bytes("header_over_the_limit", "expected a length of at most 16777216",
                [](const HostileFile& file) {
                  std::string text = file.text();
                  text.resize((std::size_t{16} << 20) + 8, ' ');
                  return HostileFile::WithLength(text.size(), text, file.data);
                });
  gallery.Bytes("only_a_length", "which the file has left",
                [](const HostileFile&) { return HostileFile::WithLength(8, "", ""); });
}

void AddTexts(Gallery& gallery) {
  const auto whole = [&](const char* name, const char* expected,
                         std::function<std::string(std::string)> change) {
    gallery.Bytes(name, expected, [change](const HostileFile& file) {
      return HostileFile::Join(change(file.text()), file.data);
    });
  };
  const char* first = "begins with an object";
  whole("leading_space", first, [](std::string text) { return " " + text; });
  whole("leading_newline", first, [](std::string text) { return "\n" + text; });
  whole("byte_order_mark", first, [](std::string text) { return "\xEF\xBB\xBF" + text; });
  whole("binary_rubbish", "expected an object",
        [](std::string) { return std::string(64, '\x80'); });
  whole("array_for_a_header", "expected an object", [](std::string) { return "[1]"; });
  whole("padding_of_zeros", "at most 7 spaces", [](std::string text) {
    text.resize((text.size() + 8) / 8 * 8, '\0');
    return text;
  });
  whole("padding_of_tabs", "at most 7 spaces", [](std::string text) {
    text.resize((text.size() + 8) / 8 * 8, '\t');
    return text;
  });
  whole("padding_of_8_spaces", "at most 7 spaces", [](std::string text) {
    text.resize((text.size() + 7) / 8 * 8 + 8, ' ');
    return text;
  });
  whole("only_spaces", "expected an object", [](std::string) { return std::string(64, ' '); });
  whole("two_objects", "not JSON", [](std::string text) { return text + "{}"; });
  whole("nul_and_a_second_object", "a NUL",
        [](std::string text) { return text + '\0' + "{\"conv1.weight\":{}}"; });
  whole("unterminated_object", "not JSON",
        [](std::string text) { return text.substr(0, text.size() - 1) + ",\"x\":{}"; });
  whole("unterminated_text", "at most 7 spaces", [](std::string) { return "{\"abc"; });
  whole("trailing_comma", "not JSON",
        [](std::string text) { return text.substr(0, text.size() - 1) + ",}"; });
  whole("comment", "not JSON", [](std::string text) { return "{/* */" + text.substr(1); });
  whole("single_quotes", "not JSON", [](std::string text) { return "{'a':1," + text.substr(1); });
  whole("bare_key", "not JSON", [](std::string text) { return "{a:1," + text.substr(1); });
  whole("depth_33", "at most 32 levels", [](std::string text) {
    return "{\"x\":" + std::string(32, '[') + std::string(32, ']') + "," + text.substr(1);
  });
  whole("depth_100000_arrays", "at most 32 levels", [](std::string text) {
    return "{\"x\":" + std::string(100'000, '[') + std::string(100'000, ']') + "," + text.substr(1);
  });
  whole("depth_100000_objects", "at most 32 levels", [](std::string text) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) {
      deep += "{\"x\":";
    }
    return "{\"x\":" + deep + "0" + std::string(100'000, '}') + "," + text.substr(1);
  });
  whole("tensors_over_the_limit", "expected at most 200000 tensors", [](std::string text) {
    std::string many;
    for (int i = 0; i < 200'001; ++i) {
      many += "\"" + std::to_string(i) + "\":0,";
    }
    return "{" + many + text.substr(1);
  });
  const std::string name = "\"features.bias\":";
  const char* utf8 = "not JSON";
  gallery.Text("name_with_a_wrong_byte", utf8, name, "\"\xFF\":");
  gallery.Text("name_with_overlong_utf8", utf8, name, "\"\xC0\xAF\":");
  gallery.Text("name_with_cut_utf8", utf8, name, "\"\xE9\x96\":");
  gallery.Text("name_with_a_surrogate_in_utf8", utf8, name, "\"\xED\xA0\x80\":");
  gallery.Text("name_with_a_lone_high_surrogate", utf8, name, "\"\\ud800\":");
  gallery.Text("name_with_a_lone_low_surrogate", utf8, name, "\"\\udc00\":");
  gallery.Text("name_with_a_control_character", utf8, name, "\"a\nb\":");
  gallery.Text("name_with_nul", "without NUL", name, "\"features.bias\\u0000\":");
  gallery.Text("name_empty", "expected tensor names of 1 to 512 bytes", name, "\"\":");
  gallery.Text("name_too_long", "got one of 513 bytes", name, "\"" + std::string(513, 'n') + "\":");
  gallery.Text("name_of_another_parameter", "'features.weight' twice", name,
               "\"features.weight\":");
  gallery.Text("duplicate_tensor", "'norm1.bias' twice", name, "\"norm1.bias\":");
  gallery.Text("duplicate_metadata", "'__metadata__' twice", name, "\"__metadata__\":{},\"x\":");
  gallery.Text("duplicate_dtype", "'dtype' twice", name + "{", name + "{\"dtype\":\"F32\",");
  gallery.Text("duplicate_shape", "'shape' twice", name + "{", name + "{\"shape\":[5],");
  gallery.Text("duplicate_by_escape", "'dtype' twice", name + "{",
               name + "{\"\\u0064type\":\"F32\",");
  gallery.Text("duplicate_metadata_key", "'format' twice", "{\"espalier.checksums\"",
               "{\"format\":\"espalier\",\"espalier.checksums\"");
}

void AddTensors(Gallery& gallery) {
  const std::string place = "header: tensor 'features.bias'";
  gallery.Tensor("unknown_field", place + ": unknown field 'strides'", "strides", "[1]");
  for (const char* field : {"dtype", "shape", "data_offsets"}) {
    gallery.Header(std::string("without_") + field,
                   "expected the field '" + std::string(field) + "', got none",
                   [field](HostileFile& file) { file.tensor("features.bias").erase(field); });
  }
  for (const std::string dtype :
       {"F16", "BF16", "F64", "F8_E4M3", "I32", "U64", "BOOL", "F33", "f32", "", "F32 "}) {
    gallery.Header("dtype_is_" + dtype + "_",
                   place + ".dtype: expected F32 or I8, got \"" + dtype + "\"",
                   [dtype](HostileFile& file) { file.tensor("features.bias")["dtype"] = dtype; });
  }
  gallery.Tensor("dtype_number", "expected a string, got 32", "dtype", "32");
  gallery.Tensor("dtype_null", "expected a string, got null", "dtype", "null");
  gallery.Tensor("shape_object", ".shape: expected an array", "shape", "{}");
  gallery.Tensor("shape_text", ".shape: expected an array", "shape", "\"[5]\"");
  gallery.Tensor("shape_with_text", ".shape[0]: expected an integer", "shape", "[\"5\"]");
  gallery.Tensor("shape_with_null", ".shape[0]: expected an integer", "shape", "[null]");
  gallery.Tensor("shape_with_true", ".shape[0]: expected an integer", "shape", "[true]");
  gallery.Tensor("shape_nested", ".shape[0]: expected an integer", "shape", "[[5]]");
  gallery.RawTensor("shape_5_0", "expected an integer, got the real number", "shape", "[5.0]");
  gallery.RawTensor("shape_5e0", "expected an integer, got the real number", "shape", "[5e0]");
  gallery.RawTensor("shape_minus_0", "got -0", "shape", "[-0]");
  gallery.RawTensor("shape_1e400", "not JSON", "shape", "[1e400]");
  gallery.RawTensor("shape_nan", "not JSON", "shape", "[NaN]");
  gallery.RawTensor("shape_infinity", "not JSON", "shape", "[Infinity]");
  gallery.RawTensor("shape_leading_zero", "not JSON", "shape", "[05]");
  gallery.RawTensor("shape_plus", "not JSON", "shape", "[+5]");
  gallery.RawTensor("shape_hexadecimal", "not JSON", "shape", "[0x5]");
  gallery.RawTensor("shape_2_63", "at most 2^63 - 1", "shape", "[9223372036854775808]");
  gallery.RawTensor("shape_2_64", "integer of 64 bits", "shape", "[18446744073709551616]");
  gallery.RawTensor("shape_300_digits", "integer of 64 bits", "shape",
                    "[" + std::string(300, '9') + "]");
  gallery.Tensor("shape_negative", "expected dimensions of at least 1, got -1", "shape", "[-1]");
  gallery.Tensor("shape_0", "expected dimensions of at least 1, got 0", "shape", "[0]");
  gallery.Tensor("shape_0_and_2_63", "expected dimensions of at least 1, got 0", "shape",
                 "[0, 9223372036854775807]");
  gallery.Tensor("shape_2_53_plus_1", "bytes for shape", "shape", "[9007199254740993]");
  gallery.Tensor("shape_that_wraps_to_4", "less than 2^63 bytes", "shape",
                 "[4194305, 4194305, 211106198978564]");
  gallery.Tensor("shape_that_wraps_to_0", "less than 2^63 bytes", "shape",
                 "[4294967296, 4294967296]");
  gallery.Tensor("shape_whose_bytes_wrap", "less than 2^63 bytes", "shape",
                 "[2305843009213693952]");
  gallery.Tensor("shape_46341_squared", "bytes for shape", "shape", "[46341, 46341]");
  gallery.Tensor("rank_0", "expected 1 to 8 dimensions, got 0", "shape", "[]");
  gallery.Tensor("rank_9", "expected 1 to 8 dimensions, got 9", "shape", "[5,1,1,1,1,1,1,1,1]");
  gallery.Tensor("rank_2", "expected shape [5], got [5, 1]", "shape", "[5, 1]");
  gallery.Tensor("shape_too_small", "expected 16 bytes for shape [4]", "shape", "[4]");
  gallery.Tensor("shape_too_large", "expected 24 bytes for shape [6]", "shape", "[6]");
  for (const char* entry : {"null", "[]", "5", "\"F32\"", "true"}) {
    gallery.Header("tensor_is_" + std::string(JsonTree::parse(entry).type_name()),
                   place + ": expected an object", [entry](HostileFile& file) {
                     file.tensor("features.bias") = JsonTree::parse(entry);
                   });
  }
}

void AddOffsets(Gallery& gallery) {
  const auto shifted = [&](const char* name, const char* expected, std::int64_t begin,
                           std::int64_t end) {
    gallery.Header(name, expected, [begin, end](HostileFile& file) {
      JsonTree& offsets = file.tensor("features.bias")["data_offsets"];
      offsets = {offsets[0].get<std::int64_t>() + begin, offsets[1].get<std::int64_t>() + end};
    });
  };
  shifted("offsets_overlap", "which overlaps", -4, -4);
  shifted("offsets_leave_a_hole", "which leaves a hole", 4, 4);
  shifted("offsets_misaligned", "which leaves a hole", 1, 1);
  shifted("offsets_too_short", "expected 20 bytes for shape [5]", 0, -4);
  shifted("offsets_too_long", "expected 20 bytes for shape [5]", 0, 4);
  shifted("offsets_zero_size", "expected 20 bytes for shape [5]", 20, 0);
  gallery.Tensor("offsets_one", "expected 2 data_offsets, got 1", "data_offsets", "[0]");
  gallery.Tensor("offsets_three", "expected 2 data_offsets, got 3", "data_offsets", "[0,20,40]");
  gallery.Tensor("offsets_none", "expected 2 data_offsets, got 0", "data_offsets", "[]");
  gallery.Tensor("offsets_reversed", "in order from 0", "data_offsets", "[20,0]");
  gallery.Tensor("offsets_negative", "in order from 0", "data_offsets", "[-20,0]");
  gallery.Tensor("offsets_past_the_end", "in order from 0", "data_offsets", "[100000,100020]");
  gallery.Tensor("offsets_2_63_minus_1", "in order from 0", "data_offsets",
                 "[9223372036854775787,9223372036854775807]");
  gallery.Tensor("offsets_that_wrap", "in order from 0", "data_offsets",
                 "[9223372036854775807,-9223372036854775808]");
  gallery.Tensor("offsets_text", "expected an integer", "data_offsets", "[\"0\",\"20\"]");
  gallery.Tensor("offsets_object", "expected an array", "data_offsets", "{\"begin\":0}");
  gallery.RawTensor("offsets_real", "expected an integer", "data_offsets", "[0.0,20.0]");
  gallery.RawTensor("offsets_2_64", "integer of 64 bits", "data_offsets",
                    "[0,18446744073709551616]");
  gallery.Tensor("offsets_of_the_first_tensor", "which", "data_offsets", "[0,20]");
  gallery.Header("first_tensor_missing", "leaves a hole",
                 [](HostileFile& file) { file.header.erase("conv1.weight"); });
  gallery.Header("offsets_swapped", "is damaged: expected the checksum", [](HostileFile& file) {
    std::swap(file.tensor("norm1.weight")["data_offsets"],
              file.tensor("norm1.bias")["data_offsets"]);
  });
  gallery.Header("one_byte_after_the_last_tensor", "bytes of data, got",
                 [](HostileFile& file) { file.data += '\0'; });
  gallery.Header("a_tensor_after_the_last", "bytes of data, got",
                 [](HostileFile& file) { file.data += "abcd"; });
  gallery.Header("last_byte_missing", "in order from 0",
                 [](HostileFile& file) { file.data.pop_back(); });
  gallery.Header("no_data", "in order from 0", [](HostileFile& file) { file.data.clear(); });
  gallery.Header("empty_tensor_at_a_used_offset", "expected dimensions of at least 1, got 0",
                 [](HostileFile& file) {
                   file.header["extra"] =
                       JsonTree::parse(R"({"dtype":"F32","shape":[0],"data_offsets":[0,0]})");
                 });
}

const std::vector<Case>& AllCases() {
  static const std::vector<Case> cases = [] {
    Gallery gallery;
    AddLengths(gallery);
    AddTexts(gallery);
    AddTensors(gallery);
    AddOffsets(gallery);
    return gallery.cases;
  }();
  return cases;
}

class HostileHeaders : public ::testing::TestWithParam<std::size_t> {};

TEST_P(HostileHeaders, AreRefused) { ExpectRefused(AllCases()[GetParam()]); }

INSTANTIATE_TEST_SUITE_P(Gallery, HostileHeaders,
                         ::testing::Range<std::size_t>(0, AllCases().size()),
                         [](const auto& info) { return TestName(AllCases()[info.param]); });

TEST(HostileHeaders, TheSampleItselfIsAccepted) {
  const HostileFile sample;
  const std::string bytes = HostileFile::Join(sample.text(), sample.data);
  EXPECT_NO_THROW(LoadNetworkFrom(MemorySource(std::as_bytes(std::span(bytes)))));
}

}  // namespace
}  // namespace espalier
