// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Data sets one after the other. */
final class ConcatDataset extends DescribedDataset {
  private final List<Dataset> parts;
  private final int[] starts;
  private final List<Map<String, Target>> partTargets;
  private final List<Map<String, NameOrder>> partOrders;
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
      if (!part.inputShape().equals(parts.get(0).inputShape())
          || !part.inputs().equals(parts.get(0).inputs())) {
        throw new ShapeException(
            "parts: expected inputs "
                + describeInputs(parts.get(0))
                + ", got "
                + describeInputs(part)
                + " in part "
                + p);
      }
      starts[p + 1] = Math.addExact(starts[p], part.size());
      for (Target target : part.targets()) {
        Target former = all.putIfAbsent(target.task(), target);
        if (former != null) {
          requireSameForm(former, target, p);
        }
      }
    }
    targets = List.copyOf(all.values());
    partOrders = partTargets.stream().map(of -> orders(all, of)).toList();
  }

  private static Object describeInputs(Dataset part) {
    return part.inputs().isEmpty() ? part.inputShape() : part.inputs();
  }

  /** Names may come in another order, but not be there in one part alone. */
  private static void requireSameForm(Target former, Target target, int part) {
    boolean isSame =
        former.isClasses() == target.isClasses()
            && former.width() == target.width()
            && former.names().isEmpty() == target.names().isEmpty()
            && NameOrder.difference(former.names(), target.names()).isEmpty();
    if (!isSame) {
      throw new ShapeException(
          "parts: expected " + former + " as in a part before, got " + target + " in part " + part);
    }
  }

  /** Returns how to bring a part's targets into the common order, where that is another one. */
  private static Map<String, NameOrder> orders(
      Map<String, Target> all, Map<String, Target> ofPart) {
    Map<String, NameOrder> orders = new HashMap<>();
    ofPart.forEach(
        (task, target) -> {
          NameOrder order = NameOrder.of(all.get(task).names(), target.names());
          if (order != null) {
            orders.put(task, order);
          }
        });
    return orders;
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
  public List<Input> inputs() {
    return parts.get(0).inputs();
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
    Target target = partTargets.get(p).get(task);
    if (target == null) {
      DerivedDataset.find(this, task);
      return false;
    }
    if (!parts.get(p).readTarget(task, index - starts[p], destination, offset)) {
      return false;
    }
    NameOrder order = partOrders.get(p).get(task);
    if (order != null) {
      order.apply(target.isClasses(), destination, offset);
    }
    return true;
  }

  @Override
  String origin() {
    return parts.stream()
        .map(DescribedDataset::origin)
        .distinct()
        .collect(Collectors.joining(" and ", parts.size() + " parts: ", ""));
  }

  @Override
  public boolean isStable() {
    return parts.stream().allMatch(Dataset::isStable);
  }

  @Override
  public void expect(int[] examples) {
    for (int p = 0; p < parts.size(); p++) {
      int start = starts[p];
      int end = starts[p + 1];
      parts
          .get(p)
          .expect(
              Arrays.stream(examples)
                  .filter(i -> i >= start && i < end)
                  .map(i -> i - start)
                  .toArray());
    }
  }

  @Override
  public Dataset atEpoch(int epoch) {
    List<Dataset> others = parts.stream().map(part -> DataForm.view(part, epoch)).toList();
    return others.equals(parts) ? this : new ConcatDataset(others);
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
