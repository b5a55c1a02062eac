// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.LayerOptions;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Shape;
import dev.espalier.data.Table;
import dev.espalier.data.TableInputs;
import java.io.PrintWriter;
import java.util.List;

/** Networks that nobody trained: dense layers for rows, convolutions for pictures. */
final class ScratchNetwork {
  private static final int USUAL_SIZE = 64;
  private static final int MOST_CONVOLUTIONS = 4;
  private static final int FIRST_CHANNELS = 16;
  private static final int LEAST_SIDE = 4;

  private ScratchNetwork() {}

  /** Returns what makes inputs of examples; of rows, fitted to those to train on. */
  static InputReader inputs(
      Examples examples, Table training, PictureSettings pictures, PrintWriter messages) {
    return switch (examples.kind()) {
      case ROWS -> new RowInputs(TableInputs.fit(training));
      case PICTURES -> {
        int size = pictures.size() == null ? USUAL_SIZE : pictures.size();
        yield new PictureInputs(
            pictures.reader(Shape.image(3, size, size)),
            examples,
            new PictureInputs.Limits(pictures.skipBroken(), messages));
      }
      case TEXTS ->
          throw new CommandFailure(
              "texts are learned by adapting a published network: espalier adapt");
    };
  }

  /**
   * Starts a network without heads.
   *
   * @param inputs a vector, or an image
   * @param hidden sizes of the dense layers of a vector
   * @param width what they, or the channels of an image, are multiplied by
   */
  static NetworkBuilder of(Shape inputs, List<Integer> hidden, int width) {
    NetworkBuilder builder = Network.builder(inputs);
    if (inputs.rank() == 1) {
      for (int units : hidden) {
        builder.dense("", Math.multiplyExact(units, width)).relu();
      }
      return builder;
    }
    int side = inputs.dims()[1];
    int channels = FIRST_CHANNELS * width;
    for (int i = 0; i < MOST_CONVOLUTIONS && side >= LEAST_SIDE; i++) {
      builder.conv2d("", channels, 3, LayerOptions.defaults().stride(2).same()).batchNorm().relu();
      channels *= 2;
      side = (side + 1) / 2;
    }
    return builder.globalAveragePool2d();
  }
}
