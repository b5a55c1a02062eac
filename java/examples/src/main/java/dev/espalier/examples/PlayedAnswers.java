// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** The answers of a pool that were asked for so far; of classes, an example has one. */
final class PlayedAnswers {
  private final Dataset pool;
  private final Target target;
  private final List<String> labels;
  private final float[][] truth;
  private final float[][] answers;

  PlayedAnswers(Dataset pool) {
    this.pool = pool;
    target = pool.targets().get(0);
    labels = target.isClasses() ? List.of(target.task()) : target.names();
    truth = new float[pool.size()][];
    answers = new float[pool.size()][labels.size()];
    for (int i = 0; i < truth.length; i++) {
      truth[i] = Datasets.target(pool, target.task(), i);
      Arrays.fill(answers[i], Float.NaN);
    }
  }

  int questions() {
    return labels.size();
  }

  int size() {
    return truth.length;
  }

  void answer(int example, String label) {
    int j = labels.indexOf(label);
    answers[example][j] = truth[example][j];
  }

  void answerAll(int example) {
    answers[example] = truth[example].clone();
  }

  /** Answers all, some of them wrong; returns which. */
  boolean[][] answerWithMistakes(double share, Random random) {
    boolean[][] isWrong = new boolean[size()][labels.size()];
    int classes = target.names().size();
    for (int i = 0; i < size(); i++) {
      for (int j = 0; j < labels.size(); j++) {
        isWrong[i][j] = random.nextDouble() < share;
        float right = truth[i][j];
        float wrong =
            target.isClasses() ? (right + 1 + random.nextInt(classes - 1)) % classes : 1 - right;
        answers[i][j] = isWrong[i][j] ? wrong : right;
      }
    }
    return isWrong;
  }

  int indexOf(String label) {
    return labels.indexOf(label);
  }

  /** Blanks in random order: whole examples, or each by itself. */
  List<int[]> shuffledBlanks(boolean areExamples, Random random) {
    List<int[]> blanks = new ArrayList<>();
    for (int i = 0; i < size(); i++) {
      for (int j = 0; j < (areExamples ? 1 : labels.size()); j++) {
        if (Float.isNaN(answers[i][j])) {
          blanks.add(new int[] {i, j});
        }
      }
    }
    Collections.shuffle(blanks, random);
    return blanks;
  }

  void answer(int[] blank, boolean isExample) {
    if (isExample) {
      answerAll(blank[0]);
    } else {
      answer(blank[0], labels.get(blank[1]));
    }
  }

  /** The pool as far as it is answered. */
  Dataset dataset() {
    Dataset inputs = Datasets.withoutTargets(pool);
    if (!target.isClasses()) {
      return Datasets.withTargets(inputs, target.task(), target.names(), answers);
    }
    int[] classes = new int[size()];
    Arrays.setAll(classes, i -> Float.isNaN(answers[i][0]) ? -1 : (int) answers[i][0]);
    return Datasets.withClasses(inputs, target.task(), target.names(), classes);
  }

  /** Those examples of it that have an answer. */
  Dataset labelled() {
    int[] examples =
        IntStream.range(0, size())
            .filter(i -> IntStream.range(0, questions()).anyMatch(j -> !Float.isNaN(answers[i][j])))
            .toArray();
    return Datasets.subset(dataset(), examples);
  }
}
