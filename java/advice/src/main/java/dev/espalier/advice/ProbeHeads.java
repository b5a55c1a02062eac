// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.AdamW;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Schedule;
import dev.espalier.Shape;
import dev.espalier.Split;
import dev.espalier.Trainer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Linear heads on features: what a network with a frozen trunk would say, trained on some examples.
 * A label that these don't answer both ways is given its share of yeses, (yes + 1)/(known + 2).
 *
 * <p>Rate, decay and steps: those of the least log loss and the greatest AUC from 20, 60 and 200
 * examples of the three data sets in docs/advice.md (decision 0025).
 */
final class ProbeHeads {
  private static final double RATE = 1e-2;
  private static final double MOST_DECAY = 3;
  private static final double DECAY_OF_EXAMPLES = 200; // divided by their number
  private static final int BATCH_SIZE = 64;
  private static final long LEAST_STEPS = 200;
  private static final long MOST_STEPS = 5000;
  private static final int EPOCHS = 50;
  private static final int PLACES = 1 << 16;
  private static final String TASK = "probe";

  private final int size;
  private final boolean isClasses;
  private final float[][] answers;
  private final Dataset features;

  ProbeHeads(AnsweredFeatures known) {
    this(known, known.isClasses(), known.answers());
  }

  /** Heads for other answers to the same examples. */
  ProbeHeads(AnsweredFeatures known, boolean isClasses, float[][] answers) {
    this.isClasses = isClasses;
    this.answers = answers;
    size = known.size();
    features = Datasets.of(known.features(), Shape.vector(known.width()));
  }

  /**
   * Trains on some examples, and asks about some.
   *
   * @return [asked.length][labels]
   */
  float[][] probabilities(int[] examples, int[] asked, long seed) {
    int labels = answers[0].length;
    float[] priors = new float[labels];
    int[] trained = bothWays(examples, priors);
    float[][] probabilities = new float[asked.length][];
    Arrays.setAll(probabilities, k -> priors.clone());
    if (trained.length == 0 || asked.length == 0) {
      return probabilities;
    }
    String[] names = Arrays.stream(trained).mapToObj(Integer::toString).toArray(String[]::new);
    Head head = isClasses ? Head.classes(names) : Head.labels(names);
    try (Network network = Network.builder(features.inputShape()).head(TASK, head).build(seed)) {
      Dataset data = training(examples, trained);
      network.initializeBias(TASK, data);
      Trainer.of(network)
          .optimizer(
              AdamW.withLearningRate(RATE)
                  .weightDecay(Math.min(MOST_DECAY, DECAY_OF_EXAMPLES / data.size())))
          .schedule(Schedule.cosine())
          .batchSize(BATCH_SIZE)
          .steps(steps(data.size()))
          .seed(seed)
          .fit(data);
      try (Predictor predictor = network.predictor()) {
        float[][] said = predictor.predict(Datasets.subset(features, asked));
        for (int k = 0; k < asked.length; k++) {
          double others = IntStream.of(trained).mapToDouble(j -> priors[j]).sum();
          for (int t = 0; t < trained.length; t++) {
            // Classes that the examples lack keep their share, the others have the rest.
            double share = isClasses ? others : 1;
            probabilities[k][trained[t]] = (float) (share * said[k][t]);
          }
        }
      }
    }
    return probabilities;
  }

  /**
   * Asks about examples heads that were trained on others of them.
   *
   * @param examples those with answers
   * @return [size][labels]; null for the other examples, and for all where there are fewer than two
   */
  float[][] crossFitted(int[] examples, int folds, long seed) {
    float[][] probabilities = new float[size][];
    if (examples.length < 2) {
      return probabilities;
    }
    List<Split> splits =
        Datasets.foldsStratified(places(examples), Math.min(folds, examples.length), seed);
    for (Split split : splits) {
      int[] heldOut = read(split.second(), examples);
      float[][] said = probabilities(read(split.first(), examples), heldOut, seed);
      for (int k = 0; k < heldOut.length; k++) {
        probabilities[heldOut[k]] = said[k];
      }
    }
    return probabilities;
  }

  /** A data set whose input is an example's place among those given: folds of it tell places. */
  private Dataset places(int[] examples) {
    float[] places = new float[2 * examples.length]; // in two parts that a float holds exactly
    for (int k = 0; k < examples.length; k++) {
      places[2 * k] = k / PLACES;
      places[2 * k + 1] = k % PLACES;
    }
    float[][] targets = new float[examples.length][];
    Arrays.setAll(targets, k -> answers[examples[k]]);
    return Datasets.of(places, Shape.vector(2), targets);
  }

  private static int[] read(Dataset places, int[] examples) {
    int[] read = new int[places.size()];
    for (int k = 0; k < read.length; k++) {
      float[] place = Datasets.input(places, k);
      read[k] = examples[(int) place[0] * PLACES + (int) place[1]];
    }
    return read;
  }

  /** Returns the labels that are answered yes and no, or the classes that occur; fills priors. */
  private int[] bothWays(int[] examples, float[] priors) {
    int labels = answers[0].length;
    int[] yes = new int[labels];
    int[] known = new int[labels];
    for (int i : examples) {
      for (int j = 0; j < labels; j++) {
        if (!Float.isNaN(answers[i][j])) {
          known[j]++;
          yes[j] += answers[i][j] >= 0.5f ? 1 : 0;
        }
      }
    }
    for (int j = 0; j < labels; j++) {
      priors[j] = (yes[j] + 1f) / (known[j] + (isClasses ? labels : 2));
    }
    int[] trained =
        IntStream.range(0, labels)
            .filter(j -> yes[j] > 0 && (isClasses || yes[j] < known[j]))
            .toArray();
    return isClasses && trained.length < 2 ? new int[0] : trained;
  }

  private Dataset training(int[] examples, int[] trained) {
    Dataset inputs = Datasets.subset(features, examples);
    if (isClasses) {
      int[] classes = new int[examples.length];
      for (int k = 0; k < classes.length; k++) {
        classes[k] = -1;
        for (int t = 0; t < trained.length; t++) {
          if (answers[examples[k]][trained[t]] == 1) {
            classes[k] = t;
          }
        }
      }
      return Datasets.withClasses(inputs, TASK, classes);
    }
    float[][] targets = new float[examples.length][trained.length];
    for (int k = 0; k < targets.length; k++) {
      for (int t = 0; t < trained.length; t++) {
        targets[k][t] = answers[examples[k]][trained[t]];
      }
    }
    return Datasets.withTargets(inputs, TASK, targets);
  }

  private static long steps(int examples) {
    long ofEpochs = (long) EPOCHS * ((examples + BATCH_SIZE - 1) / BATCH_SIZE);
    return Math.min(MOST_STEPS, Math.max(LEAST_STEPS, ofEpochs));
  }
}
