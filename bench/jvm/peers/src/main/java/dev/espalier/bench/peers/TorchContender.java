// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.peers;

import dev.espalier.bench.Contender;
import dev.espalier.bench.ModelFile;
import dev.espalier.bench.PeakMemory;
import dev.espalier.bench.TransferWork;
import dev.espalier.bench.Work;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** PyTorch by bytedeco's presets: eager operations, in inference mode for predictions. */
@SuppressWarnings("try") // scopes and modes are there for what their ends do
public final class TorchContender implements Contender {
  private static final double LEARNING_RATE = 1e-3;
  private static final long SUM = 2; // at::Reduction::Sum

  /** Makes the contender; the name does not matter. */
  public TorchContender(String name) {}

  @Override
  public String version() {
    return "PyTorch "
        + version("pytorch")
        + ", MKL "
        + torch.get_mkl_version().getString().split("\n")[0]
        + ", oneDNN "
        + torch.get_mkldnn_version().getString();
  }

  private static String version(String artifact) {
    try {
      return Loader.getVersion("org.bytedeco", artifact);
    } catch (IOException missing) {
      return "of unknown version";
    }
  }

  @Override
  public void threads(int count) {
    torch.set_num_threads(count);
    torch.set_num_interop_threads(1);
  }

  @Override
  public Prediction prediction(Work work, int batch) throws IOException {
    ModelFile model = ModelFile.read(work.model());
    return new TorchPrediction(work, model, batch);
  }

  @Override
  public Training training(Work work, int batch) throws IOException {
    return new TorchTraining(work, batch);
  }

  @Override
  public Transfer transfer(Work work, String variant) throws IOException {
    final boolean isCached = variant.equals("cached");
    ModelFile model = ModelFile.read(work.model());
    TorchNetwork trunk = new TorchNetwork(model, false);
    TransferWork sizes = TransferWork.of(work);
    Tensor inputs = floats(work.inputs(sizes.examples() * model.inputSize()), shape(model));
    Targets targets =
        Targets.labels(work.targets(sizes.examples() * model.outputSize()), sizes.examples());
    String last = model.layers().get(model.layers().size() - 1).name();
    String first = model.layers().get(model.layers().size() - 3).name(); // dense, relu, dense
    Tensor hidden = trained(model, first + ".weight");
    Tensor hiddenBias = trained(model, first + ".bias");
    Tensor output = trained(model, last + ".weight");
    Tensor outputBias = trained(model, last + ".bias");
    TensorVector parameters = new TensorVector(hidden, hiddenBias, output, outputBias);
    Adam adam = new Adam(parameters, new AdamOptions(LEARNING_RATE));
    final TensorOptional hiddenBiasValue = new TensorOptional(hiddenBias);
    final TensorOptional outputBiasValue = new TensorOptional(outputBias);
    final double[] losses = new double[sizes.epochs()];
    final long start = System.nanoTime();
    List<Tensor> features = new ArrayList<>();
    for (int epoch = 0; epoch < sizes.epochs(); epoch++) {
      for (int from = 0; from < sizes.examples(); from += TransferWork.BATCH) {
        int step = from / TransferWork.BATCH;
        int count = Math.min(TransferWork.BATCH, sizes.examples() - from);
        if (!isCached || epoch == 0) {
          Tensor computed = features(trunk, inputs.narrow(0, from, count));
          if (isCached || features.isEmpty()) {
            features.add(computed);
          } else {
            features.set(0, computed).close();
          }
        }
        try (PointerScope scope = new PointerScope()) {
          Tensor x = features.get(isCached ? step : 0);
          Tensor y = torch.relu(torch.linear(x, hidden, hiddenBiasValue));
          Tensor logits = torch.linear(y, output, outputBiasValue);
          Tensor loss = targets.loss(logits, from, count);
          loss.backward();
          adam.step();
          adam.zero_grad();
          losses[epoch] += loss.item_float() * count / sizes.examples();
        }
      }
    }
    return new Transfer((System.nanoTime() - start) * 1e-9, losses);
  }

  /** Runs the trunk without gradients; the result outlives the call. */
  private static Tensor features(TorchNetwork trunk, Tensor inputs) {
    try (PointerScope scope = new PointerScope();
        org.bytedeco.pytorch.NoGradGuard guard = new org.bytedeco.pytorch.NoGradGuard()) {
      Tensor features = trunk.features(inputs, "features");
      features.retainReference(); // so that the end of the scope does not free it
      return features;
    }
  }

  private static Tensor trained(ModelFile model, String path) {
    ModelFile.Tensor values = model.tensor(path);
    long[] shape = Arrays.stream(values.shape()).asLongStream().toArray();
    Tensor tensor = floats(values.values(), shape);
    tensor.set_requires_grad(true);
    return tensor;
  }

  private static long[] shape(ModelFile model) {
    int[] one = model.inputShape();
    long[] shape = new long[one.length + 1];
    shape[0] = -1;
    for (int i = 0; i < one.length; i++) {
      shape[i + 1] = one[i];
    }
    return shape;
  }

  private static Tensor floats(float[] values, long... shape) {
    long known = 1;
    for (long size : shape) {
      known *= size > 0 ? size : 1;
    }
    long[] whole = Arrays.stream(shape).map(size -> size > 0 ? size : -1).toArray();
    for (int i = 0; i < whole.length; i++) {
      whole[i] = whole[i] > 0 ? whole[i] : values.length / known;
    }
    try (FloatPointer pointer = new FloatPointer(values)) {
      return torch.from_blob(pointer, whole).clone();
    }
  }

  /** Targets as tensors, and the loss over a part of them. */
  private record Targets(Tensor classes, Tensor labels, Tensor mask) {
    static Targets classes(float[] values) {
      long[] numbers = new long[values.length];
      Arrays.setAll(numbers, i -> (long) values[i]);
      TensorOptions options = new TensorOptions(torch.ScalarType.Long);
      try (LongPointer pointer = new LongPointer(numbers)) {
        return new Targets(
            torch.from_blob(pointer, new long[] {numbers.length}, options).clone(), null, null);
      }
    }

    static Targets labels(float[] values, int examples) {
      float[] known = values.clone();
      float[] mask = new float[values.length];
      for (int i = 0; i < values.length; i++) {
        mask[i] = Float.isNaN(values[i]) ? 0 : 1;
        known[i] = Float.isNaN(values[i]) ? 0 : values[i];
      }
      return new Targets(null, floats(known, examples, -1), floats(mask, examples, -1));
    }

    Tensor loss(Tensor logits, long first, long count) {
      if (classes != null) {
        return torch.cross_entropy_loss(logits, classes.narrow(0, first, count));
      }
      TensorOptional weight = new TensorOptional(mask.narrow(0, first, count));
      return torch
          .binary_cross_entropy_with_logits(
              logits, labels.narrow(0, first, count), weight, new TensorOptional(), SUM)
          .div(new Scalar((float) count));
    }
  }

  /** From a tensor over a direct buffer to a tensor over another. */
  private static final class TorchPrediction implements Prediction {
    private final TorchNetwork network;
    private final FloatBuffer inputs;
    private final FloatBuffer outputs;
    private final Tensor input;
    private final Tensor output;
    private final boolean isLogits;
    private final boolean isClasses;

    TorchPrediction(Work work, ModelFile model, int batch) throws IOException {
      network = new TorchNetwork(model, false);
      isLogits = work.isLogits();
      isClasses = model.isClasses();
      inputs = work.inputBuffer(batch * model.inputSize());
      outputs = Work.directBuffer(batch * model.outputSize());
      long[] shape = shape(model);
      shape[0] = batch;
      input = torch.from_blob(new FloatPointer(inputs), shape);
      output = torch.from_blob(new FloatPointer(outputs), batch, model.outputSize());
    }

    @Override
    public void run() {
      try (PointerScope scope = new PointerScope();
          InferenceMode mode = new InferenceMode()) {
        Tensor logits = network.forward(input);
        if (isLogits) {
          output.copy_(logits);
        } else {
          output.copy_(isClasses ? torch.softmax(logits, 1) : torch.sigmoid(logits));
        }
      }
    }

    @Override
    public float[] outputs() {
      float[] values = new float[outputs.capacity()];
      outputs.get(0, values);
      return values;
    }

    @Override
    public void close() {
      input.close();
      output.close();
    }
  }

  /** Eager training with torch::optim's Adam, or AdamW where weights decay. */
  private static final class TorchTraining implements Training {
    private final TorchNetwork network;
    private final Tensor[] inputs = new Tensor[Work.BATCHES];
    private final Targets targets;
    private final List<Optimizer> optimizers = new ArrayList<>();
    private final int batch;
    private int step;

    TorchTraining(Work work, int batch) throws IOException {
      this.batch = batch;
      ModelFile model = ModelFile.read(work.model());
      int examples = Work.BATCHES * batch;
      float[] values = work.inputs(examples * model.inputSize());
      int size = batch * model.inputSize();
      for (int i = 0; i < inputs.length; i++) {
        inputs[i] = floats(Arrays.copyOfRange(values, i * size, (i + 1) * size), shape(model));
      }
      targets =
          model.isClasses()
              ? Targets.classes(work.targets(examples))
              : Targets.labels(work.targets(examples * model.outputSize()), examples);
      PeakMemory.start();
      network = new TorchNetwork(model, true);
      if (work.decaysWeights()) {
        addAdamW(Work.WEIGHT_DECAY, true);
        addAdamW(0, false);
      } else {
        optimizers.add(new Adam(network.parameters(), new AdamOptions(LEARNING_RATE)));
      }
    }

    /** AdamW on the matrices and kernels, or on the vectors: biases and what norms have. */
    private void addAdamW(double decay, boolean isWeights) {
      TensorVector parameters = new TensorVector();
      for (Tensor parameter : network.parameters().get()) {
        if (parameter.dim() > 1 == isWeights) {
          parameters.push_back(parameter);
        }
      }
      AdamWOptions options = new AdamWOptions(Work.SMALL_RATE);
      options.weight_decay().put(decay);
      optimizers.add(new AdamW(parameters, options));
    }

    @Override
    public void steps(int count, long[] nanos, double[] losses) {
      for (int i = 0; i < count; i++) {
        final long before = System.nanoTime();
        int at = step++ % Work.BATCHES;
        try (PointerScope scope = new PointerScope()) {
          Tensor loss = targets.loss(network.forward(inputs[at]), (long) at * batch, batch);
          loss.backward();
          for (Optimizer optimizer : optimizers) {
            optimizer.step();
            optimizer.zero_grad();
          }
          losses[i] = loss.item_float();
        }
        nanos[i] = System.nanoTime() - before;
      }
    }

    @Override
    public void close() {
      optimizers.forEach(Optimizer::close);
    }
  }
}
