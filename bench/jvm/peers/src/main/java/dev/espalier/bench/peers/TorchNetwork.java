// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.peers;

import dev.espalier.bench.ModelFile;
import dev.espalier.bench.ModelFile.Layer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.LongArrayRef;
import org.bytedeco.pytorch.LongVector;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * A network as PyTorch operations on tensors made once; batch norm by its running statistics unless
 * it is trained. What a module of torch::nn would call, without its checks.
 */
final class TorchNetwork {
  private final List<Operation> operations = new ArrayList<>();
  private final Map<String, Integer> slots = new HashMap<>();
  private final TensorVector parameters = new TensorVector();
  private final List<Object> kept = new ArrayList<>();

  TorchNetwork(ModelFile model, boolean isTrained) {
    slots.put(ModelFile.INPUT, 0);
    for (Layer layer : model.layers()) {
      int[] inputs = layer.inputs().stream().mapToInt(slots::get).toArray();
      Function<Tensor[], Tensor> function = function(model, layer, isTrained);
      slots.put(layer.name(), slots.size());
      operations.add(new Operation(inputs, function));
    }
  }

  /** Logits. Tensors in between belong to the scope of the caller. */
  Tensor forward(Tensor input) {
    return forward(input, operations.size());
  }

  /** The output of a layer. */
  Tensor features(Tensor input, String layer) {
    return forward(input, slots.get(layer));
  }

  /** All weights and biases. */
  TensorVector parameters() {
    return parameters;
  }

  private Tensor forward(Tensor input, int count) {
    Tensor[] values = new Tensor[count + 1];
    values[0] = input;
    for (int i = 0; i < count; i++) {
      Operation operation = operations.get(i);
      Tensor[] inputs = new Tensor[operation.inputs.length];
      for (int k = 0; k < inputs.length; k++) {
        inputs[k] = values[operation.inputs[k]];
      }
      values[i + 1] = operation.function.apply(inputs);
    }
    return values[count];
  }

  private Function<Tensor[], Tensor> function(ModelFile model, Layer layer, boolean isTrained) {
    switch (layer.kind()) {
      case "dense":
        {
          Tensor weight = parameter(model, layer.name() + ".weight", isTrained);
          TensorOptional bias = bias(model, layer, isTrained);
          boolean isFlat = layer.input().length == 1 || layer.output().length > 1;
          return in -> torch.linear(isFlat ? in[0] : in[0].flatten(1, -1), weight, bias);
        }
      case "conv2d":
      case "depthwise_conv2d":
        {
          Tensor weight = parameter(model, layer.name() + ".weight", isTrained);
          TensorOptional bias = bias(model, layer, isTrained);
          LongArrayRef stride = longs(layer.pair("stride"));
          LongArrayRef padding = padding(layer, "kernel");
          LongArrayRef dilation = longs(layer.pair("dilation"));
          long groups =
              layer.kind().equals("conv2d")
                  ? layer.attributes().get("groups").longValue()
                  : layer.input()[0];
          return in -> torch.conv2d(in[0], weight, bias, stride, padding, dilation, groups);
        }
      case "max_pool2d":
        {
          LongArrayRef window = longs(layer.pair("window"));
          LongArrayRef stride = longs(layer.pair("stride"));
          LongArrayRef padding = padding(layer, "window");
          LongArrayRef dilation = longs(1, 1);
          return in -> torch.max_pool2d(in[0], window, stride, padding, dilation, false);
        }
      case "batch_norm":
        {
          String name = layer.name() + ".";
          TensorOptional weight = optional(parameter(model, name + "weight", isTrained));
          TensorOptional bias = optional(parameter(model, name + "bias", isTrained));
          TensorOptional mean = optional(tensor(model, name + "running_mean"));
          TensorOptional variance = optional(tensor(model, name + "running_var"));
          double momentum = layer.number("momentum");
          double epsilon = layer.number("epsilon");
          return in ->
              torch.batch_norm(
                  in[0], weight, bias, mean, variance, isTrained, momentum, epsilon, false);
        }
      case "global_average_pool2d":
        {
          boolean isImage = layer.output().length > 1;
          return in -> {
            Tensor averages = torch.adaptive_avg_pool2d(in[0], 1, 1);
            return isImage ? averages : averages.flatten(1, -1);
          };
        }
      case "flatten":
        return in -> in[0].flatten(1, -1);
      case "attention":
        return attention(layer);
      case "layer_norm":
        {
          LongArrayRef width = longs(layer.output()[layer.output().length - 1]);
          TensorOptional weight = optional(parameter(model, layer.name() + ".weight", isTrained));
          TensorOptional bias = optional(parameter(model, layer.name() + ".bias", isTrained));
          double epsilon = layer.number("epsilon");
          return in -> torch.layer_norm(in[0], width, weight, bias, epsilon, false);
        }
      case "position_embedding":
        {
          Tensor weight = parameter(model, layer.name() + ".weight", isTrained);
          return in -> in[0].add(weight);
        }
      case "token_pool":
        return in -> in[0].mean(1);
      case "reshape":
        {
          long[] shape = Arrays.stream(layer.output()).asLongStream().toArray();
          return in -> in[0].reshape(in[0].size(0), shape[0], shape[1]);
        }
      case "transpose":
        return in -> in[0].transpose(1, 2);
      case "gelu":
        return in -> torch.gelu(in[0]);
      case "relu":
        return in -> torch.relu(in[0]);
      case "relu6":
        return in -> torch.relu6(in[0]);
      case "sigmoid":
        return in -> torch.sigmoid(in[0]);
      case "silu":
        return in -> torch.silu(in[0]);
      case "mul":
        return in -> torch.mul(in[0], in[1]);
      case "add":
        return in -> {
          Tensor sum = in[0];
          for (int i = 1; i < in.length; i++) {
            sum = sum.add(in[i]);
          }
          return sum;
        };
      default:
        throw new IllegalArgumentException(layer.name() + ": no operation for " + layer.kind());
    }
  }

  /** Queries, keys and values side by side, through PyTorch's fused attention. */
  private Function<Tensor[], Tensor> attention(Layer layer) {
    long heads = layer.attributes().get("heads").longValue();
    long length = layer.output()[0];
    long width = layer.output()[1];
    return in -> {
      Tensor all =
          in[0].view(in[0].size(0), length, 3, heads, width / heads).permute(2, 0, 3, 1, 4);
      Tensor mixed =
          torch.scaled_dot_product_attention(all.select(0, 0), all.select(0, 1), all.select(0, 2));
      return mixed.transpose(1, 2).reshape(in[0].size(0), length, width);
    };
  }

  private LongArrayRef padding(Layer layer, String size) {
    long[] pads = layer.pads(size);
    if (pads[0] != pads[2] || pads[1] != pads[3]) {
      throw new IllegalArgumentException(layer.name() + ": padding is not the same on both sides");
    }
    return longs(pads[0], pads[1]);
  }

  private TensorOptional bias(ModelFile model, Layer layer, boolean isTrained) {
    return keep(
        layer.is("bias")
            ? new TensorOptional(parameter(model, layer.name() + ".bias", isTrained))
            : new TensorOptional());
  }

  private TensorOptional optional(Tensor tensor) {
    return keep(new TensorOptional(tensor));
  }

  private Tensor parameter(ModelFile model, String path, boolean isTrained) {
    Tensor tensor = tensor(model, path);
    if (isTrained) {
      tensor.set_requires_grad(true);
    }
    parameters.push_back(tensor);
    return tensor;
  }

  private Tensor tensor(ModelFile model, String path) {
    ModelFile.Tensor values = model.tensor(path);
    long[] shape = Arrays.stream(values.shape()).asLongStream().toArray();
    try (FloatPointer pointer = new FloatPointer(values.values())) {
      return keep(torch.from_blob(pointer, shape).clone());
    }
  }

  private LongArrayRef longs(long... values) {
    return keep(new LongArrayRef(keep(new LongVector(values))));
  }

  /** Keeps what native memory belongs to as long as this network. */
  private <T> T keep(T object) {
    kept.add(object);
    return object;
  }

  private record Operation(int[] inputs, Function<Tensor[], Tensor> function) {}
}
