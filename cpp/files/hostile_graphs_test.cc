// SPDX-License-Identifier: Apache-2.0

// Files of good form whose metadata or graph must be refused, each with its error: other
// versions, wrong checksums, cycles, settings out of range, tensors that do not fit.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "files/hostile_file.h"

namespace espalier {
namespace {

void AddMetadata(Gallery& gallery) {
  gallery.Header("metadata_missing", "expected the metadata 'format', got none",
                 [](HostileFile& file) { file.header.erase("__metadata__"); });
  gallery.Header("metadata_array", "expected an object",
                 [](HostileFile& file) { file.metadata() = JsonTree::array(); });
  gallery.Header("metadata_null", "expected an object",
                 [](HostileFile& file) { file.metadata() = nullptr; });
  gallery.Metadata("metadata_number", "author: expected a string", "author", 5);
  gallery.Metadata("metadata_nested", "author: expected a string", "author", JsonTree::object());
  gallery.Metadata("metadata_key_empty", "expected metadata keys", "", "x");
  gallery.Metadata("metadata_unknown_own_key", "unknown metadata 'espalier.code'", "espalier.code",
                   "import os");
  for (const char* key : {"format", "espalier.version", "espalier.graph", "espalier.checksums"}) {
    gallery.Header("without_" + std::string(key),
                   "expected the metadata '" + std::string(key) + "', got none",
                   [key](HostileFile& file) { file.metadata().erase(key); });
  }
  gallery.Metadata("format_pt", "of another program", "format", "pt");
  for (const char* version : {"3", "0", "01", "1.0", "", "one"}) {
    gallery.Metadata("version_" + std::string(version) + "_", "expected version 1",
                     "espalier.version", version);
  }
  gallery.Metadata("checksums_not_json", "espalier.checksums: ", "espalier.checksums", "crc");
  gallery.Metadata("checksums_array", "expected an object, got an array", "espalier.checksums",
                   "[]");
  gallery.Metadata("checksums_empty", "expected an entry 'graph', got none", "espalier.checksums",
                   "{}");
  gallery.Metadata("checksums_twice", "'graph' twice", "espalier.checksums",
                   R"({"graph":"0","graph":"0"})");
  gallery.Metadata("checksum_number", "graph: expected a string", "espalier.checksums",
                   R"({"graph":0})");
  gallery.Header("checksum_missing", "expected an entry 'features.bias', got none",
                 [](HostileFile& file) {
                   JsonTree all = file.checksums();
                   all.erase("features.bias");
                   file.metadata()["espalier.checksums"] = all.dump();
                 });
  gallery.Header("checksum_of_nothing", "unknown entry 'ghost.weight'",
                 [](HostileFile& file) { file.SetChecksum("ghost.weight", "00000000"); });
  const auto checksum = [&](const char* name, const char* tensor, const char* value) {
    gallery.Header(name, std::string("'") + tensor + "' is damaged",
                   [=](HostileFile& file) { file.SetChecksum(tensor, value); });
  };
  checksum("checksum_wrong", "features.bias", "00000000");
  checksum("checksum_blank", "features.bias", "");
  checksum("checksum_long", "features.bias", "000000000");
  checksum("checksum_of_the_graph_wrong", "graph", "ffffffff");
  gallery.Header("data_changed", "is damaged", [](HostileFile& file) { file.data[100] ^= 1; });
  gallery.Header("nul_after_the_checksums", "a NUL", [](HostileFile& file) {
    const std::string checksums = file.metadata()["espalier.checksums"];
    file.metadata()["espalier.checksums"] = checksums + '\0' + "{}";
  });
  gallery.Header("nul_after_the_graph", "a NUL", [](HostileFile& file) {
    const std::string graph = file.metadata()["espalier.graph"];
    file.SetGraph(graph + '\0' + "{\"format\":2}");
  });
  gallery.Header("graph_changed", "'graph' is damaged", [](HostileFile& file) {
    const std::string graph = file.metadata()["espalier.graph"];
    file.metadata()["espalier.graph"] = Gallery::Replaced(graph, "relu", "gelu");
  });
}

void AddTensorSets(Gallery& gallery) {
  gallery.Header("tensor_missing", "missing heads.digit.dense.bias", [](HostileFile& file) {
    const JsonTree offsets = file.tensor("heads.digit.dense.bias")["data_offsets"];
    file.header.erase("heads.digit.dense.bias");
    file.data.erase(offsets[0].get<std::size_t>());
  });
  gallery.Header("tensor_too_many", "parameters only, got ghost.weight", [](HostileFile& file) {
    const std::size_t size = file.data.size();
    file.header["ghost.weight"] = JsonTree::parse(R"({"dtype":"F32","shape":[1]})");
    file.header["ghost.weight"]["data_offsets"] = {size, size + 4};
    file.data += "abcd";
  });
  gallery.Header("tensor_renamed", "missing features.bias", [](HostileFile& file) {
    file.header["features.b"] = file.tensor("features.bias");
    file.header.erase("features.bias");
  });
  gallery.Header("no_tensors",
                 "missing conv1.weight, conv1.bias, norm1.weight, norm1.bias, "
                 "norm1.running_mean and 9 more",
                 [](HostileFile& file) {
                   JsonTree header = JsonTree::object();
                   header["__metadata__"] = file.metadata();
                   file.header = header;
                   file.data.clear();
                 });
  gallery.Header("shape_transposed", "expected shape [5, 27], got [27, 5]",
                 [](HostileFile& file) { file.tensor("features.weight")["shape"] = {27, 5}; });
  gallery.Header("shape_flattened", "expected shape [3, 2, 3, 3], got [54]",
                 [](HostileFile& file) { file.tensor("conv1.weight")["shape"] = {54}; });
}

void AddGraphTexts(Gallery& gallery) {
  const auto text = [&](const char* name, const char* expected, std::string graph) {
    gallery.Header(name, expected, [graph](HostileFile& file) { file.SetGraph(graph); });
  };
  text("graph_empty", "begins with an object", "");
  text("graph_not_json", "network: not JSON", "{]");
  text("graph_array", "network: expected an object", "[]");
  text("graph_cut", "network: not JSON", R"({"input":[2,6,6])");
  text("graph_deep", "at most 32 levels", "{\"layers\":" + std::string(100'000, '['));
  text("graph_without_input", "network: expected the field 'input', got none", "{}");
  text("graph_twice_the_same_key", "'input' twice", R"({"input":[1],"input":[1]})");
  text("graph_without_layers", "expected 1 to 100000 layers", R"({"input":[2,6,6]})");
  gallery.Graph("graph_format_2", "which a later version", "/format", 2);
  gallery.Graph("graph_format_0", "network.format: expected 1, got 0", "/format", 0);
  gallery.Graph("graph_format_text", "expected an integer, got \"1\"", "/format", "1");
  gallery.Graph("graph_unknown_field", "unknown field 'code'", "/code", "rm");
  gallery.Graph("graph_layers_object", "network.layers: expected an array", "/layers",
                JsonTree::object());
  gallery.Graph("graph_layer_null", "network.layers[0]: expected an object", "/layers/0", nullptr);
  gallery.Graph("graph_layer_unknown_field", "network.layers[0]: unknown field 'device'",
                "/layers/0/device", "cuda");
  gallery.Graph("graph_frozen_text", "frozen: expected true or false", "/layers/0/frozen", "no");
  gallery.Graph("graph_kind_number", "kind: expected a string", "/layers/0/kind", 7);
  gallery.Graph("graph_label_number", "labels[0]: expected a string", "/heads/0/task/labels/0", 1);
  gallery.Graph("graph_task_missing", "expected the field 'task', got none",
                [](JsonTree& graph) { graph["heads"][0].erase("task"); });
  gallery.Graph("graph_task_kind", "one of labels, classes, values, got \"tags\"",
                "/heads/0/task/kind", "tags");
  gallery.Graph("graph_loss", "one of logistic, focal, softmax, squared, huber, got \"hinge\"",
                "/heads/0/task/loss", "hinge");
  gallery.Graph("graph_attribute_null", "kernel: expected", "/layers/0/attributes/kernel", nullptr);
  gallery.Graph("graph_attribute_object", "kernel: expected", "/layers/0/attributes/kernel",
                JsonTree::object());
  gallery.Graph("graph_attribute_real_list", "kernel[0]: expected an integer",
                "/layers/0/attributes/kernel", JsonTree::parse("[3.5, 3]"));
}

void AddGraphs(Gallery& gallery) {
  const auto conv = [&](const char* name, const char* expected, const char* attribute,
                        JsonTree value) {
    gallery.Graph(name, expected, std::string("/layers/0/attributes/") + attribute,
                  std::move(value));
  };
  const std::int64_t huge = std::int64_t{1} << 31;
  conv("conv_stride_0", "stride", "stride", 0);
  conv("conv_stride_2_31", "stride", "stride", huge);
  conv("conv_stride_498444555", "stride", "stride", 498'444'555);
  conv("conv_stride_negative", "stride", "stride", -1);
  conv("conv_stride_of_three", "stride", "stride", JsonTree::parse("[1,1,1]"));
  conv("conv_dilation_0", "dilation", "dilation", 0);
  conv("conv_dilation_2_31", "dilation", "dilation", huge);
  conv("conv_kernel_0", "kernel", "kernel", 0);
  conv("conv_kernel_2_31", "kernel", "kernel", huge);
  conv("conv_kernel_empty", "kernel", "kernel", JsonTree::array());
  conv("conv_kernel_text", "kernel", "kernel", "3");
  conv("conv_padding_negative", "padding", "padding", JsonTree::parse("[-1]"));
  conv("conv_padding_1610637938", "padding", "padding", JsonTree::parse("[1610637938]"));
  conv("conv_padding_unknown", "padding", "padding", "reflect");
  conv("conv_channels_0", "channels", "channels", 0);
  conv("conv_channels_2_40", "channels", "channels", std::int64_t{1} << 40);
  conv("conv_groups_0", "groups", "groups", 0);
  conv("conv_groups_do_not_divide", "groups", "groups", 3);
  conv("conv_unknown_attribute", "colour", "colour", 3);
  conv("conv_bias_number", "bias", "bias", 1);
  gallery.Graph("conv_output_below_1", "conv1", [](JsonTree& graph) {
    graph["layers"][0]["attributes"]["padding"] = "valid";
    graph["layers"][0]["attributes"]["kernel"] = 7;
  });
  const auto input = [&](const char* name, const char* expected, const char* shape) {
    gallery.Graph(name, expected, [shape](JsonTree& graph) {
      graph["input"] = JsonTree::parse(shape);
      graph.erase("normalize");
    });
  };
  input("conv_on_a_vector", "conv1", "[72]");
  input("input_empty", "expected 1 to 8 dimensions, got 0", "[]");
  input("input_0", "dimensions of at least 1", "[2,0,6]");
  input("input_negative", "dimensions of at least 1", "[2,-6,6]");
  input("input_rank_9", "expected 1 to 8 dimensions, got 9", "[2,6,6,1,1,1,1,1,1]");
  input("input_that_wraps", "product of at most", "[4194305,4194305,211106198978564]");
  input("input_2_41", "product of at most", "[2097152,1024,1024]");
  input("input_larger", "expected shape [3, 3, 3, 3], got [3, 2, 3, 3]", "[3,6,6]");
  gallery.Graph("units_2_40", "units", "/layers/4/attributes/units", std::int64_t{1} << 40);
  gallery.Graph("units_0", "units", "/layers/4/attributes/units", 0);
  const auto memory = [&](const char* name, const char* expected, const char* shape) {
    gallery.Graph(name, expected, [shape](JsonTree& graph) {
      graph = JsonTree::parse(R"({"format":1,"layers":[{"name":"big","kind":"dense",
                                  "attributes":{"units":1048576}}]})");
      graph["input"] = JsonTree::parse(shape);
    });
  };
  memory("declared_memory_2_52", "layer 'big' (dense): shape: expected dimensions",
         "[1048576,1024]");
  memory("declared_memory_8_gib", "missing big.weight", "[2047]");
  memory("weights_of_2_32", "parameter 'big.weight': expected a shape of at most 2147483647",
         "[4095]");
  input("input_of_2_34", "input: expected a shape of at most 2147483647 elements",
        "[4,65536,65536]");
  gallery.Graph("kind_unknown", "conv2", "/layers/0/kind", "conv2");
  gallery.Graph("kind_empty", "conv1", "/layers/0/kind", "");
  gallery.Graph("kind_missing", "expected the field 'kind', got none",
                [](JsonTree& graph) { graph["layers"][0].erase("kind"); });
  gallery.Graph("name_twice", "conv1", "/layers/1/name", "conv1");
  gallery.Graph("name_input", "input", "/layers/0/name", "input");
  gallery.Graph("name_with_a_slash", "../conv", "/layers/0/name", "../conv");
  gallery.Graph("name_of_129_characters", "128", "/layers/0/name", std::string(129, 'a'));
  gallery.Graph("cycle", "'relu1', which stands later", "/layers/0/inputs",
                JsonTree::parse(R"(["relu1"])"));
  gallery.Graph("self_loop", "which is the layer itself", "/layers/0/inputs",
                JsonTree::parse(R"(["conv1"])"));
  gallery.Graph("input_unknown", "conv9", "/layers/1/inputs", JsonTree::parse(R"(["conv9"])"));
  gallery.Graph("inputs_two", "relu1", "/layers/2/inputs", JsonTree::parse(R"(["conv1","norm1"])"));
  gallery.Graph("add_of_unequal_shapes", "sum", [](JsonTree& graph) {
    graph["layers"].push_back(
        JsonTree::parse(R"({"name":"sum","kind":"add","inputs":["conv1","features"]})"));
  });
  gallery.Graph("dropout_rate_2", "rate", [](JsonTree& graph) {
    graph["layers"][2]["kind"] = "dropout";
    graph["layers"][2]["attributes"]["rate"] = 2.0;
  });
  gallery.Graph("epsilon_negative", "epsilon", "/layers/1/attributes/epsilon", -1.0);
  gallery.Graph("rate_scale_negative", "learning rate scale", "/layers/0/learning_rate_scale", -1);
  gallery.Graph("adapt_statistics_of_a_convolution", "adapt_statistics",
                "/layers/0/adapt_statistics", true);
  gallery.Graph("normalize_std_0", "standard deviations above 0", "/normalize/std/0", 0);
  gallery.Graph("normalize_too_many", "normalize", "/normalize/mean", JsonTree::parse("[0,0,0]"));
  gallery.Graph("owner_metadata_array", "metadata: expected an object", "/metadata",
                JsonTree::array());
  gallery.Graph("owner_metadata_number", "metadata.a: expected a string", "/metadata",
                JsonTree::parse(R"({"a":1})"));
  gallery.Graph("owner_metadata_of_the_library", "do not begin with 'espalier.'", "/metadata",
                JsonTree::parse(R"({"espalier.tasks":""})"));
  gallery.Graph("owner_metadata_without_a_key", "keys of 1 to 256", "/metadata",
                JsonTree::parse(R"({"":"x"})"));
  gallery.Graph("owner_metadata_long_key", "keys of 1 to 256",
                [](JsonTree& graph) { graph["metadata"][std::string(100000, 'k')] = ""; });
  gallery.Graph("owner_metadata_long_key_of_a_number", "expected a string",
                [](JsonTree& graph) { graph["metadata"][std::string(100000, 'k')] = 1; });
  gallery.Graph("owner_metadata_nul", "without NUL",
                [](JsonTree& graph) { graph["metadata"]["a"] = std::string(1, '\0'); });
  gallery.Graph("owner_metadata_many", "at most 256 entries, got 300", [](JsonTree& graph) {
    for (int i = 0; i < 300; ++i) graph["metadata"][std::to_string(i)] = "";
  });
  gallery.Graph("owner_metadata_long", "at most 1048576 bytes",
                [](JsonTree& graph) { graph["metadata"]["a"] = std::string(1 << 20, 'x'); });
  gallery.Graph("head_on_an_unknown_layer", "nowhere", "/heads/0/from", "nowhere");
  gallery.Graph("head_twice", "trait", "/heads/1/name", "trait");
  gallery.Graph("head_without_labels", "trait", "/heads/0/task/labels", JsonTree::array());
  gallery.Graph("head_with_a_label_twice", "sleeve", "/heads/0/task/labels",
                JsonTree::parse(R"(["sleeve","sleeve","b"])"));
  gallery.Graph("head_wider_than_its_weights", "expected shape [4, 5], got [3, 5]",
                [](JsonTree& graph) {
                  graph["heads"][0]["task"]["labels"].push_back("fourth");
                  graph["heads"][0]["task"]["positive_weights"] = JsonTree::array();
                });
  gallery.Graph("head_with_a_loss_of_another_kind", "softmax", "/heads/0/task/loss", "softmax");
  gallery.Graph("head_with_too_many_weights", "positive weights", "/heads/0/task/positive_weights",
                JsonTree::parse("[1,1,1,1]"));
  gallery.Graph("smoothing_1", "label smoothing", "/heads/0/task/label_smoothing", 1.0);
  gallery.Graph("many_layers", "parameters only, got", [](JsonTree& graph) {
    JsonTree layers = JsonTree::array();
    for (int i = 0; i < 20'000; ++i) {
      layers.push_back(JsonTree::parse(R"({"kind":"relu"})"));
    }
    graph["layers"] = layers;
    graph["heads"] = JsonTree::array();
  });
}

const std::vector<Case>& AllCases() {
  static const std::vector<Case> cases = [] {
    Gallery gallery;
    AddMetadata(gallery);
    AddTensorSets(gallery);
    AddGraphTexts(gallery);
    AddGraphs(gallery);
    return gallery.cases;
  }();
  return cases;
}

class HostileGraphs : public ::testing::TestWithParam<std::size_t> {};

TEST_P(HostileGraphs, AreRefused) { ExpectRefused(AllCases()[GetParam()]); }

INSTANTIATE_TEST_SUITE_P(Gallery, HostileGraphs,
                         ::testing::Range<std::size_t>(0, AllCases().size()),
                         [](const auto& info) { return TestName(AllCases()[info.param]); });

}  // namespace
}  // namespace espalier
