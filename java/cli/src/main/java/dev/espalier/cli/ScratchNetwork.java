// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Input;
import dev.espalier.LayerOptions;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Shape;
import dev.espalier.TokenPooling;
import dev.espalier.data.ColumnRole;
import dev.espalier.data.Table;
import dev.espalier.data.TableColumn;
import dev.espalier.data.TableInputs;
import dev.espalier.text.TextInputs;
import dev.espalier.text.Tokenizer;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/**
 * Networks that nobody trained: dense layers for rows, convolutions for pictures, the mean of
 * words' vectors for texts.
 */
final class ScratchNetwork {
  private static final int WORD_WIDTH = 64;
  private static final String IDS = "ids";
  private static final String LENGTH = "length";
  private static final int USUAL_SIZE = 64;
  private static final int MOST_CONVOLUTIONS = 4;
  private static final int FIRST_CHANNELS = 16;
  private static final int LEAST_SIDE = 4;

  private ScratchNetwork() {}

  /** Returns what makes inputs of examples; of rows and texts, fitted to those to train on. */
  static InputReader inputs(
      Examples examples, Table training, ScratchOptions options, PrintWriter messages) {
    return switch (examples.kind()) {
      case ROWS -> {
        for (TableColumn column : training.columns()) {
          if (column.role() == ColumnRole.TEXT) {
            messages.printf(
                "column \"%s\" has texts, which rows leave out; --text %s learns from them alone%n",
                column.name(), column.name());
          }
        }
        yield new RowInputs(TableInputs.fit(training));
      }
      case PICTURES -> {
        PictureSettings pictures = options.pictures();
        int size = pictures.size() == null ? USUAL_SIZE : pictures.size();
        yield new PictureInputs(
            pictures.reader(Shape.image(3, size, size)),
            examples,
            new PictureInputs.Limits(pictures.skipBroken(), messages));
      }
      case TEXTS -> {
        byte[] json =
            options.tokenizer() == null
                ? WordTokenizer.json(training.texts(examples.column()))
                : TextSettings.read(options.tokenizer());
        List<Input> places =
            List.of(
                Input.integers(IDS, Shape.vector(options.tokens())),
                Input.integers(LENGTH, Shape.vector(1)));
        TextInputs inputs = TextInputs.of(Tokenizer.load(json), places);
        messages.printf(
            Locale.ROOT,
            "%,d tokens in the tokenizer; %d are read of a text%n",
            inputs.tokenizer().vocabularySize(),
            options.tokens());
        yield new TextExamples(inputs, examples.column(), json);
      }
    };
  }

  /**
   * Starts a network without heads.
   *
   * @param inputs of the network: a vector, an image, or texts
   * @param hidden sizes of the dense layers of a vector
   * @param width what they, the channels of an image, or the width of words, are multiplied by
   */
  static NetworkBuilder of(InputReader inputs, List<Integer> hidden, int width) {
    if (inputs instanceof TextExamples texts) {
      return Network.builder(texts.inputs().inputs().toArray(Input[]::new))
          .embedding(
              "words",
              texts.inputs().tokenizer().vocabularySize(),
              Math.multiplyExact(WORD_WIDTH, width),
              LayerOptions.defaults())
          .tokenPool("mean", TokenPooling.MEAN, "words", LENGTH);
    }
    Shape shape = inputs.shape();
    NetworkBuilder builder = Network.builder(shape);
    if (shape.rank() == 1) {
      for (int units : hidden) {
        builder.dense("", Math.multiplyExact(units, width)).relu();
      }
      return builder;
    }
    int side = shape.dims()[1];
    int channels = FIRST_CHANNELS * width;
    for (int i = 0; i < MOST_CONVOLUTIONS && side >= LEAST_SIDE; i++) {
      builder.conv2d("", channels, 3, LayerOptions.defaults().stride(2).same()).batchNorm().relu();
      channels *= 2;
      side = (side + 1) / 2;
    }
    return builder.globalAveragePool2d();
  }
}
