// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Target;
import dev.espalier.data.PictureDataset;
import dev.espalier.data.PictureOptions;
import dev.espalier.data.PictureReader;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * Photographs of Debian's package tuxpaint-stamps-default (GPL-2), and yes/no questions about them
 * that the folders answer.
 */
final class Stamps {
  static final String TASK = "stamp";

  /** The question, and the folders of which the answer is yes. */
  static final Map<String, List<String>> QUESTIONS = new LinkedHashMap<>();

  static {
    QUESTIONS.put("an animal", List.of("animals"));
    QUESTIONS.put("a mammal", List.of("animals/mammals", "animals/marsupials"));
    QUESTIONS.put("a bird", List.of("animals/birds"));
    QUESTIONS.put("food", List.of("food"));
    QUESTIONS.put(
        "grows from the ground",
        List.of("plants", "food/fruit", "food/vegetables", "food/nuts", "food/spices"));
    QUESTIONS.put("a vehicle", List.of("vehicles", "military/vehicles"));
    QUESTIONS.put("worn", List.of("clothes"));
    QUESTIONS.put("found in a home", List.of("household", "food", "clothes"));
    QUESTIONS.put(
        "made by people",
        List.of(
            "clothes",
            "hobbies",
            "household",
            "medical",
            "military",
            "sports",
            "town",
            "vehicles"));
  }

  /** Folders whose pictures are of a clear kind: none of letters, festivals or planets. */
  private static final Set<String> FOLDERS =
      Set.of(
          "animals",
          "clothes",
          "food",
          "hobbies",
          "household",
          "medical",
          "military",
          "plants",
          "sports",
          "town",
          "vehicles");

  private static final String DRAWINGS = "cartoon";
  private static final long SPLIT_SEED = 11;
  private static final int TEST = 150;
  private static final int VALIDATION = 90;

  private final PictureDataset pictures;
  private final List<String> names;
  private final int validationStart;
  private final int poolStart;

  /** Reads the pictures: of one subject all for test, or validation, or the pool. */
  Stamps(Path folder, PictureReader reader) {
    Map<String, List<Path>> bySubject = new TreeMap<>();
    for (Path file : PictureDataset.find(folder)) {
      Path path = folder.relativize(file);
      if (FOLDERS.contains(path.getName(0).toString()) && !path.toString().contains(DRAWINGS)) {
        bySubject.computeIfAbsent(subject(path), s -> new ArrayList<>()).add(file);
      }
    }
    List<String> subjects = new ArrayList<>(bySubject.keySet());
    Collections.shuffle(subjects, new Random(SPLIT_SEED));
    List<Path> files = new ArrayList<>();
    int[] ends = new int[2];
    for (String subject : subjects) {
      files.addAll(bySubject.get(subject));
      ends[0] = ends[0] == 0 && files.size() >= TEST ? files.size() : ends[0];
      ends[1] = ends[1] == 0 && files.size() >= TEST + VALIDATION ? files.size() : ends[1];
    }
    validationStart = ends[0];
    poolStart = ends[1];
    names = files.stream().map(file -> folder.relativize(file).toString()).toList();
    if (poolStart == 0) {
      throw new IllegalStateException(
          folder + ": expected the pictures of tuxpaint-stamps-default, found " + names.size());
    }
    Target target = Target.numbers(TASK, List.copyOf(QUESTIONS.keySet()));
    float[][] answers = names.stream().map(Stamps::answers).toArray(float[][]::new);
    pictures = PictureDataset.of(reader, files, target, answers, PictureOptions.defaults());
  }

  /**
   * What several pictures may show alike: the first word of a file's name without its number, so
   * {@code pig}, {@code pig_golden2} and {@code pig_mirror} are of one subject.
   */
  private static String subject(Path path) {
    String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
    return name.split("[^a-z]", 2)[0];
  }

  private static float[] answers(String name) {
    float[] answers = new float[QUESTIONS.size()];
    int j = 0;
    for (List<String> folders : QUESTIONS.values()) {
      answers[j++] = folders.stream().anyMatch(f -> name.startsWith(f + "/")) ? 1 : 0;
    }
    return answers;
  }

  static String[] labels() {
    return QUESTIONS.keySet().toArray(String[]::new);
  }

  /** All pictures: those for tests, then validation, then the pool. */
  PictureDataset pictures() {
    return pictures;
  }

  /** The part for tests of all pictures, or of their features. */
  Dataset test(Dataset all) {
    return Datasets.range(all, 0, validationStart);
  }

  /** The part that chooses rates, weights and the layer to cut at. */
  Dataset validation(Dataset all) {
    return Datasets.range(all, validationStart, poolStart);
  }

  /** The part to train on. */
  Dataset pool(Dataset all) {
    return Datasets.range(all, poolStart, pictures.size());
  }

  /** All but the part for tests. */
  Dataset beyondTest(Dataset all) {
    return Datasets.range(all, validationStart, pictures.size());
  }

  /** The answers for a test picture: 1 or 0 each. */
  float[] answers(int testPicture) {
    return answers(names.get(testPicture));
  }

  /** A test picture as the network sees it. */
  BufferedImage show(int testPicture) {
    return pictures.reader().show(Datasets.input(pictures, testPicture));
  }

  /** The path of a test picture in its package, without extension. */
  String name(int testPicture) {
    return names.get(testPicture).replaceFirst("\\.[a-z]+$", "");
  }
}
