// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.AdamW;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.NetworkBuilder;
import dev.espalier.Schedule;
import dev.espalier.Shape;
import dev.espalier.Trainer;
import dev.espalier.data.IdxDataset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** Pairs of tasks to judge the advisor by: of garments, digits and songs, small enough to train. */
final class AdvisorPairs {
  static final int SIZE = 400;
  private static final int SIZE_OF_SONGS = 300;
  private static final int SOURCE_EXAMPLES = 12_000;
  private static final int SOURCE_DIGITS = 4000;
  private static final int POOL_DIGITS = 3000;
  private static final int TEST_EXAMPLES = 3000;
  private static final int FEATURES_OF_SONGS = 72;
  private static final double HIDDEN = 0.5;
  private static final String[] LOOKS = {"odd", "has a loop", "5 or more", "has a straight line"};
  private static final int[][] YES = {{1, 3, 5, 7, 9}, {0, 6, 8, 9}, {5, 6, 7, 8, 9}, {1, 4, 5, 7}};
  private static final String[] MEASURES = {"ink", "row", "column"};

  private final List<AdvisorPair> pairs = new ArrayList<>();
  private final Map<String, Network> backbones = new HashMap<>();
  private final Pictures garments;
  private final Optional<Pictures> digits;

  /** Pictures with a class each: to learn the first task from, the second one, and to test. */
  private record Pictures(String name, Dataset source, Dataset pool, Dataset test) {}

  /** Answers to a task for pictures. */
  private record Questions(String name, Head head, IntFunction<float[]> answers) {}

  AdvisorPairs(FashionMnist data, Optional<Path> others) throws IOException {
    int end = FashionMnist.PRETRAINING_VALIDATION_END;
    garments =
        new Pictures(
            "garments",
            Datasets.range(data.training(), 0, SOURCE_EXAMPLES),
            Datasets.range(data.training(), end, FashionMnist.POOL_END),
            Datasets.range(data.test(), 0, TEST_EXAMPLES));
    digits = others.map(AdvisorPairs::digits);
    ofGarments();
    digits.ifPresent(this::withDigits);
    if (others.isPresent()) {
      withSongs(others.get().resolve("emotions"));
    }
  }

  List<AdvisorPair> all() {
    return pairs;
  }

  private static Pictures digits(Path folder) {
    Dataset all = IdxDataset.readPart(folder.resolve("mnist-t10k"), "t10k");
    int pool = SOURCE_DIGITS + POOL_DIGITS;
    return new Pictures(
        "digits",
        Datasets.range(all, 0, SOURCE_DIGITS),
        Datasets.range(all, SOURCE_DIGITS, pool),
        Datasets.range(all, pool, all.size()));
  }

  private void ofGarments() {
    Network ten = classes(garments, null, "ten garments");
    add("ten garments → six attributes", ten, garments, attributes());
    for (int split = 0; split < 5; split++) {
      int[] order = order(split);
      int[] first = Arrays.copyOfRange(order, 0, 5);
      int[] last = Arrays.copyOfRange(order, 5, 10);
      String name = split == 0 ? "" : ", split " + split;
      Network five = classes(garments, first, "five garments" + name);
      addClasses("five garments → the other five" + name, split == 0, five, garments, last);
    }
    Network attributes = train("attributes", garments, attributes());
    addClasses("six attributes → ten garments", false, attributes, garments, null);
    Network shoes = train("shoes", garments, labels("shoe", new int[][] {{5, 7, 9}}));
    addClasses("shoe or not → ten garments", false, shoes, garments, null);
    add("shoe or not → six attributes", shoes, garments, attributes());
    Network chance = classes(shuffled(garments), null, "classes by chance");
    addClasses("garments, classes by chance → ten garments", false, chance, garments, null);
    add("garments, classes by chance → six attributes", chance, garments, attributes());
    Pictures turned = mapped(garments, AdvisorPairs::turned);
    addClasses("ten garments → ten garments, turned by 90°", false, ten, turned, null);
    Pictures negative = mapped(garments, AdvisorPairs::negative);
    addClasses("ten garments → ten garments, negative", false, ten, negative, null);
    addMeasures("ten garments → where and how large", ten, garments);
  }

  private void withDigits(Pictures ofDigits) {
    Network garment = backbones.get("ten garments");
    addClasses("ten garments → ten digits", true, garment, ofDigits, null);
    add("ten garments → four looks of digits", garment, ofDigits, looks());
    add("ten garments → odd digits", garment, ofDigits, labels("odd", new int[][] {YES[0]}));
    Network attributes = backbones.get("attributes");
    addClasses("six attributes → ten digits", false, attributes, ofDigits, null);
    Network chance = backbones.get("classes by chance");
    addClasses("garments, classes by chance → ten digits", false, chance, ofDigits, null);
    Network ten = classes(ofDigits, null, "ten digits");
    addClasses("ten digits → ten garments", false, ten, garments, null);
    add("ten digits → six attributes", ten, garments, attributes());
    add("ten digits → four looks of digits", ten, ofDigits, looks());
    add("ten digits → odd digits", ten, ofDigits, labels("odd", new int[][] {YES[0]}));
    addMeasures("ten digits → where and how large", ten, ofDigits);
    int[] low = {0, 1, 2, 3, 4};
    int[] high = {5, 6, 7, 8, 9};
    Network lowDigits = classes(ofDigits, low, "digits 0 to 4");
    addClasses("digits 0 to 4 → 5 to 9", false, lowDigits, ofDigits, high);
    Network odd = train("odd", ofDigits, labels("odd", new int[][] {YES[0]}));
    addClasses("odd digits → ten digits", false, odd, ofDigits, null);
    Network looks = train("looks", ofDigits, looks());
    addClasses("four looks of digits → ten digits", false, looks, ofDigits, null);
  }

  private void withSongs(Path folder) throws IOException {
    String[] first = {"amazed", "happy", "relaxing"};
    String[] last = {"quiet", "sad", "angry"};
    addSongs("songs: three moods → three others", folder, first, 0, last, 3);
    addSongs("songs: the other three → the first", folder, last, 3, first, 0);
  }

  private void addSongs(String name, Path folder, String[] before, int from, String[] after, int to)
      throws IOException {
    Path file = folder.resolve("train.csv");
    Dataset source = songs(file, before, from);
    Network backbone =
        Network.builder(source.inputShape())
            .dense("hidden", 64)
            .relu()
            .dense("features", 32)
            .relu()
            .head("old", Head.labels(before))
            .build(1);
    train(backbone, Datasets.forTask(source, "old"), 20);
    pairs.add(
        new AdvisorPair(
            name,
            false,
            backbone,
            Head.layers(h -> h.layerNorm()).labels(after),
            songs(file, after, to),
            songs(folder.resolve("test.csv"), after, to),
            SIZE_OF_SONGS));
  }

  /** Songs of a CSV file with a header, features brought to one scale, and three labels. */
  private static Dataset songs(Path file, String[] names, int from) throws IOException {
    List<String> lines = Files.readAllLines(file);
    float[][] rows = new float[lines.size() - 1][FEATURES_OF_SONGS];
    float[][] answers = new float[rows.length][names.length];
    for (int i = 0; i < rows.length; i++) {
      String[] cells = lines.get(i + 1).split(",");
      for (int c = 0; c < FEATURES_OF_SONGS; c++) {
        rows[i][c] = Float.parseFloat(cells[c]);
      }
      for (int j = 0; j < names.length; j++) {
        answers[i][j] = Float.parseFloat(cells[FEATURES_OF_SONGS + from + j]);
      }
    }
    standardize(rows);
    return Datasets.withTargets(
        Datasets.withoutTargets(Datasets.of(rows, answers)),
        AdvisorPair.TASK,
        List.of(names),
        answers);
  }

  private static void standardize(float[][] rows) {
    for (int c = 0; c < rows[0].length; c++) {
      double sum = 0;
      double squares = 0;
      for (float[] row : rows) {
        sum += row[c];
        squares += (double) row[c] * row[c];
      }
      double mean = sum / rows.length;
      double deviation = Math.sqrt(Math.max(1e-12, squares / rows.length - mean * mean));
      for (float[] row : rows) {
        row[c] = (float) ((row[c] - mean) / deviation);
      }
    }
  }

  // --- Tasks.

  private static Questions attributes() {
    return new Questions(
        "attributes", Head.labels(GarmentAttributes.names()), GarmentAttributes::of);
  }

  private static Questions looks() {
    return new Questions("looks", Head.labels(LOOKS), digit -> yes(digit, YES));
  }

  private static Questions labels(String name, int[][] yes) {
    return new Questions(name, Head.labels(name), kind -> yes(kind, yes));
  }

  private static float[] yes(int kind, int[][] kinds) {
    float[] answers = new float[kinds.length];
    for (int j = 0; j < kinds.length; j++) {
      answers[j] = IntStream.of(kinds[j]).anyMatch(k -> k == kind) ? 1 : 0;
    }
    return answers;
  }

  private static int[] order(int split) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, 10).boxed().toList());
    if (split > 0) {
      java.util.Collections.shuffle(order, new Random(split));
    }
    return order.stream().mapToInt(kind -> kind).toArray();
  }

  /** The answers to questions about pictures, some hidden. */
  private static Dataset answered(
      Dataset pictures, String task, Questions questions, double hidden) {
    int[] classes = FashionMnist.classes(pictures);
    float[][] answers = new float[classes.length][];
    for (int i = 0; i < classes.length; i++) {
      answers[i] = questions.answers.apply(classes[i]);
    }
    List<String> names = names(questions);
    Dataset all = Datasets.withTargets(Datasets.withoutTargets(pictures), task, names, answers);
    return hidden == 0 ? all : GarmentAttributes.hide(all, task, hidden, Float.NaN, 7);
  }

  private static List<String> names(Questions questions) {
    return switch (questions.name) {
      case "attributes" -> List.of(GarmentAttributes.names());
      case "looks" -> List.of(LOOKS);
      default -> List.of(questions.name);
    };
  }

  /** Pictures of some classes, numbered from 0; of all if {@code kinds} is null. */
  private static Dataset only(Dataset pictures, String task, int[] kinds) {
    int[] classes = FashionMnist.classes(pictures);
    int[] chosen =
        IntStream.range(0, classes.length)
            .filter(i -> kinds == null || IntStream.of(kinds).anyMatch(k -> k == classes[i]))
            .toArray();
    int[] numbers =
        IntStream.of(chosen)
            .map(i -> kinds == null ? classes[i] : position(kinds, classes[i]))
            .toArray();
    return Datasets.withClasses(
        Datasets.withoutTargets(Datasets.subset(pictures, chosen)), task, numbers);
  }

  private static int position(int[] kinds, int kind) {
    return IntStream.range(0, kinds.length).filter(k -> kinds[k] == kind).findFirst().orElseThrow();
  }

  private static Pictures shuffled(Pictures pictures) {
    int[] classes = new Random(5).ints(pictures.source.size(), 0, 10).toArray();
    Dataset source = Datasets.withClasses(Datasets.withoutTargets(pictures.source), "", classes);
    return new Pictures("shuffled", source, pictures.pool, pictures.test);
  }

  private static Pictures mapped(
      Pictures pictures, java.util.function.UnaryOperator<float[]> change) {
    return new Pictures(
        pictures.name,
        pictures.source,
        Datasets.map(pictures.pool, change),
        Datasets.map(pictures.test, change));
  }

  private static float[] turned(float[] picture) {
    int side = (int) Math.sqrt(picture.length);
    float[] turned = new float[picture.length];
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        turned[x * side + side - 1 - y] = picture[y * side + x];
      }
    }
    return turned;
  }

  private static float[] negative(float[] picture) {
    float[] negative = new float[picture.length];
    for (int i = 0; i < negative.length; i++) {
      negative[i] = 1 - picture[i];
    }
    return negative;
  }

  /** How much ink there is, and where its middle is, brought to one scale. */
  private static Dataset measured(Dataset pictures) {
    float[][] measures = new float[pictures.size()][];
    for (int i = 0; i < measures.length; i++) {
      float[] picture = Datasets.input(pictures, i);
      int side = (int) Math.sqrt(picture.length);
      double ink = 1e-6;
      double row = 0;
      double column = 0;
      for (int p = 0; p < picture.length; p++) {
        ink += picture[p];
        row += picture[p] * (p / side);
        column += picture[p] * (p % side);
      }
      measures[i] = new float[] {(float) ink, (float) (row / ink), (float) (column / ink)};
    }
    standardize(measures);
    return Datasets.withTargets(
        Datasets.withoutTargets(pictures), AdvisorPair.TASK, List.of(MEASURES), measures);
  }

  // --- Networks and pairs.

  /** Two convolutions of 8 and 16 channels and 64 features. */
  private static NetworkBuilder form() {
    return Network.builder(Shape.image(1, 28, 28))
        .normalize(FashionMnist.MEAN, FashionMnist.STANDARD_DEVIATION)
        .conv2d("conv1", 8, 3)
        .relu()
        .maxPool2d(2)
        .conv2d("conv2", 16, 3)
        .relu()
        .maxPool2d(2)
        .dense("features", 64)
        .relu();
  }

  private Network classes(Pictures pictures, int[] kinds, String name) {
    Dataset data = only(pictures.source, "old", kinds);
    Network network = form().head("old", Head.classes(kinds == null ? 10 : kinds.length)).build(1);
    train(network, data, 2);
    backbones.put(name, network);
    return network;
  }

  private Network train(String name, Pictures pictures, Questions questions) {
    Network network = form().head("old", questions.head).build(1);
    train(network, answered(pictures.source, "old", questions, 0), 2);
    backbones.put(name, network);
    return network;
  }

  static void train(Network network, Dataset data, int epochs) {
    Trainer.of(network)
        .optimizer(AdamW.withLearningRate(3e-3))
        .schedule(Schedule.oneCycle())
        .batchSize(64)
        .epochs(epochs)
        .fit(data);
  }

  private void add(String name, Network backbone, Pictures pictures, Questions questions) {
    pairs.add(
        new AdvisorPair(
            name,
            false,
            backbone,
            questions.head,
            answered(pictures.pool, AdvisorPair.TASK, questions, HIDDEN),
            answered(pictures.test, AdvisorPair.TASK, questions, 0),
            SIZE));
  }

  private void addClasses(
      String name, boolean isToHurt, Network backbone, Pictures pictures, int[] kinds) {
    pairs.add(
        new AdvisorPair(
            name,
            isToHurt,
            backbone,
            Head.classes(kinds == null ? 10 : kinds.length),
            only(pictures.pool, AdvisorPair.TASK, kinds),
            only(pictures.test, AdvisorPair.TASK, kinds),
            SIZE));
  }

  private void addMeasures(String name, Network backbone, Pictures pictures) {
    pairs.add(
        new AdvisorPair(
            name,
            false,
            backbone,
            Head.values(MEASURES),
            measured(pictures.pool),
            measured(pictures.test),
            SIZE));
  }
}
