// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Network;
import dev.espalier.data.PictureReader;
import dev.espalier.report.Report;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/** An evaluation as a page for a browser, with the examples that it is about. */
final class EvaluationPage {
  /** Squares on a side that are covered one after the other, to see what an answer depends on. */
  private static final int GRID = 6;

  private EvaluationPage() {}

  /** Writes over what is there. */
  static void write(Path file, Network network, Examples examples, Dataset data) {
    Report.of(network)
        .evaluation("Examples", data, shown(network, examples, data))
        .write(file, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Returns how examples are shown: by pictures, texts or numbers. */
  static dev.espalier.report.Examples shown(Network network, Examples examples, Dataset data) {
    boolean areAllThere = data.size() == examples.table().size();
    if (examples.kind() == Examples.Kind.ROWS || !areAllThere) {
      return dev.espalier.report.Examples.numbered();
    }
    List<String> texts = examples.table().texts(examples.column());
    if (examples.kind() == Examples.Kind.TEXTS) {
      return dev.espalier.report.Examples.texts(texts::get);
    }
    PictureReader reader = PictureReader.of(network);
    return dev.espalier.report.Examples.pictures(i -> reader.show(Datasets.input(data, i)))
        .names(texts::get)
        .occlude(GRID);
  }
}
