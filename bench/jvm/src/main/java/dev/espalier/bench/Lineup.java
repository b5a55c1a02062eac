// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** What all races of a run share: who takes part in what, and where results go. */
final class Lineup {
  final List<ContenderKind> kinds;
  final Path root;
  final Path folder;
  final Effort effort;
  final ResultsFile results;
  final Versions versions;
  private final Pattern filter;
  private final Map<String, Work> works = new HashMap<>();

  Lineup(
      List<ContenderKind> kinds,
      Path root,
      Path folder,
      Pattern filter,
      Effort effort,
      ResultsFile results,
      Versions versions) {
    this.kinds = kinds;
    this.root = root;
    this.folder = folder;
    this.filter = filter;
    this.effort = effort;
    this.results = results;
    this.versions = versions;
  }

  boolean isWanted(String workload) {
    return filter.matcher(workload).find();
  }

  /** The files of a network's work, written at the first call; so many examples at least. */
  Work work(String network, int examples) throws IOException {
    String name = network + "-" + examples;
    Work work = works.get(name);
    if (work == null) {
      work = WorkWriter.write(folder.resolve("work").resolve(name), network, examples);
      works.put(name, work);
    }
    return work;
  }

  /** The files of a published model; null if it is not to be had, which is said. */
  Work publishedWork(String name, int examples) throws IOException {
    if (!works.containsKey(name)) {
      Path to = folder.resolve("work").resolve(name);
      works.put(name, PublishedModels.write(to, root, name, examples));
    }
    return works.get(name);
  }

  /** Work for workloads X. */
  Work transferWork(String network, int examples) throws IOException {
    return network.equals("X")
        ? work(network, examples)
        : WorkWriter.write(folder.resolve("work").resolve(network), network, examples, 0.3);
  }

  /** Work for workloads T: {@link Work#BATCHES} batches, the first ones alike. */
  Work trainingWork(String network, int batch) throws IOException {
    Path work = folder.resolve("work").resolve("T-" + network + "-" + batch);
    return WorkWriter.writeTraining(work, network, batch);
  }

  /** Work for workload L, with so many per cent of the entries labelled. */
  Work labelWork(int examples, int percent) throws IOException {
    Path work = folder.resolve("work").resolve("L-" + percent);
    return WorkWriter.write(work, "L", examples, 1 - percent / 100.0);
  }
}
