// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Data sets of the same examples, each with other inputs of a network. */
final class JoinedDataset extends DescribedDataset {
  private final List<Dataset> parts;
  private final List<Input> inputs;
  private final Shape shape;
  private final List<Target> targets;
  private final Map<String, Dataset> partOfTask = new LinkedHashMap<>();

  JoinedDataset(List<Dataset> parts) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("parts: expected at least one data set, got none");
    }
    this.parts = parts;
    List<Input> inputs = new ArrayList<>();
    List<Target> targets = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Dataset part : parts) {
      if (part.size() != parts.get(0).size()) {
        throw new ShapeException(
            "parts: expected "
                + parts.get(0).size()
                + " examples, got "
                + part.size()
                + " of "
                + part);
      }
      if (part.inputs().isEmpty()) {
        throw new IllegalArgumentException(
            "parts: expected inputs with names (InputDatasets.named), got " + part);
      }
      for (Input input : part.inputs()) {
        if (!names.add(input.name())) {
          throw new IllegalArgumentException(
              "parts: expected each input once, got \"" + input.name() + "\" again");
        }
        inputs.add(input);
      }
      for (Target target : part.targets()) {
        if (partOfTask.put(target.task(), part) != null) {
          throw new IllegalArgumentException(
              "parts: expected each task once, got " + target + " again");
        }
        targets.add(target);
      }
    }
    this.inputs = List.copyOf(inputs);
    this.targets = List.copyOf(targets);
    shape = NetworkInputs.of(this.inputs).shape();
  }

  @Override
  String origin() {
    return parts.stream()
        .map(DescribedDataset::origin)
        .collect(Collectors.joining(" and ", inputs.size() + " inputs: ", ""));
  }

  @Override
  public int size() {
    return parts.get(0).size();
  }

  @Override
  public List<Input> inputs() {
    return inputs;
  }

  @Override
  public Shape inputShape() {
    return shape;
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    Arguments.index("index", index, size());
    int place = offset;
    for (Dataset part : parts) {
      part.readInput(index, destination, place);
      place += part.inputShape().size();
    }
  }

  @Override
  public List<Target> targets() {
    return targets;
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    Dataset part = partOfTask.get(task);
    if (part == null) {
      DerivedDataset.find(this, task);
      return false;
    }
    return part.readTarget(task, index, destination, offset);
  }

  @Override
  public boolean isStable() {
    return parts.stream().allMatch(Dataset::isStable);
  }

  @Override
  public void expect(int[] examples) {
    parts.forEach(part -> part.expect(examples));
  }

  @Override
  public Dataset atEpoch(int epoch) {
    List<Dataset> views = parts.stream().map(part -> DataForm.view(part, epoch)).toList();
    return views.equals(parts) ? this : new JoinedDataset(views);
  }
}
