// SPDX-License-Identifier: Apache-2.0
#include "jvm/import_json.h"

#include <gtest/gtest.h>

#include <string>

#include "espalier/error.h"
#include "files/strict_json.h"

namespace espalier::jvm {
namespace {

TEST(ImportJson, ReadsOptions) {
  const ImportOptions options = ImportOptionsFromJson(
      R"({"dimensions": [{"name": "length", "size": 128}],
          "input_shapes": [{"name": "image", "shape": [3, 8, 8]}],
          "batch_axes": [{"name": "image", "axis": 2}], "has_batch": false,
          "outputs": ["a", "b"], "external_data": true, "file_bytes": 10, "nodes": 11,
          "limits": {"layers": 12}})");
  EXPECT_EQ(options.dimensions.at("length"), 128);
  EXPECT_EQ(options.input_shapes.at("image"), (Shape{3, 8, 8}));
  EXPECT_FALSE(options.has_batch);
  EXPECT_EQ(options.batch_axes, (std::map<std::string, std::int64_t>{{"image", 2}}));
  EXPECT_EQ(options.outputs, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(options.external_data);
  EXPECT_EQ(options.file_bytes, 10);
  EXPECT_EQ(options.nodes, 11);
  EXPECT_EQ(options.limits.layers, 12);
  EXPECT_TRUE(ImportOptionsFromJson("{}").has_batch);
  EXPECT_THROW(ImportOptionsFromJson(R"({"dimension": []})"), Error);
  EXPECT_THROW(ImportOptionsFromJson(R"({"input_shapes": [{"name": "x", "shape": [0]}]})"), Error);
}

TEST(ImportJson, WritesReports) {
  ImportReport report;
  report.producer = "a \"program\"";
  report.inputs = {{.name = "x", .layer = "y", .shape = Shape{3}, .type = ElementType::kInt32}};
  report.fused = {{.kind = "Gelu", .value = "g", .nodes = 5}};
  report.renamed = {{.from = "/a", .to = "a"}};
  report.notes = {{.layer = "a", .text = "text"}};
  const std::string json = ToJsonText(report);
  ParseStrictJson(json, "report");
  for (const char* part :
       {R"("producer":"a \"program\"")", R"({"name":"x","layer":"y","shape":[3],"type":"int32"})",
        R"({"kind":"Gelu","value":"g","nodes":5})", R"({"from":"/a","to":"a"})",
        R"({"layer":"a","text":"text"})"}) {
    EXPECT_NE(json.find(part), std::string::npos) << json;
  }
}

}  // namespace
}  // namespace espalier::jvm
