// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.peers;

import dev.espalier.bench.ModelFile;
import dev.espalier.bench.ModelFile.Layer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Writes a network as an ONNX model (operator set 17): input {@code input [N, …]}, output {@code
 * output [N, outputs]}, logits or probabilities. Dropout is left out.
 */
public final class OnnxExporter {
  // Numbers of fields and types: onnx.proto of ONNX 1.12.
  private static final int IR_VERSION = 8;
  private static final int OPERATOR_SET = 17;
  private static final int FLOAT = 1;
  private static final int INT64 = 7;

  private static final Map<String, String> ELEMENTWISE =
      Map.of("relu", "Relu", "sigmoid", "Sigmoid", "tanh", "Tanh");

  private final ModelFile model;
  private final ProtobufMessage graph = new ProtobufMessage();

  private OnnxExporter(ModelFile model) {
    this.model = model;
  }

  /** Writes {@code model} to a file. */
  public static void write(ModelFile model, boolean isLogits, Path file) throws IOException {
    ProtobufMessage operators = new ProtobufMessage().text(1, "").number(2, OPERATOR_SET);
    ProtobufMessage whole =
        new ProtobufMessage()
            .number(1, IR_VERSION)
            .text(2, "espalier-bench")
            .message(7, new OnnxExporter(model).graph(isLogits))
            .message(8, operators);
    Files.write(file, whole.bytes());
  }

  private ProtobufMessage graph(boolean isLogits) {
    graph.text(2, "network");
    for (Layer layer : model.layers()) {
      add(layer);
    }
    String logits = model.layers().get(model.layers().size() - 1).name();
    if (isLogits) {
      node("Identity", List.of(logits), "output");
    } else if (model.isClasses()) {
      node("Softmax", List.of(logits), "output", integer("axis", 1));
    } else {
      node("Sigmoid", List.of(logits), "output");
    }
    return graph
        .message(11, value(ModelFile.INPUT, model.inputShape()))
        .message(12, value("output", new int[] {model.outputSize()}));
  }

  private void add(Layer layer) {
    List<String> inputs = layer.inputs();
    String name = layer.name();
    switch (layer.kind()) {
      case "dense" -> {
        if (layer.output().length > 1) {
          if (!isReadPacked(layer)) {
            position(layer, 0, layer.output()[1], name);
          }
          return;
        }
        String input = inputs.get(0);
        if (layer.input().length > 1) {
          node("Flatten", inputs, name + ".flat", integer("axis", 1));
          input = name + ".flat";
        }
        node("Gemm", withParameters(input, layer), name, integer("transB", 1));
      }
      case "conv2d", "depthwise_conv2d" ->
          node(
              "Conv",
              withParameters(inputs.get(0), layer),
              name,
              integers("kernel_shape", layer.pair("kernel")),
              integers("strides", layer.pair("stride")),
              integers("dilations", layer.pair("dilation")),
              integers("pads", layer.pads("kernel")),
              integer("group", groups(layer)));
      case "max_pool2d", "average_pool2d" -> {
        List<ProtobufMessage> attributes = new ArrayList<>();
        attributes.add(integers("kernel_shape", layer.pair("window")));
        attributes.add(integers("strides", layer.pair("stride")));
        attributes.add(integers("pads", layer.pads("window")));
        boolean isMax = layer.kind().equals("max_pool2d");
        if (!isMax) {
          attributes.add(integer("count_include_pad", layer.is("count_include_pad") ? 1 : 0));
        }
        node(isMax ? "MaxPool" : "AveragePool", inputs, name, attributes);
      }
      case "global_average_pool2d" -> {
        if (layer.output().length > 1) {
          node("GlobalAveragePool", inputs, name);
          return;
        }
        node("GlobalAveragePool", inputs, name + ".image");
        node("Flatten", List.of(name + ".image"), name, integer("axis", 1));
      }
      case "batch_norm" -> {
        List<String> all = new ArrayList<>(inputs);
        for (String parameter : List.of("weight", "bias", "running_mean", "running_var")) {
          all.add(initializer(name + "." + parameter));
        }
        node("BatchNormalization", all, name, real("epsilon", layer.number("epsilon")));
      }
      case "flatten" -> node("Flatten", inputs, name, integer("axis", 1));
      case "attention" -> attention(layer);
      case "layer_norm" ->
          node(
              "LayerNormalization",
              List.of(inputs.get(0), initializer(name + ".weight"), initializer(name + ".bias")),
              name,
              integer("axis", -1),
              real("epsilon", layer.number("epsilon")));
      case "position_embedding" ->
          node("Add", List.of(inputs.get(0), initializer(name + ".weight")), name);
      case "token_pool" ->
          node("ReduceMean", inputs, name, integers("axes", 1), integer("keepdims", 0));
      case "reshape" -> {
        shape(name + ".shape", 0, layer.output()[0], layer.output()[1]);
        node("Reshape", List.of(inputs.get(0), name + ".shape"), name);
      }
      case "transpose" -> node("Transpose", inputs, name, integers("perm", 0, 2, 1));
      case "gelu" -> {
        constant(name + ".root", (float) Math.sqrt(2));
        constant(name + ".one", 1);
        constant(name + ".half", 0.5f);
        node("Div", List.of(inputs.get(0), name + ".root"), name + ".scaled");
        node("Erf", List.of(name + ".scaled"), name + ".erf");
        node("Add", List.of(name + ".erf", name + ".one"), name + ".sum");
        node("Mul", List.of(inputs.get(0), name + ".sum"), name + ".product");
        node("Mul", List.of(name + ".product", name + ".half"), name);
      }
      case "relu6" -> {
        constant(name + ".low", 0);
        constant(name + ".high", 6);
        node("Clip", List.of(inputs.get(0), name + ".low", name + ".high"), name);
      }
      case "leaky_relu" -> node("LeakyRelu", inputs, name, real("alpha", layer.number("slope")));
      case "silu" -> {
        node("Sigmoid", inputs, name + ".gate");
        node("Mul", List.of(inputs.get(0), name + ".gate"), name);
      }
      case "mul" -> node("Mul", inputs, name);
      case "add" -> node(inputs.size() == 2 ? "Add" : "Sum", inputs, name);
      case "concat" -> node("Concat", inputs, name, integer("axis", 1));
      case "dropout" -> node("Identity", inputs, name);
      default -> {
        String operator = ELEMENTWISE.get(layer.kind());
        if (operator == null) {
          throw new IllegalArgumentException(name + ": no ONNX operator for " + layer.kind());
        }
        node(operator, inputs, name);
      }
    }
  }

  /** True for a layer whose thirds the attention behind it computes, as exports of BERT do. */
  private boolean isReadPacked(Layer dense) {
    return model.layers().stream()
        .anyMatch(
            layer ->
                layer.kind().equals("attention") && layer.inputs().equals(List.of(dense.name())));
  }

  /** Outputs from {@code first} on of a dense layer at each position, as PyTorch exports them. */
  private void position(Layer dense, int first, int count, String name) {
    ModelFile.Tensor weight = model.tensor(dense.name() + ".weight");
    int width = weight.shape()[1];
    float[] transposed = new float[width * count];
    for (int i = 0; i < count; i++) {
      for (int k = 0; k < width; k++) {
        transposed[k * count + i] = weight.values()[(first + i) * width + k];
      }
    }
    float[] bias = model.tensor(dense.name() + ".bias").values();
    tensor(name + ".weight", new int[] {width, count}, transposed);
    tensor(name + ".bias", new int[] {count}, Arrays.copyOfRange(bias, first, first + count));
    node("MatMul", List.of(dense.inputs().get(0), name + ".weight"), name + ".product");
    node("Add", List.of(name + ".bias", name + ".product"), name);
  }

  /** The nodes that PyTorch exports of BERT's attention, which ONNX Runtime knows and fuses. */
  private void attention(Layer layer) {
    String name = layer.name();
    int heads = layer.attributes().get("heads").intValue();
    int width = layer.output()[1];
    Layer packed =
        model.layers().stream()
            .filter(dense -> dense.name().equals(layer.inputs().get(0)))
            .findFirst()
            .orElseThrow();
    String[] parts = {name + ".query", name + ".key", name + ".value"};
    for (int part = 0; part < 3; part++) {
      position(packed, part * width, width, parts[part]);
      shape(parts[part] + ".shape", 0, 0, heads, width / heads);
      node("Reshape", List.of(parts[part], parts[part] + ".shape"), parts[part] + ".split");
      long[] order = part == 1 ? new long[] {0, 2, 3, 1} : new long[] {0, 2, 1, 3};
      node(
          "Transpose",
          List.of(parts[part] + ".split"),
          parts[part] + ".heads",
          integers("perm", order));
    }
    constant(name + ".root", (float) Math.sqrt((double) width / heads));
    shape(name + ".shape", 0, 0, width);
    node("MatMul", List.of(parts[0] + ".heads", parts[1] + ".heads"), name + ".scores");
    node("Div", List.of(name + ".scores", name + ".root"), name + ".scaled");
    node("Softmax", List.of(name + ".scaled"), name + ".shares", integer("axis", -1));
    node("MatMul", List.of(name + ".shares", parts[2] + ".heads"), name + ".mixed");
    node("Transpose", List.of(name + ".mixed"), name + ".rows", integers("perm", 0, 2, 1, 3));
    node("Reshape", List.of(name + ".rows", name + ".shape"), name);
  }

  private void shape(String name, long... sizes) {
    ByteBuffer bytes =
        ByteBuffer.allocate(sizes.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(sizes);
    graph.message(
        5,
        new ProtobufMessage()
            .number(1, sizes.length)
            .number(2, INT64)
            .text(8, name)
            .bytes(9, bytes.array()));
  }

  private long groups(Layer layer) {
    return layer.kind().equals("conv2d")
        ? layer.attributes().get("groups").longValue()
        : layer.input()[0];
  }

  private List<String> withParameters(String input, Layer layer) {
    List<String> inputs = new ArrayList<>(List.of(input, initializer(layer.name() + ".weight")));
    if (layer.is("bias")) {
      inputs.add(initializer(layer.name() + ".bias"));
    }
    return inputs;
  }

  private String initializer(String path) {
    ModelFile.Tensor tensor = model.tensor(path);
    tensor(path, tensor.shape(), tensor.values());
    return path;
  }

  private void constant(String name, float value) {
    tensor(name, new int[0], new float[] {value});
  }

  private void tensor(String name, int[] shape, float[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    ProtobufMessage tensor = new ProtobufMessage();
    for (int size : shape) {
      tensor.number(1, size);
    }
    graph.message(5, tensor.number(2, FLOAT).text(8, name).bytes(9, bytes.array()));
  }

  private void node(
      String operator, List<String> inputs, String output, ProtobufMessage... attributes) {
    node(operator, inputs, output, List.of(attributes));
  }

  private void node(
      String operator, List<String> inputs, String output, List<ProtobufMessage> attributes) {
    ProtobufMessage node = new ProtobufMessage();
    inputs.forEach(input -> node.text(1, input));
    node.text(2, output).text(3, output + ".node").text(4, operator);
    attributes.forEach(attribute -> node.message(5, attribute));
    graph.message(1, node);
  }

  private static ProtobufMessage real(String name, double value) {
    return new ProtobufMessage().text(1, name).real(2, (float) value).number(20, 1);
  }

  private static ProtobufMessage integer(String name, long value) {
    return new ProtobufMessage().text(1, name).number(3, value).number(20, 2);
  }

  private static ProtobufMessage integers(String name, long... values) {
    ProtobufMessage attribute = new ProtobufMessage().text(1, name);
    for (long value : values) {
      attribute.number(8, value);
    }
    return attribute.number(20, 7);
  }

  private static ProtobufMessage value(String name, int[] shape) {
    ProtobufMessage dimensions = new ProtobufMessage();
    dimensions.message(1, new ProtobufMessage().text(2, "N"));
    for (int size : shape) {
      dimensions.message(1, new ProtobufMessage().number(1, size));
    }
    ProtobufMessage tensor = new ProtobufMessage().number(1, FLOAT).message(2, dimensions);
    return new ProtobufMessage().text(1, name).message(2, new ProtobufMessage().message(1, tensor));
  }
}
