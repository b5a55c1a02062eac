// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Shape;
import dev.espalier.data.PictureFit;
import dev.espalier.data.PictureReader;
import dev.espalier.data.PictureScaling;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How pictures become inputs of a network. */
final class PictureSettings {
  private static final float[] IMAGENET_MEAN = {0.485f, 0.456f, 0.406f};
  private static final float[] IMAGENET_DEVIATION = {0.229f, 0.224f, 0.225f};

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--size",
      paramLabel = "PIXELS",
      description = "Height and width of pictures as the network sees them, if not its own size.")
  private Integer size;

  @Option(
      names = "--value-range",
      split = ",",
      arity = "1",
      paramLabel = "NUMBER",
      description =
          "Values of black and white that the backbone was trained with: --value-range 0,1."
              + " Default: what its model file says; -1,1 for TensorFlow Lite.")
  private List<Float> range = List.of();

  @Option(
      names = "--normalize",
      split = ",",
      arity = "1",
      paramLabel = "NUMBER",
      description =
          "Means, then standard deviations, of the channels' values from 0 to 1. Default for ONNX:"
              + " those of ImageNet, 0.485,0.456,0.406,0.229,0.224,0.225.")
  private List<Float> normalization = List.of();

  @Option(
      names = "--fit",
      description = "For pictures of another ratio: ${COMPLETION-CANDIDATES}. Default: STRETCH.")
  private PictureFit fit;

  @Option(
      names = "--scaling",
      description = "How other sizes are made: ${COMPLETION-CANDIDATES}. Default: BILINEAR.")
  private PictureScaling scaling;

  @Option(
      names = "--skip-broken",
      paramLabel = "COUNT",
      description = "Leaves out broken pictures, at most so many. Default: ${DEFAULT-VALUE}.")
  private int skipBroken;

  Integer size() {
    if (size != null && size < 1) {
      throw usage("--size: expected at least 1, got " + size);
    }
    return size;
  }

  int skipBroken() {
    return skipBroken;
  }

  /** Returns a reader for networks from scratch: values from -1 to 1 unless said otherwise. */
  PictureReader reader(Shape shape) {
    return changed(PictureReader.of(shape).valueRange(-1, 1));
  }

  /** Returns a reader for a backbone of a file of some format. */
  PictureReader reader(ModelFormat format, dev.espalier.Network backbone) {
    if (backbone.metadata().containsKey(PictureReader.METADATA_KEY)) {
      return changed(PictureReader.of(backbone));
    }
    PictureReader reader = PictureReader.of(backbone.inputShape());
    boolean isColor = backbone.inputShape().dims()[0] == IMAGENET_MEAN.length;
    return changed(
        switch (format) {
          case TFLITE -> reader.valueRange(-1, 1);
          case ONNX -> isColor ? reader.normalize(IMAGENET_MEAN, IMAGENET_DEVIATION) : reader;
          case ESPALIER -> reader;
        });
  }

  private PictureReader changed(PictureReader reader) {
    PictureReader changed = fit == null ? reader : reader.fit(fit);
    changed = scaling == null ? changed : changed.scaling(scaling);
    if (!range.isEmpty() && !normalization.isEmpty()) {
      throw usage("expected --value-range or --normalize, got both");
    }
    if (!range.isEmpty()) {
      require("--value-range", 2, range);
      changed = changed.valueRange(range.get(0), range.get(1));
    }
    if (!normalization.isEmpty()) {
      int channels = reader.inputShape().dims()[0];
      require("--normalize", 2 * channels, normalization);
      changed =
          changed.normalize(
              floats(normalization.subList(0, channels)),
              floats(normalization.subList(channels, 2 * channels)));
    }
    return changed;
  }

  private void require(String option, int count, List<Float> numbers) {
    if (numbers.size() != count) {
      throw usage(option + ": expected " + count + " numbers, got " + numbers);
    }
  }

  private static float[] floats(List<Float> numbers) {
    float[] all = new float[numbers.size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = numbers.get(i);
    }
    return all;
  }

  private ParameterException usage(String message) {
    return new ParameterException(command.commandLine(), message);
  }
}
