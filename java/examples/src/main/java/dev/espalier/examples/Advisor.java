// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Shape;
import dev.espalier.Split;
import dev.espalier.advice.Interval;
import dev.espalier.advice.SharingResult;
import dev.espalier.advice.SharingStudy;
import dev.espalier.advice.SharingVerdict;
import dev.espalier.advice.TransferArm;
import dev.espalier.advice.TransferResult;
import dev.espalier.advice.Verdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.IntFunction;
import java.util.function.LongFunction;
import java.util.stream.LongStream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Judges the advisor: what a study of few examples says, against what comes of training with all of
 * them, with five other draws of examples, on test data. Prints tables in Markdown, as in
 * docs/advice.md; exit code 1 where the advisor does not say what it has to.
 */
@Command(
    name = "advisor",
    mixinStandardHelpOptions = true,
    description = "Judges verdicts of studies by what comes of it.")
public final class Advisor implements Callable<Integer> {
  private static final int DRAWS = 5;
  private static final long FIRST_DRAW = 100;
  private static final int SCENES = 1000;
  private static final int TEST_SCENES = 2000;
  private static final double HIDDEN_OF_SCENES = 0.6;
  private static final int PICTURES = 500;
  private static final double HIDDEN_OF_PICTURES = 0.5;

  @Option(names = "--garments", description = "folder with Fashion-MNIST's four IDX files")
  private Path garments = Path.of("/usr/share/datasets/fashion-mnist");

  @Option(
      names = "--data",
      description = "folder with mnist-t10k/ and emotions/: adds digits and songs")
  private Path data;

  @Option(
      names = "--stamps",
      description = "folder of Debian's tuxpaint-stamps-default: with a detector, adds photographs")
  private Path stamps;

  @Option(
      names = "--detector",
      description = "MediaPipe's object_detection_ssd_mobilenetv2_oidv4_fp16.tflite")
  private Path detector;

  @Option(
      names = "--pairs",
      split = ",",
      description = "which pairs to transfer between (default: ${DEFAULT-VALUE})")
  private List<String> kinds = List.of("pictures", "scenes", "photographs", "packages");

  @Option(names = "--out", description = "folder for the tables (default: ${DEFAULT-VALUE})")
  private Path out = Path.of("target", "advisor");

  @Option(names = "--part", description = "transfer, sharing or all (default: ${DEFAULT-VALUE})")
  private String part = "all";

  private final StringBuilder text = new StringBuilder();
  private boolean isAsExpected = true;

  /** Judges the advisor. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new Advisor()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    long start = System.nanoTime();
    Files.createDirectories(out);
    FashionMnist fashion = FashionMnist.load(garments);
    if (!part.equals("sharing")) {
      transfer(pairs(fashion));
    }
    if (!part.equals("transfer")) {
      sharing(fashion);
    }
    say(String.format(Locale.ROOT, "%n%.0f s", (System.nanoTime() - start) * 1e-9));
    Files.writeString(out.resolve(part + ".md"), text);
    return isAsExpected ? 0 : 1;
  }

  private void say(String line) {
    System.out.println(line);
    text.append(line).append('\n');
  }

  // --- Transfer.

  /** What a study said and what came of it. */
  private record Judgement(AdvisorPair pair, TransferResult study, TransferResult outcome) {}

  /** Those that are asked for and of which there is the data; says what is left out. */
  private List<AdvisorPair> pairs(FashionMnist fashion) throws IOException {
    List<AdvisorPair> pairs = new ArrayList<>();
    if (kinds.contains("pictures")) {
      if (data == null) {
        say("SKIPPED digits and songs: no --data");
      }
      pairs.addAll(new AdvisorPairs(fashion, Optional.ofNullable(data)).all());
    }
    if (kinds.contains("scenes")) {
      pairs.addAll(ScenePairs.of(fashion));
    }
    if (kinds.contains("photographs")) {
      if (stamps == null || detector == null) {
        say("SKIPPED photographs: no --stamps, or no --detector");
      } else {
        pairs.addAll(PhotographPairs.of(stamps, detector));
      }
    }
    if (kinds.contains("packages")) {
      try {
        pairs.addAll(PackagePairs.ofThisMachine());
      } catch (IllegalStateException none) {
        say("SKIPPED packages: " + none.getMessage());
      }
    }
    return pairs;
  }

  private void transfer(List<AdvisorPair> pairs) {
    List<Callable<Judgement>> jobs = new ArrayList<>();
    for (AdvisorPair pair : pairs) {
      jobs.add(
          () -> {
            Judgement judgement = judge(pair);
            System.err.println(row(judgement));
            return judgement;
          });
    }
    List<Judgement> judgements = Parallel.run(jobs);
    say(
        "| pair | measure | scratch | frozen gains, study | outcome | tuned gains, study | outcome"
            + " |");
    say("|---|---|---|---|---|---|---|");
    for (Judgement judgement : judgements) {
      say(row(judgement));
    }
    say("");
    count("frozen", judgements, TransferArm.FROZEN);
    count("fine-tuned", judgements, TransferArm.FINE_TUNED);
    for (Judgement judgement : judgements) {
      if (judgement.pair.isToHurtFrozen()
          && judgement.study.verdict(TransferArm.FROZEN) != Verdict.HURTS) {
        say("NOT AS EXPECTED: " + judgement.pair.name() + ": frozen has to hurt");
        isAsExpected = false;
      }
    }
  }

  private Judgement judge(AdvisorPair pair) {
    Dataset few = draw(pair, 0);
    TransferResult study = pair.study().folder(cells()).run(few);
    List<Split> draws =
        LongStream.range(FIRST_DRAW, FIRST_DRAW + DRAWS)
            .mapToObj(seed -> Split.of(draw(pair, seed), pair.test()))
            .toList();
    TransferResult outcome = pair.study().folds(draws).folder(cells()).seed(FIRST_DRAW).run(few);
    return new Judgement(pair, study, outcome);
  }

  /** What was trained is kept, so that a run that was cut short goes on. */
  private Path cells() {
    return out.resolve("cells");
  }

  private static Dataset draw(AdvisorPair pair, long seed) {
    return Datasets.range(Datasets.shuffle(pair.pool(), seed), 0, pair.size());
  }

  private static String row(Judgement judgement) {
    TransferResult outcome = judgement.outcome;
    return String.format(
        Locale.ROOT,
        "| %s | %s | %.3f | %s | %s | %s | %s |",
        judgement.pair.name(),
        outcome.metric(),
        outcome.score(TransferArm.SCRATCH, last(outcome)).estimate(),
        cell(judgement.study, TransferArm.FROZEN),
        cell(outcome, TransferArm.FROZEN),
        cell(judgement.study, TransferArm.FINE_TUNED),
        cell(outcome, TransferArm.FINE_TUNED));
  }

  private static int last(TransferResult result) {
    return result.sizes().get(result.sizes().size() - 1);
  }

  private static String cell(TransferResult result, TransferArm arm) {
    Interval gain = result.gain(arm, last(result));
    return String.format(
        Locale.ROOT,
        "%+.3f (%+.3f to %+.3f) %s",
        gain.estimate(),
        gain.low(),
        gain.high(),
        result.verdict(arm));
  }

  private void count(String name, List<Judgement> judgements, TransferArm arm) {
    int right = 0;
    int wrong = 0;
    int silent = 0;
    int open = 0;
    int rash = 0;
    int held = 0;
    for (Judgement judgement : judgements) {
      Verdict said = judgement.study.verdict(arm);
      Verdict came = judgement.outcome.verdict(arm);
      Interval gain = judgement.study.gain(arm, last(judgement.study));
      double truth = judgement.outcome.gain(arm, last(judgement.outcome)).estimate();
      held += gain.low() <= truth && truth <= gain.high() ? 1 : 0;
      if (came == Verdict.CANNOT_TELL) {
        open++;
        rash += said == Verdict.CANNOT_TELL ? 0 : 1;
      } else if (said == Verdict.CANNOT_TELL) {
        silent++;
      } else if (said == came) {
        right++;
      } else {
        wrong++;
      }
    }
    say(
        String.format(
            Locale.ROOT,
            "%s: of %d pairs right %d, wrong %d, can't tell %d; the outcome of %d is undecided, of"
                + " %d of which the study was sure; %d of the study's intervals hold the outcome's"
                + " mean",
            name,
            judgements.size(),
            right,
            wrong,
            silent,
            open,
            rash,
            held));
    isAsExpected &= wrong == 0;
  }

  // --- Sharing.

  private void sharing(FashionMnist fashion) {
    Dataset pool =
        Datasets.range(
            fashion.training(), FashionMnist.PRETRAINING_VALIDATION_END, FashionMnist.POOL_END);
    LongFunction<Dataset> scenes =
        seed ->
            Scenes.mirrored(
                GarmentAttributes.hide(
                    Scenes.of(pool, SCENES, seed), Scenes.TASK, HIDDEN_OF_SCENES, Float.NaN, seed),
                seed);
    Dataset testScenes = Scenes.of(fashion.test(), TEST_SCENES, 2000);
    compare("four questions about scenes", Advisor::formOfScenes, Scenes.TASK, scenes, testScenes);
    LongFunction<Dataset> pictures =
        seed ->
            GarmentAttributes.hide(
                GarmentAttributes.label(Datasets.range(Datasets.shuffle(pool, seed), 0, PICTURES)),
                GarmentAttributes.TASK,
                HIDDEN_OF_PICTURES,
                Float.NaN,
                seed);
    compare(
        "six attributes of garments",
        Advisor::formOfGarments,
        GarmentAttributes.TASK,
        pictures,
        GarmentAttributes.label(fashion.test()));
  }

  /** As in the quick start, of half its width. */
  private static NetworkBuilder formOfScenes(int width) {
    return OneOrSeveral.backbone(OneOrSeveral.CHANNELS / 2 * width);
  }

  private static NetworkBuilder formOfGarments(int width) {
    return Network.builder(Shape.image(1, 28, 28))
        .normalize(FashionMnist.MEAN, FashionMnist.STANDARD_DEVIATION)
        .conv2d("conv1", 4 * width, 3)
        .relu()
        .maxPool2d(2)
        .conv2d("conv2", 8 * width, 3)
        .relu()
        .maxPool2d(2)
        .dense("features", 16 * width)
        .relu();
  }

  private void compare(
      String name,
      IntFunction<NetworkBuilder> form,
      String task,
      LongFunction<Dataset> draw,
      Dataset test) {
    List<Split> draws =
        LongStream.range(FIRST_DRAW, FIRST_DRAW + DRAWS)
            .mapToObj(seed -> Split.of(draw.apply(seed), test))
            .toList();
    List<Callable<SharingResult>> jobs =
        List.of(
            () -> SharingStudy.of(form).head(task, Head::labels).folder(cells()).run(draw.apply(0)),
            () ->
                SharingStudy.of(form)
                    .head(task, Head::labels)
                    .folds(draws)
                    .seed(FIRST_DRAW)
                    .folder(cells())
                    .run(draws.get(0).first()));
    List<SharingResult> both = Parallel.run(jobs);
    say("\n" + name + ", study:\n\n```text\n" + both.get(0) + "```");
    say("\n" + name + ", full comparison:\n\n```text\n" + both.get(1) + "```");
    SharingVerdict came = both.get(1).verdict();
    boolean agrees = came == SharingVerdict.CANNOT_TELL || came == both.get(0).verdict();
    say("\n" + (agrees ? "The verdicts agree." : "NOT AS EXPECTED: the verdicts differ."));
    isAsExpected &= agrees;
  }
}
