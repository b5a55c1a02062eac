// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.dl4j;

import dev.espalier.bench.Contender;
import dev.espalier.bench.ModelFile;
import dev.espalier.bench.Work;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/** Deeplearning4j's MultiLayerNetwork on the networks without branches. */
public final class Dl4jContender implements Contender {
  /** Makes the contender; the name does not matter. */
  public Dl4jContender(String name) {}

  @Override
  public String version() {
    return "Deeplearning4j 1.0.0-M2.1, " + Nd4j.getBackend().getClass().getSimpleName();
  }

  @Override
  public void threads(int count) {
    Nd4j.getEnvironment().setMaxThreads(count);
    Nd4j.getEnvironment().setMaxMasterThreads(count);
  }

  @Override
  public Prediction prediction(Work work, int batch) throws IOException {
    ModelFile model = ModelFile.read(work.model());
    INDArray input = Nd4j.createFromArray(work.inputs(batch * model.inputSize()));
    return new ArrayPrediction(
        network(model, work.isLogits()), input.reshape(shape(model, batch)), model, batch);
  }

  @Override
  public Training training(Work work, int batch) throws IOException {
    ModelFile model = ModelFile.read(work.model());
    return new DataSetTraining(network(model, false), work, model, batch);
  }

  private static int[] shape(ModelFile model, int batch) {
    int[] one = model.inputShape();
    int[] shape = new int[one.length + 1];
    shape[0] = batch;
    System.arraycopy(one, 0, shape, 1, one.length);
    return shape;
  }

  private static MultiLayerNetwork network(ModelFile model, boolean isLogits) {
    NeuralNetConfiguration.ListBuilder list =
        new NeuralNetConfiguration.Builder().updater(new Adam(1e-3)).seed(1).list();
    int count = model.layers().size();
    for (int i = 0; i < count; i++) {
      ModelFile.Layer layer = model.layers().get(i);
      boolean isRelu = i + 1 < count && model.layers().get(i + 1).kind().equals("relu");
      Activation activation = isRelu ? Activation.RELU : Activation.IDENTITY;
      switch (layer.kind()) {
        case "conv2d" ->
            list.layer(
                new ConvolutionLayer.Builder(ints(layer.pair("kernel")))
                    .stride(ints(layer.pair("stride")))
                    .convolutionMode(ConvolutionMode.Same)
                    .nOut(layer.output()[0])
                    .activation(activation)
                    .build());
        case "max_pool2d" ->
            list.layer(
                new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
                    .kernelSize(ints(layer.pair("window")))
                    .stride(ints(layer.pair("stride")))
                    .build());
        case "dense" -> {
          if (i + 1 < count) {
            list.layer(
                new DenseLayer.Builder().nOut(layer.output()[0]).activation(activation).build());
          } else {
            list.layer(output(model, layer, isLogits));
          }
        }
        case "relu", "flatten" -> {} // part of the layer before, or done by the next
        default -> throw new UnsupportedOperationException("no layer for " + layer.kind());
      }
    }
    int[] input = model.inputShape();
    list.setInputType(
        input.length == 3
            ? InputType.convolutional(input[1], input[2], input[0])
            : InputType.feedForward(input[0]));
    MultiLayerConfiguration configuration = list.build();
    MultiLayerNetwork network = new MultiLayerNetwork(configuration);
    network.init();
    setParameters(network, model);
    return network;
  }

  private static OutputLayer output(ModelFile model, ModelFile.Layer layer, boolean isLogits) {
    boolean isClasses = model.isClasses();
    Activation activation = isClasses ? Activation.SOFTMAX : Activation.SIGMOID;
    LossFunctions.LossFunction loss =
        isClasses ? LossFunctions.LossFunction.MCXENT : LossFunctions.LossFunction.XENT;
    return new OutputLayer.Builder(isLogits ? LossFunctions.LossFunction.MSE : loss)
        .nOut(layer.output()[0])
        .activation(isLogits ? Activation.IDENTITY : activation)
        .build();
  }

  private static void setParameters(MultiLayerNetwork network, ModelFile model) {
    int at = 0;
    for (ModelFile.Layer layer : model.layers()) {
      if (layer.kind().equals("max_pool2d")) {
        at++;
      } else if (layer.kind().equals("conv2d") || layer.kind().equals("dense")) {
        ModelFile.Tensor weight = model.tensor(layer.name() + ".weight");
        INDArray values = Nd4j.createFromArray(weight.values()).reshape(weight.shape());
        boolean isDense = layer.kind().equals("dense"); // [in, out] there
        network.setParam(at + "_W", isDense ? values.transpose() : values);
        float[] bias = model.tensor(layer.name() + ".bias").values();
        network.setParam(at + "_b", Nd4j.createFromArray(bias).reshape(1, bias.length));
        at++;
      }
    }
  }

  private static int[] ints(long[] values) {
    return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
  }

  /** From one array to a Java buffer. */
  private static final class ArrayPrediction implements Prediction {
    private final MultiLayerNetwork network;
    private final INDArray input;
    private final float[] outputs;

    ArrayPrediction(MultiLayerNetwork network, INDArray input, ModelFile model, int batch) {
      this.network = network;
      this.input = input;
      outputs = new float[batch * model.outputSize()];
    }

    @Override
    public void run() {
      INDArray output = network.output(input, false);
      FloatBuffer values = output.data().pointer().asByteBuffer().asFloatBuffer();
      if (output.ordering() == 'c') {
        values.get(outputs);
      } else {
        INDArray rows = output.dup('c');
        System.arraycopy(rows.data().asFloat(), 0, outputs, 0, outputs.length);
      }
    }

    @Override
    public float[] outputs() {
      return outputs.clone();
    }

    @Override
    public void close() {
      network.clear();
    }
  }

  /** Steps by {@code fit} on data sets made once. */
  private static final class DataSetTraining implements Training {
    private final MultiLayerNetwork network;
    private final DataSet[] batches = new DataSet[Work.BATCHES];
    private int step;

    DataSetTraining(MultiLayerNetwork network, Work work, ModelFile model, int batch)
        throws IOException {
      this.network = network;
      int inputSize = model.inputSize();
      int width = model.outputSize();
      boolean isClasses = model.isClasses();
      float[] inputs = work.inputs(Work.BATCHES * batch * inputSize);
      float[] targets = work.targets(Work.BATCHES * batch * (isClasses ? 1 : width));
      for (int b = 0; b < batches.length; b++) {
        float[] part =
            Arrays.copyOfRange(inputs, b * batch * inputSize, (b + 1) * batch * inputSize);
        float[] labels = new float[batch * width];
        float[] mask = new float[batch * width];
        for (int i = 0; i < labels.length; i++) {
          int row = b * batch + i / width;
          float target = targets[isClasses ? row : row * width + i % width];
          mask[i] = Float.isNaN(target) ? 0 : 1;
          if (isClasses) {
            labels[i] = i % width == (int) target ? 1 : 0;
          } else {
            labels[i] = Float.isNaN(target) ? 0 : target;
          }
        }
        INDArray x = Nd4j.createFromArray(part).reshape(shape(model, batch));
        INDArray y = Nd4j.createFromArray(labels).reshape(batch, width);
        INDArray known = Nd4j.createFromArray(mask).reshape(batch, width);
        batches[b] = new DataSet(x, y, null, isClasses ? null : known);
      }
    }

    @Override
    public void steps(int count, long[] nanos, double[] losses) {
      for (int i = 0; i < count; i++) {
        final long before = System.nanoTime();
        network.fit(batches[step++ % Work.BATCHES]);
        losses[i] = network.score();
        nanos[i] = System.nanoTime() - before;
      }
    }

    @Override
    public void close() {
      network.clear();
    }
  }
}
