// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Data sets one after the other. */
final class ConcatDataset implements Dataset {
  private final List<Dataset> parts;
  private final int[] starts;
  private final List<Map<String, Target>> partTargets;
  private final List<Target> targets;

  ConcatDataset(List<Dataset> parts) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("parts: expected at least one data set, got none");
    }
    this.parts = parts;
    starts = new int[parts.size() + 1];
    Map<String, Target> all = new LinkedHashMap<>();
    partTargets = parts.stream().map(ConcatDataset::byTask).toList();
    for (int p = 0; p < parts.size(); p++) {
      Dataset part = parts.get(p);
      if (!part.inputShape().equals(parts.get(0).inputShape())) {
        throw new ShapeException(
            "parts: expected inputs "
                + parts.get(0).inputShape()
                + ", got "
                + part.inputShape()
                + " in part "
                + p);
      }
      starts[p + 1] = Math.addExact(starts[p], part.size());
      for (Target target : part.targets()) {
        Target former = all.putIfAbsent(target.task(), target);
        if (former != null && !former.equals(target)) {
          throw new ShapeException(
              "parts: expected " + former + ", got " + target + " in part " + p);
        }
      }
    }
    targets = List.copyOf(all.values());
  }

  private static Map<String, Target> byTask(Dataset part) {
    Map<String, Target> targets = new LinkedHashMap<>();
    part.targets().forEach(target -> targets.put(target.task(), target));
    return targets;
  }

  @Override
  public int size() {
    return starts[parts.size()];
  }

  @Override
  public Shape inputShape() {
    return parts.get(0).inputShape();
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    int p = part(index);
    parts.get(p).readInput(index - starts[p], destination, offset);
  }

  @Override
  public List<Target> targets() {
    return targets;
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    int p = part(index);
    return partTargets.get(p).containsKey(task)
        && parts.get(p).readTarget(task, index - starts[p], destination, offset);
  }

  @Override
  public boolean isStable() {
    return parts.stream().allMatch(Dataset::isStable);
  }

  @Override
  public Dataset atEpoch(int epoch) {
    List<Dataset> others = parts.stream().map(part -> part.atEpoch(epoch)).toList();
    return others.equals(parts) ? this : new ConcatDataset(others);
  }

  @Override
  public String toString() {
    return "data set of " + size() + " examples " + inputShape() + ", " + targets;
  }

  private int part(int index) {
    Arguments.index("index", index, size());
    int p = 0;
    while (index >= starts[p + 1]) {
      p++;
    }
    return p;
  }
}
