// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.AdamW;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.History;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Schedule;
import dev.espalier.Shape;
import dev.espalier.Trainer;
import java.util.Arrays;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** Section 1: the network that everything else is grafted on. */
final class Pretraining {
  private static final int BATCH_SIZE = 128;
  private static final double PEAK_RATE = 3e-3;

  private Pretraining() {}

  /** A small convolutional network for pictures of 28 × 28, without a head. */
  static NetworkBuilder backbone() {
    return Network.builder(Shape.image(1, 28, 28))
        .normalize(FashionMnist.MEAN, FashionMnist.STANDARD_DEVIATION)
        .conv2d("conv1", 32, 3)
        .relu()
        .maxPool2d(2)
        .conv2d("conv2", 64, 3)
        .relu()
        .maxPool2d(2)
        .dense("features", 128)
        .relu();
  }

  /** A network and how its training went. */
  record Result(Network network, History history) {}

  /** Trains on those classes that {@code chosen} accepts. */
  static Result run(FashionMnist data, IntPredicate chosen, int epochs, long seed, String title) {
    Dataset training =
        only(Datasets.range(data.training(), 0, FashionMnist.PRETRAINING_END), chosen);
    Dataset validation =
        only(
            Datasets.range(
                data.training(),
                FashionMnist.PRETRAINING_END,
                FashionMnist.PRETRAINING_VALIDATION_END),
            chosen);
    Network network =
        backbone()
            .head("garment", Head.classes(FashionMnist.CLASSES.toArray(String[]::new)))
            .build(seed);
    long stepsPerEpoch = (training.size() + BATCH_SIZE - 1) / BATCH_SIZE;
    try (Progress progress = new Progress(title, stepsPerEpoch * epochs)) {
      History history =
          Trainer.of(network)
              .optimizer(AdamW.withLearningRate(PEAK_RATE))
              .schedule(Schedule.oneCycle())
              .batchSize(BATCH_SIZE)
              .epochs(epochs)
              .seed(seed)
              .validation(validation)
              .listener(progress)
              .fit(training);
      return new Result(network, history);
    }
  }

  /** The examples whose class is accepted. */
  static Dataset only(Dataset data, IntPredicate chosen) {
    int[] classes = FashionMnist.classes(data);
    return Datasets.subset(
        data, IntStream.range(0, classes.length).filter(i -> chosen.test(classes[i])).toArray());
  }

  /** All classes but some. */
  static IntPredicate except(int... classes) {
    return garment -> Arrays.stream(classes).noneMatch(c -> c == garment);
  }
}
