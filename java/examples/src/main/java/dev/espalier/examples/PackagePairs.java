// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.data.Table;
import dev.espalier.data.TableField;
import dev.espalier.data.TableInputs;
import dev.espalier.data.TableOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Pairs to judge the advisor by: of rows about Debian's packages (section, sizes, how many others
 * they need), and tags of one facet after those of another. Packages of one source are all for the
 * first task, or all for the second one, or all for tests.
 */
final class PackagePairs {
  private static final int EPOCHS = 20;
  private static final int LEAST_PACKAGES_OF_A_TAG = 400;
  private static final long ORDER_SEED = 3;

  private static final TableOptions COLUMNS =
      TableOptions.defaults()
          .category("section", "architecture", "shared")
          .number("installed", "size", "needs", "recommends", "suggests", "words")
          .category("homepage", "compiled", "perl", "python", "display");

  /** Packages for each purpose. */
  private record Parts(
      List<DebianPackages.Listed> source,
      List<DebianPackages.Listed> pool,
      List<DebianPackages.Listed> test) {}

  private final Parts parts;
  private final Debtags tags;

  private PackagePairs(List<DebianPackages.Listed> packages) {
    parts = parts(packages);
    tags =
        Debtags.frequent(
            packages.stream().map(DebianPackages.Listed::tagged).toList(), LEAST_PACKAGES_OF_A_TAG);
  }

  /**
   * Those of this machine's lists.
   *
   * @throws IllegalStateException if there are none
   */
  static List<AdvisorPair> ofThisMachine() throws IOException {
    PackagePairs all;
    try {
      all = new PackagePairs(DebianPackages.listed());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", interrupted);
    }
    return List.of(
        all.pair("packages: what they are → how one uses them", "role", "interface"),
        all.pair("packages: how one uses them → what they are", "interface", "role"),
        all.pair("packages: how one uses them → language", "interface", "implemented-in"));
  }

  /** Sources by the order of their hashes: a half, a quarter and a quarter. */
  private static Parts parts(List<DebianPackages.Listed> packages) {
    List<String> sources =
        DrawByName.order(packages.stream().map(one -> one.tagged().source()).toList(), ORDER_SEED);
    Map<String, Integer> places = new HashMap<>();
    for (int i = 0; i < sources.size(); i++) {
      places.put(sources.get(i), 4 * i / sources.size());
    }
    List<List<DebianPackages.Listed>> quarters = new ArrayList<>();
    for (int quarter = 0; quarter < 4; quarter++) {
      int of = quarter;
      quarters.add(
          packages.stream().filter(one -> places.get(one.tagged().source()) == of).toList());
    }
    List<DebianPackages.Listed> half = new ArrayList<>(quarters.get(0));
    half.addAll(quarters.get(1));
    return new Parts(half, quarters.get(2), quarters.get(3));
  }

  private AdvisorPair pair(String name, String before, String after) {
    Debtags first = facet(before);
    Debtags second = facet(after);
    List<DebianPackages.Listed> learned = answered(parts.source, first);
    TableInputs inputs = TableInputs.fit(table(learned));
    Network backbone =
        Network.builder(inputs.shape())
            .dense("hidden", 64)
            .relu()
            .dense("features", 32)
            .relu()
            .head("old", Head.labels(first.labels()))
            .build(1);
    AdvisorPairs.train(backbone, dataset(inputs, learned, "old", first), EPOCHS);
    return new AdvisorPair(
        name,
        false,
        backbone,
        Head.layers(h -> h.layerNorm()).labels(second.labels()),
        dataset(inputs, answered(parts.pool, second), AdvisorPair.TASK, second),
        dataset(inputs, answered(parts.test, second), AdvisorPair.TASK, second),
        AdvisorPairs.SIZE);
  }

  /** The frequent tags of a facet. */
  private Debtags facet(String facet) {
    return new Debtags(tags.names().stream().filter(tag -> tag.startsWith(facet + "::")).toList());
  }

  /** Packages of which somebody said something. */
  private static List<DebianPackages.Listed> answered(
      List<DebianPackages.Listed> packages, Debtags asked) {
    return packages.stream()
        .filter(one -> !Float.isNaN(asked.answers(one.tagged(), Float.NaN)[0]))
        .toList();
  }

  private static Dataset dataset(
      TableInputs inputs, List<DebianPackages.Listed> packages, String task, Debtags asked) {
    float[][] answers =
        asked.answers(packages.stream().map(DebianPackages.Listed::tagged).toList(), Float.NaN);
    return Datasets.cache(
        Datasets.withTargets(inputs.dataset(table(packages)), task, asked.names(), answers));
  }

  private static Table table(List<DebianPackages.Listed> packages) {
    return Table.of(
        packages,
        COLUMNS,
        text("section", "Section"),
        text("architecture", "Architecture"),
        text("shared", "Multi-Arch"),
        logarithm("installed", "Installed-Size"),
        logarithm("size", "Size"),
        count("needs", "Depends"),
        count("recommends", "Recommends"),
        count("suggests", "Suggests"),
        TableField.of("words", one -> one.tagged().description().split(" ").length),
        TableField.of("homepage", one -> one.fields().containsKey("Homepage")),
        needs("compiled", "libc6"),
        needs("perl", "perl"),
        needs("python", "python3"),
        needs("display", "libx11-6"));
  }

  private static TableField<DebianPackages.Listed> text(String name, String field) {
    return TableField.of(name, one -> one.fields().get(field));
  }

  private static TableField<DebianPackages.Listed> logarithm(String name, String field) {
    return TableField.of(
        name, one -> Math.log1p(Double.parseDouble(one.fields().getOrDefault(field, "0"))));
  }

  private static TableField<DebianPackages.Listed> count(String name, String field) {
    return TableField.of(
        name,
        one -> one.fields().containsKey(field) ? one.fields().get(field).split(",").length : 0);
  }

  private static TableField<DebianPackages.Listed> needs(String name, String other) {
    return TableField.of(
        name,
        one -> List.of(one.fields().getOrDefault("Depends", "").split("[ ,(|]+")).contains(other));
  }
}
