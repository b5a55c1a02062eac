// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.Adaptation;
import dev.espalier.Adapted;
import dev.espalier.BatchNormStatistics;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Espalier;
import dev.espalier.FeatureCache;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.Split;
import dev.espalier.TransferBuilder;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** One run of a {@link TransferStudy}. */
final class TransferRun {
  /** Fewer tell nothing. */
  private static final int LEAST_EXAMPLES = 8;

  private static final double TRAINING_SHARE = 0.8;

  private final TransferStudy study;
  private final Dataset data;
  private final List<Split> folds;
  private final StudyRun run;
  private final List<List<Split>> parts = new ArrayList<>(); // by fold, by size
  private List<Question> questions;
  private String networkPrint = "";

  /** A head to put on: on a layer, or the last one. */
  record NewHead(String name, Optional<String> from, dev.espalier.Head head) {
    NewHead {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(head, "head");
    }
  }

  /** What the folds that have all arms gave, of one size. */
  record Size(int examples, Map<TransferArm, List<Judged>> arms) {}

  TransferRun(TransferStudy study, Dataset data, List<Split> folds, StudyRun run) {
    this.study = study;
    this.data = data;
    this.folds = folds;
    this.run = run;
  }

  /** Cuts the examples into parts, and refuses what does not fit; returns how many sizes. */
  private int prepare() {
    try (Network scratch = scratch(study.seed())) {
      scratch.evaluate(Datasets.range(data, 0, 1)); // what does not fit is refused now
      questions = Question.of(scratch.tasks());
    }
    for (int fold = 0; fold < folds.size(); fold++) {
      parts.add(parts(folds.get(fold).first(), study.seed() + fold));
    }
    int sizes = parts.stream().mapToInt(List::size).min().orElse(0);
    if (sizes == 0) {
      throw new IllegalArgumentException(
          "folds: expected at least "
              + LEAST_EXAMPLES
              + " examples to train on in each, some of the fifth that chooses with an answer");
    }
    return sizes;
  }

  /** Returns the number of examples that all ways learn from, of each size, in the first fold. */
  private List<Integer> sizes(int sizes) {
    List<Split> first = parts.get(0);
    return first.subList(first.size() - sizes, first.size()).stream()
        .map(TransferRun::size)
        .toList();
  }

  String explain() {
    List<Integer> sizes = sizes(prepare());
    StringBuilder plan = new StringBuilder();
    plan.append(Question.texts(questions))
        .append(": ")
        .append(data.size())
        .append(" examples in ")
        .append(folds.size())
        .append(" folds; each way learns from ")
        .append(sizes)
        .append(
            " of them, a fifth of which chooses its setting, and is judged by those left out\n");
    for (TransferArm arm : TransferArm.values()) {
      plan.append("  ").append(arm).append(": ");
      plan.append(study.settings(arm).size() == 1 ? "" : "one of ");
      plan.append(study.settings(arm)).append('\n');
    }
    plan.append(folds.size() * sizes.size() * TransferArm.values().length)
        .append(" trainings, of all settings each");
    if (study.hasProbes()) {
      plan.append("; the raw input and the layers ")
          .append(LayerProbes.layers(study.backbone()))
          .append(" are probed");
    }
    return plan.toString();
  }

  TransferResult run() {
    int sizes = prepare();
    if (run.hasFolder()) {
      try (Network scratch = scratch(study.seed())) {
        networkPrint = networkPrint(scratch);
      }
    }
    run.expect(folds.size() * sizes * TransferArm.values().length);
    List<String> layers = study.hasProbes() ? LayerProbes.layers(study.backbone()) : List.of();
    run.expect(study.hasProbes() ? 1 + layers.size() : 0);
    try (FeatureCache cache = FeatureCache.create()) {
      List<Size> results = curves(sizes, cache);
      List<LayerProbe> probes = probes(layers, cache);
      boolean hasAllProbes = !study.hasProbes() || probes.size() == 1 + layers.size();
      return new TransferResult(
          questions, study.seed(), folds.size(), results, probes, hasAllProbes, known(), run);
    }
  }

  private String networkPrint(Network scratch) {
    try (Network grafted = graft().build(study.seed())) {
      return new Fingerprint()
          .add("transfer study 1", Espalier.version(), Espalier.cpuTarget())
          .add(grafted)
          .add(scratch)
          .hex();
    }
  }

  private TransferBuilder graft() {
    TransferBuilder transfer = study.backbone().transfer();
    study.backbone().tasks().forEach(task -> transfer.dropHead(task.name()));
    for (NewHead head : study.heads()) {
      if (head.from().isPresent()) {
        transfer.head(head.name(), head.from().get(), head.head());
      } else {
        transfer.head(head.name(), head.head());
      }
    }
    return transfer.unfreeze("*");
  }

  private Network scratch(long seed) {
    return study.scratch().isPresent()
        ? Objects.requireNonNull(
            study.scratch().get().apply(seed), "scratch: expected a network, got null")
        : graft().reinitialize().build(seed);
  }

  /** Returns what to learn from and what chooses, of rising size, each in the next one. */
  private List<Split> parts(Dataset training, long seed) {
    LinkedList<Dataset> rising = new LinkedList<>(List.of(training));
    for (int h = 0; h < study.halvings(); h++) {
      rising.addFirst(Datasets.splitStratified(rising.getFirst(), 0.5, study.seed()).first());
    }
    return rising.stream()
        .filter(part -> part.size() >= LEAST_EXAMPLES)
        .map(part -> Datasets.splitStratified(part, TRAINING_SHARE, seed))
        .filter(split -> hasAnswer(split.first()) && hasAnswer(split.second()))
        .toList();
  }

  private boolean hasAnswer(Dataset part) {
    for (float[] row : Question.answers(questions, part)) {
      for (float answer : row) {
        if (!Float.isNaN(answer)) {
          return true;
        }
      }
    }
    return false;
  }

  private static int size(Split part) {
    return part.first().size() + part.second().size();
  }

  /** Trains fold by fold, so that a study that ends early has whole folds. */
  private List<Size> curves(int sizes, FeatureCache cache) {
    List<Size> results = new ArrayList<>();
    for (int examples : sizes(sizes)) {
      Map<TransferArm, List<Judged>> arms = new EnumMap<>(TransferArm.class);
      for (TransferArm arm : TransferArm.values()) {
        arms.put(arm, new ArrayList<>());
      }
      results.add(new Size(examples, arms));
    }
    for (int fold = 0; fold < folds.size() && !run.isToStop(); fold++) {
      Dataset judging = folds.get(fold).second();
      float[][] answers = Question.answers(questions, judging);
      String foldPrint = run.hasFolder() ? foldPrint(fold) : "";
      List<Split> ofFold = parts.get(fold);
      for (int s = 0; s < sizes; s++) {
        Split part = ofFold.get(ofFold.size() - sizes + s);
        Map<TransferArm, Judged> done = new EnumMap<>(TransferArm.class);
        for (TransferArm arm : TransferArm.values()) {
          train(arm, part, judging, fold, foldPrint, cache)
              .ifPresent(of -> done.put(arm, new Judged(questions, of.logits(), answers)));
        }
        if (done.size() == TransferArm.values().length) {
          Size size = results.get(s);
          done.forEach((arm, judged) -> size.arms().get(arm).add(judged));
        }
      }
    }
    return results;
  }

  /** Of a fold's examples; its parts follow from them. */
  private String foldPrint(int fold) {
    return new Fingerprint().add(folds.get(fold).first()).add(folds.get(fold).second()).hex();
  }

  private Optional<CellOutputs> train(
      TransferArm arm,
      Split part,
      Dataset judging,
      int fold,
      String foldPrint,
      FeatureCache cache) {
    String what = arm + ", " + size(part) + " examples, fold " + (fold + 1) + " of " + folds.size();
    long seed = study.seed() + fold;
    return run.train(
        what,
        () ->
            new Fingerprint()
                .add(networkPrint, foldPrint, arm, study.settings(arm), size(part), seed)
                .add(study.seed(), study.headSteps(), study.tuningSteps(), study.batchSize()),
        judging.size(),
        () -> adapt(arm, part, judging, seed, cache));
  }

  private CellOutputs adapt(
      TransferArm arm, Split part, Dataset judging, long seed, FeatureCache cache) {
    try (Network start = arm == TransferArm.SCRATCH ? scratch(seed) : graft().build(seed)) {
      Adaptation adaptation;
      if (arm == TransferArm.SCRATCH) {
        adaptation = Adaptation.of(start).batchNorms(BatchNormStatistics.ADAPT);
      } else {
        adaptation = Adaptation.of(study.backbone()).featureCache(cache);
        for (NewHead head : study.heads()) {
          if (head.from().isPresent()) {
            adaptation.head(head.name(), head.from().get(), head.head());
          } else {
            adaptation.head(head.name(), head.head());
          }
        }
      }
      study.headSteps().ifPresent(adaptation::headSteps);
      study.tuningSteps().ifPresent(adaptation::tuningSteps);
      try (Adapted adapted =
          adaptation
              .settings(study.settings(arm))
              .batchSize(study.batchSize())
              .looks(1)
              .seed(seed)
              .listener(run.stopper())
              .fit(part.first(), part.second())) {
        Network network = adapted.network();
        try (Predictor predictor = network.predictor(PredictorOptions.defaults().logits())) {
          return new CellOutputs(
              predictor.predict(judging),
              adapted.report().trials().stream().mapToLong(trial -> trial.steps()).sum(),
              adapted.report().seconds(),
              network.layers().stream().mapToLong(LayerSummary::parameterCount).sum(),
              0);
        }
      }
    }
  }

  private List<LayerProbe> probes(List<String> layers, FeatureCache cache) {
    List<LayerProbe> probes = new ArrayList<>();
    if (!study.hasProbes() || run.isToStop()) {
      return probes;
    }
    LayerProbes prober = new LayerProbes(questions, folds, study.seed(), TransferResult.LEVEL);
    probes.add(new LayerProbe("", prober.ofInput(), Optional.empty()));
    run.tell("probes of the raw input", false);
    try (Network random = study.backbone().transfer().reinitialize().build(study.seed())) {
      for (String layer : layers) {
        if (run.isToStop()) {
          break;
        }
        LayerProbe.Scores trained = prober.ofLayer(study.backbone(), layer, cache);
        LayerProbe.Scores ofRandom = prober.ofLayer(random, layer, cache);
        probes.add(new LayerProbe(layer, trained, Optional.of(ofRandom)));
        run.tell("probes of layer " + layer, false);
      }
    }
    return probes;
  }

  private List<KnownShare> known() {
    List<KnownShare> shares = new ArrayList<>();
    study.source().ifPresent(of -> shares.addAll(KnownShare.of("source", of)));
    shares.addAll(KnownShare.of("new", data));
    return shares;
  }
}
