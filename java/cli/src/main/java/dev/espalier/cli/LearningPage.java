// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Adapted;
import dev.espalier.Dataset;
import dev.espalier.data.PictureReader;
import dev.espalier.report.Report;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import picocli.CommandLine.Option;

/** What was learned as a page for a browser, if one is asked for. */
final class LearningPage {
  @Option(
      names = "--page",
      paramLabel = "FILE",
      description =
          "Also writes a page: what was tried, learning curves, what augmentation makes of"
              + " pictures, and how the examples held out are answered.")
  private Path file;

  /** Refuses a file that can't be written, before any work is done for it. */
  void check(NewFile output) {
    if (file != null) {
      output.checkedBeside(file);
    }
  }

  /** Writes it, over what is there. */
  void write(Adapted adapted, Learning.Data data, SplitOptions.Parts parts, Examples examples) {
    if (file == null) {
      return;
    }
    Report report = Report.of(adapted.network()).adaptation(adapted.report());
    if (data.seen() != data.training()) {
      PictureReader reader = PictureReader.of(adapted.network());
      report = report.augmentation(data.training(), data.seen(), reader::show);
    }
    boolean isTested = data.test().isPresent();
    Dataset judged = data.test().orElse(data.validation());
    Examples rows = examples.of(isTested ? parts.test() : parts.validation());
    report
        .evaluation(
            isTested ? "Test examples" : "Validation examples",
            judged,
            EvaluationPage.shown(adapted.network(), rows, judged))
        .write(file, StandardCopyOption.REPLACE_EXISTING);
  }
}
