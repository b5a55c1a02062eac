// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;

/** A data set with some of its targets, under other names. */
final class RenamedDataset extends DerivedDataset {
  private final List<String> formerNames;
  private final List<String> names;
  private final List<Target> targets;

  RenamedDataset(Dataset base, List<String> formerNames, List<String> names) {
    super(base);
    this.formerNames = formerNames;
    this.names = names;
    targets =
        formerNames.stream()
            .map(former -> find(base, former))
            .map(
                target ->
                    new Target(
                        names.get(formerNames.indexOf(target.task())),
                        target.isClasses(),
                        target.width()))
            .toList();
  }

  @Override
  Dataset over(Dataset other) {
    return new RenamedDataset(other, formerNames, names);
  }

  @Override
  public List<Target> targets() {
    return targets;
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    int position = names.indexOf(find(this, task).task());
    return base.readTarget(formerNames.get(position), index, destination, offset);
  }
}
