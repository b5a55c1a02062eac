// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.AdaptationSetting;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.advice.TransferArm;
import dev.espalier.advice.TransferStudy;
import dev.espalier.data.PictureReader;
import java.nio.file.Path;
import java.util.List;

/**
 * Pairs to judge the advisor by: of a published detector, and questions about photographs. There
 * are few of them, so draws share some. What is trained from scratch is the small network of the
 * photographs' quick start.
 */
final class PhotographPairs {
  private static final String CUT = "expanded_conv_12/add";
  private static final int SIZE = 120;
  private static final int TUNING_STEPS = 40;
  private static final long RANDOM_WEIGHTS_SEED = 5;

  private PhotographPairs() {}

  static List<AdvisorPair> of(Path folder, Path model) {
    PictureReader reader =
        PictureReader.of(StampTransfer.PICTURE).valueRange(Detector.BLACK, Detector.WHITE);
    Stamps stamps = new Stamps(folder, reader);
    Detector detector = Detector.upTo(CUT, model, StampTransfer.PICTURE);
    Detector random = detector.randomized(RANDOM_WEIGHTS_SEED);
    return List.of(
        pair("detector of things → nine questions about photographs", detector.trunk(), stamps),
        pair("the same detector, weights by chance → photographs", random.trunk(), stamps));
  }

  private static AdvisorPair pair(String name, Network trunk, Stamps stamps) {
    return new AdvisorPair(
        name,
        false,
        trunk,
        Head.layers(h -> Detector.onMeans(h.globalAveragePool2d())).labels(Stamps.labels()),
        Datasets.forTask(stamps.beyondTest(stamps.pictures()), AdvisorPair.TASK),
        Datasets.forTask(stamps.test(stamps.pictures()), AdvisorPair.TASK),
        SIZE,
        PhotographPairs::quick);
  }

  private static TransferStudy quick(TransferStudy study) {
    return study
        .scratch(seed -> StampTransfer.fromScratch(AdvisorPair.TASK, seed))
        .settings(TransferArm.FINE_TUNED, List.of(AdaptationSetting.headFirst(1e-2, 1)))
        .tuningSteps(TUNING_STEPS);
  }
}
