// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Input;
import dev.espalier.Shape;
import dev.espalier.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Answers to some questions alone, of those examples that answer any of them. */
final class QuestionsDataset implements Dataset {
  private final Dataset base;
  private final List<Part> parts;

  /** What is left of a target. */
  private record Part(Target whole, Target left, int[] columns) {}

  private QuestionsDataset(Dataset base, List<Part> parts) {
    this.base = base;
    this.parts = parts;
  }

  /**
   * Returns the view.
   *
   * @param data with a target for each task
   */
  static Dataset of(Dataset data, List<Question> questions) {
    List<Part> parts = new ArrayList<>();
    for (Target target : data.targets()) {
      List<Question> ofTask =
          questions.stream()
              .filter(question -> question.task().name().equals(target.task()))
              .toList();
      if (target.isClasses() && !ofTask.isEmpty()) {
        parts.add(new Part(target, target, new int[] {0}));
      } else if (!ofTask.isEmpty()) {
        List<String> names = ofTask.stream().map(Question::name).toList();
        int[] columns = names.stream().mapToInt(name -> place(target, name)).toArray();
        parts.add(new Part(target, Target.numbers(target.task(), names), columns));
      }
    }
    float[][] answers = Question.answers(questions, data);
    int[] known = IntStream.range(0, answers.length).filter(i -> isAnyKnown(answers[i])).toArray();
    return new QuestionsDataset(Datasets.subset(data, known), List.copyOf(parts));
  }

  private static int place(Target target, String name) {
    return target.names().isEmpty() ? Integer.parseInt(name) : target.names().indexOf(name);
  }

  private static boolean isAnyKnown(float[] answers) {
    for (float answer : answers) {
      if (!Float.isNaN(answer)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public int size() {
    return base.size();
  }

  @Override
  public Shape inputShape() {
    return base.inputShape();
  }

  @Override
  public List<Input> inputs() {
    return base.inputs();
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    base.readInput(index, destination, offset);
  }

  @Override
  public List<Target> targets() {
    return parts.stream().map(Part::left).toList();
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    for (Part part : parts) {
      if (part.left.task().equals(task)) {
        float[] row = new float[part.whole.isClasses() ? 1 : part.whole.width()];
        if (!base.readTarget(task, index, row, 0)) {
          return false;
        }
        for (int c = 0; c < part.columns.length; c++) {
          destination[offset + c] = row[part.columns[c]];
        }
        return true;
      }
    }
    return false;
  }

  @Override
  public boolean isStable() {
    return base.isStable();
  }

  @Override
  public void expect(int[] examples) {
    base.expect(examples);
  }

  @Override
  public Dataset atEpoch(int epoch) {
    Dataset other = base.atEpoch(epoch);
    return other == base ? this : new QuestionsDataset(other, parts);
  }

  @Override
  public String toString() {
    return size() + " examples with " + targets();
  }
}
