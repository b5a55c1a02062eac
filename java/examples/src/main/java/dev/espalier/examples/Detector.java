// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Head;
import dev.espalier.HeadLayers;
import dev.espalier.ImportOptions;
import dev.espalier.Network;
import dev.espalier.ParameterSummary;
import dev.espalier.Shape;
import java.nio.file.Path;
import java.util.Random;

/**
 * The trunk of a published detector of things: an SSD MobileNetV2 that was trained on Open Images
 * and finds 24 kinds of things, people, chairs and cups among them (Apache-2.0, of MediaPipe's
 * Objectron). It wants values from -1 to 1.
 */
final class Detector implements AutoCloseable {
  /** Where it may be cut off, from the bottom up. */
  static final String[] CUTS = {
    "expanded_conv_9/add", "expanded_conv_12/add", "expanded_conv_15/add", "Conv_1/Relu6"
  };

  static final float BLACK = -1;
  static final float WHITE = 1;

  private static final String PREFIX = "FeatureExtractor/MobilenetV2/";
  private static final String INPUT = "normalized_input_image_tensor";
  private static final String POOL = "pool";

  private final Network trunk;
  private final String top;

  private Detector(Network trunk, String cut) {
    this.trunk = trunk;
    top = (PREFIX + cut).replace('/', '.');
  }

  /** Reads it up to a layer, for pictures of another size than it was trained with. */
  static Detector upTo(String cut, Path model, Shape pictures) {
    return new Detector(
        Network.importTflite(
            model, ImportOptions.defaults().outputs(PREFIX + cut).inputShape(INPUT, pictures)),
        cut);
  }

  /** The same trunk with weights that know nothing: He's, in each layer of its own variance. */
  Detector randomized(long seed) {
    Network random = trunk.copy();
    Random numbers = new Random(seed);
    for (ParameterSummary parameter : trunk.parameters()) {
      int[] dimensions = parameter.shape().dims();
      float[] values = new float[parameter.shape().size()];
      double deviation = Math.sqrt(2.0 * dimensions[0] / values.length);
      for (int i = 0; dimensions.length > 1 && i < values.length; i++) {
        values[i] = (float) (deviation * numbers.nextGaussian());
      }
      random.setParameter(parameter.path(), values);
    }
    return new Detector(random, top.substring(PREFIX.length()));
  }

  /** A yes or no for each label, from the means over the picture of the trunk's channels. */
  Network withHead(String task, String[] labels, long seed) {
    Head head = Head.layers(h -> onMeans(h.globalAveragePool2d(POOL))).labels(labels);
    return trunk.transfer().freezeThrough(top).head(task, head).build(seed);
  }

  /** What a head does to features. */
  static HeadLayers onMeans(HeadLayers layers) {
    return layers.layerNorm();
  }

  /** The layer of a network of {@link #withHead} that makes its features. */
  static String features(String task) {
    return "heads." + task + "." + POOL;
  }

  /** The network, up to where it is cut off. */
  Network trunk() {
    return trunk;
  }

  @Override
  public void close() {
    trunk.close();
  }
}
