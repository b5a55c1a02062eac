// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import dev.espalier.AdamW;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Espalier;
import dev.espalier.Head;
import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.Schedule;
import dev.espalier.Split;
import dev.espalier.Target;
import dev.espalier.Task;
import dev.espalier.Trainer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;

/** One run of a {@link SharingStudy}. */
final class SharingRun {
  private static final long WARM_UP_SHARE = 20;
  private static final int TIMED_CALLS = 200;

  private final SharingStudy study;
  private final Dataset data;
  private final List<Split> folds;
  private final StudyRun run;
  private List<Question> questions;
  private final List<float[][]> answers = new ArrayList<>(); // by fold
  private final List<String> foldPrints = new ArrayList<>();
  private final Map<Cell, CellOutputs> done = new LinkedHashMap<>();

  /** One training: which questions, how wide, on which fold. */
  private record Cell(List<Integer> group, int width, int fold) {}

  /** A way to share: which questions have a network together, and how wide it is. */
  record Way(int width, List<List<Integer>> groups) {}

  /** What a way gave on the folds that are done, the first ones. */
  record Outcome(Way way, List<Judged> folds, long parameters, long steps, double microseconds) {}

  SharingRun(SharingStudy study, Dataset data, List<Split> folds, StudyRun run) {
    this.study = study;
    this.data = data;
    this.folds = folds;
    this.run = run;
  }

  /** Refuses what does not fit, and finds the questions. */
  private void prepare() {
    for (String task : study.heads().keySet()) {
      target(task);
    }
    try (Network network = network(study.widths().get(0), Optional.empty(), study.seed())) {
      network.evaluate(Datasets.range(data, 0, 1)); // what does not fit is refused now
      questions = Question.of(network.tasks());
    }
    if (questions.size() < 2) {
      throw new IllegalArgumentException(
          "questions: expected at least 2 (labels, values, or tasks of classes), got "
              + Question.texts(questions));
    }
  }

  String explain() {
    prepare();
    List<Way> ways = ways();
    int trainings = ways.stream().mapToInt(way -> way.groups().size() * folds.size()).sum();
    StringBuilder plan = new StringBuilder();
    plan.append(Question.texts(questions))
        .append(": ")
        .append(data.size())
        .append(" examples in ")
        .append(folds.size())
        .append(" folds, each judged by a network that learned from the others\n");
    for (Way way : ways) {
      plan.append(way.groups().size() == 1 ? "  one network" : "  one network a question")
          .append(", width ")
          .append(way.width())
          .append('\n');
    }
    return plan.append(trainings)
        .append(" trainings of ")
        .append(study.steps())
        .append(" steps; groups of questions that gain from each other are trained after that")
        .toString();
  }

  SharingResult run() {
    prepare();
    for (Split fold : folds) {
      answers.add(Question.answers(questions, fold.second()));
      foldPrints.add(
          run.hasFolder() ? new Fingerprint().add(fold.first()).add(fold.second()).hex() : "");
    }
    List<Way> ways = ways();
    ways.forEach(way -> run.expect(way.groups().size() * folds.size()));
    List<Outcome> outcomes = new ArrayList<>();
    ways.forEach(way -> train(way).ifPresent(outcomes::add));
    SharingDecision decision =
        new SharingDecision(questions, outcomes, study.seed(), study.tolerance());
    Optional<Outcome> grouped = decision.groups().flatMap(this::trainGroups);
    double[][] cosines = run.isToStop() ? new double[0][] : cosines();
    boolean isComplete =
        outcomes.size() == ways.size()
            && outcomes.stream().allMatch(this::isWhole)
            && decision.groups().isPresent() == grouped.filter(this::isWhole).isPresent()
            && cosines.length > 0;
    return new SharingResult(decision, grouped, cosines, folds.size(), isComplete, run.seconds());
  }

  private boolean isWhole(Outcome outcome) {
    return outcome.folds().size() == folds.size();
  }

  private Optional<Outcome> trainGroups(List<List<Integer>> groups) {
    Way way = new Way(study.widths().get(0), groups);
    run.expect((int) groups.stream().filter(group -> group.size() > 1).count() * folds.size());
    return train(way);
  }

  private List<Way> ways() {
    List<Integer> all = IntStream.range(0, questions.size()).boxed().toList();
    List<List<Integer>> separate = all.stream().map(List::of).toList();
    List<Way> ways = new ArrayList<>();
    int first = study.widths().get(0);
    ways.add(new Way(first, List.of(all)));
    ways.add(new Way(first, separate));
    study.widths().stream().skip(1).forEach(width -> ways.add(new Way(width, List.of(all))));
    study.separateWidths().stream()
        .filter(width -> width != first)
        .forEach(width -> ways.add(new Way(width, separate)));
    return ways;
  }

  private Target target(String task) {
    return data.targets().stream()
        .filter(target -> target.task().equals(task))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "head: expected a task that the data has targets of, "
                        + data.targets().stream().map(Target::task).toList()
                        + ", got \""
                        + task
                        + '"'));
  }

  /** Makes a network of some questions, or all. */
  private Network network(int width, Optional<List<Integer>> group, long seed) {
    NetworkBuilder builder =
        Objects.requireNonNull(
            study.form().apply(width), "form: expected a description of a network, got null");
    for (Map.Entry<String, Function<String[], ? extends Head>> entry : study.heads().entrySet()) {
      String task = entry.getKey();
      List<String> names = names(target(task));
      if (group.isPresent()) {
        List<Question> ofTask =
            group.get().stream()
                .map(questions::get)
                .filter(question -> question.task().name().equals(task))
                .toList();
        if (ofTask.isEmpty()) {
          continue;
        }
        boolean isOfClasses = ofTask.get(0).task().kind() == Task.Kind.CLASSES;
        names =
            isOfClasses
                ? ofTask.get(0).task().outputNames()
                : ofTask.stream().map(Question::name).toList();
      }
      builder.head(task, entry.getValue().apply(names.toArray(String[]::new)));
    }
    return builder.build(seed);
  }

  private List<String> names(Target target) {
    if (!target.names().isEmpty()) {
      return target.names();
    }
    int count = target.isClasses() ? classes(target) : target.width();
    return IntStream.range(0, count).mapToObj(Integer::toString).toList();
  }

  private int classes(Target target) {
    int most = 0;
    float[] row = new float[1];
    for (int i = 0; i < data.size(); i++) {
      if (data.readTarget(target.task(), i, row, 0)) {
        most = Math.max(most, (int) row[0]);
      }
    }
    return most + 1;
  }

  /** Trains what a way needs, fold by fold; nothing if no fold was done. */
  private Optional<Outcome> train(Way way) {
    List<Judged> judged = new ArrayList<>();
    List<Double> times = new ArrayList<>();
    long parameters = 0;
    long steps = 0;
    for (int fold = 0; fold < folds.size(); fold++) {
      int width = questions.get(questions.size() - 1).output();
      width += questions.get(questions.size() - 1).width();
      float[][] logits = new float[folds.get(fold).second().size()][width];
      parameters = 0;
      steps = 0;
      double time = 0;
      for (List<Integer> group : way.groups()) {
        Optional<CellOutputs> outputs = train(new Cell(group, way.width(), fold));
        if (outputs.isEmpty()) {
          return judged.isEmpty()
              ? Optional.empty()
              : Optional.of(outcome(way, judged, parameters, steps, times));
        }
        place(group, outputs.get().logits(), logits);
        parameters += outputs.get().parameters();
        steps += outputs.get().steps();
        time += outputs.get().microseconds();
      }
      judged.add(new Judged(questions, logits, answers.get(fold)));
      times.add(time);
    }
    return Optional.of(outcome(way, judged, parameters, steps, times));
  }

  private static Outcome outcome(
      Way way, List<Judged> judged, long parameters, long steps, List<Double> times) {
    double[] sorted = times.stream().mapToDouble(time -> time).sorted().toArray();
    return new Outcome(way, judged, parameters, steps, sorted[sorted.length / 2]);
  }

  /** Writes the outputs of some questions where they are among those of all. */
  private void place(List<Integer> group, float[][] from, float[][] to) {
    int next = 0;
    for (int q : group) {
      Question question = questions.get(q);
      for (int i = 0; i < to.length; i++) {
        System.arraycopy(from[i], next, to[i], question.output(), question.width());
      }
      next += question.width();
    }
  }

  private Optional<CellOutputs> train(Cell cell) {
    CellOutputs before = done.get(cell);
    if (before != null) {
      return Optional.of(before);
    }
    Split fold = folds.get(cell.fold());
    List<String> names = Question.texts(cell.group().stream().map(questions::get).toList());
    String what =
        (names.size() == questions.size() ? "all questions" : String.join(", ", names))
            + ", width × "
            + cell.width()
            + ", fold "
            + (cell.fold() + 1)
            + " of "
            + folds.size();
    Optional<CellOutputs> outputs =
        run.train(
            what,
            () -> fingerprint(cell),
            fold.second().size(),
            () -> {
              try (Network network = trained(cell, study.steps())) {
                return outputs(network, fold.second());
              }
            });
    outputs.ifPresent(of -> done.put(cell, of));
    return outputs;
  }

  private Fingerprint fingerprint(Cell cell) {
    long seed = study.seed() + cell.fold();
    try (Network network = network(cell.width(), Optional.of(cell.group()), seed)) {
      return new Fingerprint()
          .add("sharing study 1", Espalier.version(), Espalier.cpuTarget())
          .add(network)
          .add(foldPrints.get(cell.fold()), seed, study.steps(), study.batchSize())
          .add(study.learningRate());
    }
  }

  /** Returns a trained network of a cell's questions, to be closed by the caller. */
  private Network trained(Cell cell, long steps) {
    long seed = study.seed() + cell.fold();
    List<Question> asked = cell.group().stream().map(questions::get).toList();
    Dataset view = QuestionsDataset.of(folds.get(cell.fold()).first(), asked);
    Network network = network(cell.width(), Optional.of(cell.group()), seed);
    try {
      if (view.size() > 0) { // without an answer there is nothing to learn
        Trainer.of(network)
            .optimizer(AdamW.withLearningRate(study.learningRate()))
            .schedule(Schedule.cosine().warmup(Math.min(steps - 1, steps / WARM_UP_SHARE)))
            .batchSize(study.batchSize())
            .steps(steps)
            .seed(seed)
            .listener(run.stopper())
            .fit(view);
      }
      return network;
    } catch (RuntimeException | Error error) {
      network.close();
      throw error;
    }
  }

  private CellOutputs outputs(Network network, Dataset judging) {
    try (Predictor predictor = network.predictor(PredictorOptions.defaults().logits())) {
      float[][] logits = predictor.predict(judging);
      float[] input = Datasets.input(judging, 0);
      float[] output = new float[predictor.outputSize()];
      long[] nanos = new long[TIMED_CALLS];
      for (int i = 0; i < TIMED_CALLS; i++) {
        long start = System.nanoTime();
        predictor.predict(input, output);
        nanos[i] = System.nanoTime() - start;
      }
      Arrays.sort(nanos);
      return new CellOutputs(
          logits,
          study.steps(),
          0,
          network.layers().stream().mapToLong(LayerSummary::parameterCount).sum(),
          nanos[TIMED_CALLS / 2] * 1e-3);
    }
  }

  private double[][] cosines() {
    Cell shared =
        new Cell(IntStream.range(0, questions.size()).boxed().toList(), study.widths().get(0), 0);
    return run.unlessStopped(
            () -> {
              try (Network network = trained(shared, Math.max(1, study.steps() / 4))) {
                return GradientCosines.of(
                    network,
                    q -> network(shared.width(), Optional.of(List.of(q)), study.seed()),
                    folds.get(0).first(),
                    questions);
              }
            })
        .orElse(new double[0][]);
  }
}
