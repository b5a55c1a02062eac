// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model file (docs/model_file.md) as other libraries need it: layers in the order of computation,
 * with the shapes that lie between them, the only head among them, and all parameters.
 */
public final class ModelFile {
  /** The name by which the first layers know the network's input. */
  public static final String INPUT = "input";

  private final int[] inputShape;
  private final String loss;
  private final List<Layer> layers = new ArrayList<>();
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  private ModelFile(int[] inputShape, String loss) {
    this.inputShape = inputShape;
    this.loss = loss;
  }

  /** Reads a file that the library wrote. */
  public static ModelFile read(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    ObjectMapper mapper = new ObjectMapper();
    int length = Math.toIntExact(bytes.getLong());
    JsonNode header = mapper.readTree(bytes.array(), Long.BYTES, length);
    JsonNode graph = mapper.readTree(header.get("__metadata__").get("espalier.graph").textValue());
    if (graph.get("heads").size() != 1 || graph.hasNonNull("normalize")) {
      throw new IOException(file + ": expected one head and no normalization");
    }
    JsonNode head = graph.get("heads").get(0);
    JsonNode task = head.get("task");
    ModelFile model = new ModelFile(ints(graph.get("input")), task.get("loss").textValue());
    for (Map.Entry<String, JsonNode> entry : header.properties()) {
      if (!entry.getKey().equals("__metadata__")) {
        model.tensors.put(entry.getKey(), tensor(bytes, length, entry.getValue()));
      }
    }
    for (JsonNode layer : graph.get("layers")) {
      model.add(
          layer.get("name").textValue(),
          layer.get("kind").textValue(),
          strings(layer.get("inputs")),
          layer.get("attributes"));
    }
    String prefix = "heads." + head.get("name").textValue() + ".";
    String from = head.get("from").textValue();
    for (JsonNode layer : head.get("layers")) {
      from = model.addHeadLayer(prefix, from, layer);
    }
    JsonNode dense = mapper.createObjectNode().put("bias", true);
    model.add(prefix + "dense", "dense", List.of(from), dense);
    return model;
  }

  /** Shape of one input. */
  public int[] inputShape() {
    return inputShape.clone();
  }

  /** Values of one input. */
  public int inputSize() {
    return product(inputShape);
  }

  /** Values of one output. */
  public int outputSize() {
    return product(layers.get(layers.size() - 1).output());
  }

  /** Whether the task has classes, with softmax; else labels, with a sigmoid each. */
  public boolean isClasses() {
    return loss.equals("softmax");
  }

  /** The layers in the order of computation; the last one gives the logits. */
  public List<Layer> layers() {
    return layers;
  }

  /** A parameter or buffer by its path. */
  public Tensor tensor(String path) {
    Tensor tensor = tensors.get(path);
    if (tensor == null) {
      throw new IllegalArgumentException("no tensor " + path + ", there are " + tensors.keySet());
    }
    return tensor;
  }

  /** The number of values of a shape. */
  public static int product(int[] shape) {
    int product = 1;
    for (int size : shape) {
      product *= size;
    }
    return product;
  }

  private String addHeadLayer(String prefix, String from, JsonNode layer) {
    String name = prefix + layer.get("name").textValue();
    add(name, layer.get("kind").textValue(), List.of(from), layer.get("attributes"));
    return name;
  }

  private void add(String name, String kind, List<String> inputs, JsonNode attributes) {
    int[] before = shapeOf(inputs.get(0));
    int[] shape =
        switch (kind) {
          case "dense" -> dense(tensor(name + ".weight").shape()[0], before, attributes);
          case "attention" -> new int[] {before[0], before[1] / 3};
          case "token_pool" -> new int[] {before[1]};
          case "reshape" -> ints(attributes.get("shape"));
          case "transpose" -> new int[] {before[1], before[0]};
          case "flatten" -> new int[] {product(before)};
          case "global_average_pool2d" ->
              attributes.path("keep_dimensions").asBoolean()
                  ? new int[] {before[0], 1, 1}
                  : new int[] {before[0]};
          case "conv2d", "depthwise_conv2d" ->
              windowed(tensor(name + ".weight").shape()[0], before, "kernel", attributes);
          case "max_pool2d", "average_pool2d" -> windowed(before[0], before, "window", attributes);
          default -> before;
        };
    layers.add(new Layer(name, kind, inputs, attributes, before, shape));
  }

  private int[] shapeOf(String name) {
    if (name.equals(INPUT)) {
      return inputShape;
    }
    for (Layer layer : layers) {
      if (layer.name().equals(name)) {
        return layer.output();
      }
    }
    throw new IllegalArgumentException("no layer " + name);
  }

  private static int[] dense(int units, int[] input, JsonNode attributes) {
    boolean isPerPosition = attributes.path("per_position").asBoolean();
    return isPerPosition ? new int[] {input[0], units} : new int[] {units};
  }

  private static int[] windowed(int channels, int[] input, String size, JsonNode attributes) {
    Layer layer = new Layer("", "", List.of(), attributes, input, input);
    long[] window = layer.pair(size);
    long[] stride = layer.pair("stride");
    long[] dilation = attributes.has("dilation") ? layer.pair("dilation") : new long[] {1, 1};
    long[] pads = layer.pads(size);
    int[] shape = {channels, 0, 0};
    for (int axis = 0; axis < 2; axis++) {
      long padded = input[1 + axis] + pads[axis] + pads[2 + axis];
      long covered = dilation[axis] * (window[axis] - 1) + 1;
      shape[1 + axis] = (int) ((padded - covered) / stride[axis] + 1);
    }
    return shape;
  }

  private static Tensor tensor(ByteBuffer bytes, int headerLength, JsonNode description) {
    int[] shape = ints(description.get("shape"));
    float[] values = new float[product(shape)];
    int begin = Long.BYTES + headerLength + description.get("data_offsets").get(0).intValue();
    bytes
        .slice(begin, values.length * Float.BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(values);
    return new Tensor(shape, values);
  }

  private static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).intValue();
    }
    return values;
  }

  private static List<String> strings(JsonNode array) {
    List<String> values = new ArrayList<>();
    array.forEach(value -> values.add(value.textValue()));
    return values;
  }

  /** Values with their shape, row-major. */
  @SuppressWarnings("ArrayRecordComponent")
  public record Tensor(int[] shape, float[] values) {}

  /**
   * A layer.
   *
   * @param name prefix of its parameters
   * @param kind as in the file
   * @param inputs names of layers, or {@link #INPUT}
   * @param attributes as in the file
   * @param input shape of its first input, without the batch
   * @param output shape of its output, without the batch
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Layer(
      String name,
      String kind,
      List<String> inputs,
      JsonNode attributes,
      int[] input,
      int[] output) {
    /** Two numbers, of rows and of columns. */
    public long[] pair(String attribute) {
      JsonNode value = attributes.get(attribute);
      return value.isArray()
          ? new long[] {value.get(0).longValue(), value.get(value.size() - 1).longValue()}
          : new long[] {value.longValue(), value.longValue()};
    }

    /** A real number. */
    public double number(String attribute) {
      return attributes.get(attribute).doubleValue();
    }

    /** A truth value. */
    public boolean is(String attribute) {
      return attributes.get(attribute).booleanValue();
    }

    /** Padding {@code top, left, bottom, right} of a window whose size has the given name. */
    public long[] pads(String size) {
      JsonNode padding = attributes.get("padding");
      if (padding.isArray()) { // top, bottom, left, right
        long[] pads = new long[4];
        int[] order = {0, 2, 1, 3};
        for (int i = 0; i < 4; i++) {
          pads[i] = padding.get(order[i]).longValue();
        }
        return pads;
      }
      if (!padding.textValue().equals("same")) {
        throw new IllegalArgumentException(name + ": unknown padding " + padding);
      }
      long[] window = pair(size);
      long[] stride = pair("stride");
      long[] dilation = attributes.has("dilation") ? pair("dilation") : new long[] {1, 1};
      long[] pads = new long[4];
      for (int axis = 0; axis < 2; axis++) {
        long count = (input[1 + axis] + stride[axis] - 1) / stride[axis];
        long needed =
            (count - 1) * stride[axis] + dilation[axis] * (window[axis] - 1) + 1 - input[1 + axis];
        pads[axis] = Math.max(0, needed) / 2;
        pads[2 + axis] = Math.max(0, needed) - pads[axis];
      }
      return pads;
    }
  }
}
