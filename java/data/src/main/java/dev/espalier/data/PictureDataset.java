// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.Dataset;
import dev.espalier.Shape;
import dev.espalier.ShapeException;
import dev.espalier.Target;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Picture files as examples, in the order of their names or of a list.
 *
 * <p>Each file is decoded once when the data set is made, by several threads, so that none turns
 * out to be broken later. What was decoded is kept as far as {@link PictureOptions#cacheBudget}
 * allows; the rest is decoded again, the next pictures of a training while a step is computed. The
 * files have to stay as they are. Files that are no pictures, or damaged, are an error that names
 * each with the reason, unless {@link PictureOptions#skipBroken} leaves some out.
 *
 * <p>It is stable ({@link Dataset#isStable}): features of frozen layers are computed once. Any
 * number of threads may read one.
 *
 * @since 0.1
 */
public final class PictureDataset implements Dataset {
  private static final int SHOWN = 20;

  private final PictureReader reader;
  private final PictureStore store;
  private final List<BrokenPicture> broken;
  private final List<Target> targets;
  private final Answers answers;
  private final int[] places; // of the files among those that there are answers to

  /** Targets of files, those that are left out included; as {@link Dataset#readTarget}. */
  private interface Answers {
    boolean read(String task, int file, float[] destination, int offset);
  }

  private PictureDataset(
      PictureReader reader, PictureStore.Opened opened, List<Target> targets, Answers answers) {
    this.reader = reader;
    store = opened.store();
    broken = opened.broken();
    places = opened.readable();
    this.targets = targets;
    this.answers = answers;
  }

  /**
   * Reads a folder whose subfolders are the classes: {@code cat/1.jpg}, {@code dog/tall/2.png}.
   * Classes have the names of the subfolders, and their order; pictures are files that are called
   * .jpg, .jpeg, .jpe, .png, .webp, .bmp, .gif, .tif or .tiff, in any case, there and in folders
   * below. Names that begin with a dot are left out. Links are followed.
   *
   * @param reader for the network's input
   * @param folder the folder
   * @return the pictures, with classes of the task without a name
   * @throws IllegalArgumentException if there are no subfolders, if one has no pictures, if there
   *     are pictures beside them, or if pictures are broken
   * @throws java.io.UncheckedIOException if the folder can't be read
   */
  public static PictureDataset folder(PictureReader reader, Path folder) {
    return folder(reader, folder, PictureOptions.defaults());
  }

  /**
   * Reads a folder whose subfolders are the classes, with options.
   *
   * @param reader for the network's input
   * @param folder the folder
   * @param options what becomes of broken files, and how much is kept
   * @return the pictures, with classes of the task without a name
   * @throws IllegalArgumentException if there are no subfolders, if one has no pictures, if there
   *     are pictures beside them, or if more pictures are broken than may be skipped
   * @throws java.io.UncheckedIOException if the folder can't be read
   */
  public static PictureDataset folder(PictureReader reader, Path folder, PictureOptions options) {
    PictureFolder.Classes found = PictureFolder.classes(Objects.requireNonNull(folder, "folder"));
    Answers answers =
        (task, file, destination, offset) -> {
          destination[offset] = found.classes()[file];
          return true;
        };
    return open(
        reader, found.files(), List.of(Target.classes("", found.names())), answers, options);
  }

  /**
   * Reads files without targets; {@link dev.espalier.Datasets#withTargets} and {@code withClasses}
   * add some.
   *
   * @param reader for the network's input
   * @param files the files, at least one
   * @return the pictures, in the order of the files
   * @throws IllegalArgumentException if there are no files, or pictures are broken
   */
  public static PictureDataset of(PictureReader reader, List<Path> files) {
    Answers none = (task, file, destination, offset) -> false;
    return open(reader, files, List.of(), none, PictureOptions.defaults());
  }

  /**
   * Reads files with targets, which stay with their pictures where broken ones are left out.
   *
   * @param reader for the network's input
   * @param files the files, at least one
   * @param target the targets' form
   * @param answers {@code [files.size()][target.width()]}: NaN where nobody said, for classes -1
   * @param options what becomes of broken files, and how much is kept
   * @return the pictures, in the order of the files
   * @throws ShapeException if there are not as many answers
   * @throws IllegalArgumentException if there are no files, or if more pictures are broken than may
   *     be skipped
   */
  public static PictureDataset of(
      PictureReader reader,
      List<Path> files,
      Target target,
      float[][] answers,
      PictureOptions options) {
    Objects.requireNonNull(target, "target");
    if (Objects.requireNonNull(answers, "answers").length != files.size()) {
      throw new ShapeException(
          "answers: expected those of " + files.size() + " files, got " + answers.length);
    }
    float[][] copy = new float[answers.length][];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = answers[i].clone();
      if (copy[i].length != target.width()) {
        throw new ShapeException(
            "answers of "
                + files.get(i)
                + ": expected "
                + target.width()
                + ", got "
                + copy[i].length);
      }
    }
    Answers ofFiles =
        (task, file, destination, offset) -> {
          System.arraycopy(copy[file], 0, destination, offset, copy[file].length);
          return true;
        };
    return open(reader, files, List.of(target), ofFiles, options);
  }

  /**
   * Reads the files that a table names, with the table's answers: of a CSV file with a column of
   * names and columns of labels, say, blanks unlabelled.
   *
   * @param reader for the network's input
   * @param table rows with files and targets, at least one
   * @param column of the names, which has the role text: relative to the folder, or absolute
   * @param folder where the files are
   * @param options what becomes of broken files, and how much is kept
   * @return the pictures, in the order of the rows
   * @throws IllegalArgumentException if there is no such column or no row, if a row names no file,
   *     or if more pictures are broken than may be skipped
   */
  public static PictureDataset of(
      PictureReader reader, Table table, String column, Path folder, PictureOptions options) {
    Objects.requireNonNull(folder, "folder");
    List<Path> files = new ArrayList<>();
    for (String name : table.texts(column)) {
      if (name.isEmpty()) {
        throw new IllegalArgumentException(
            "column \""
                + column
                + "\": expected a file in each row, got none in row "
                + files.size());
      }
      files.add(folder.resolve(name));
    }
    return open(reader, files, table.targets(), table::readTarget, options);
  }

  /**
   * Finds the picture files below a folder, as {@link #folder} does below a class.
   *
   * @param folder the folder
   * @return the files, in the order of their paths
   * @throws java.io.UncheckedIOException if the folder can't be read
   */
  public static List<Path> find(Path folder) {
    return PictureFolder.files(Objects.requireNonNull(folder, "folder"));
  }

  private static PictureDataset open(
      PictureReader reader,
      List<Path> files,
      List<Target> targets,
      Answers answers,
      PictureOptions options) {
    Objects.requireNonNull(reader, "reader");
    Objects.requireNonNull(options, "options");
    List<Path> copy = List.copyOf(Objects.requireNonNull(files, "files"));
    if (copy.isEmpty()) {
      throw new IllegalArgumentException("files: expected at least one picture, got none");
    }
    PictureStore.Opened opened = PictureStore.open(reader, copy, options);
    requireFew(opened.broken(), copy.size(), options.skippedBroken());
    return new PictureDataset(reader, opened, targets, answers);
  }

  private static void requireFew(List<BrokenPicture> broken, int files, int most) {
    if (broken.size() > most || broken.size() == files) {
      String reasons =
          broken.stream().limit(SHOWN).map(one -> "\n  " + one).collect(Collectors.joining());
      throw new IllegalArgumentException(
          "expected at most "
              + most
              + " broken pictures (PictureOptions.skipBroken), and one that is not, got "
              + broken.size()
              + " of "
              + files
              + ":"
              + reasons
              + (broken.size() > SHOWN ? "\n  and " + (broken.size() - SHOWN) + " more" : ""));
    }
  }

  /**
   * Returns the files of the examples.
   *
   * @return a file for each, in their order
   */
  public List<Path> files() {
    return store.files();
  }

  /**
   * Returns the files that were left out.
   *
   * @return each with the reason; empty, unless {@link PictureOptions#skipBroken} allowed some
   */
  public List<BrokenPicture> broken() {
    return broken;
  }

  /**
   * Returns what reads the pictures: for a predictor to read others the same way.
   *
   * @return the reader
   */
  public PictureReader reader() {
    return reader;
  }

  @Override
  public int size() {
    return store.files().size();
  }

  @Override
  public Shape inputShape() {
    return reader.inputShape();
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    reader.normalize(store.get(Objects.checkIndex(index, size())), destination, offset);
  }

  @Override
  public List<Target> targets() {
    return targets;
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    if (targets.stream().noneMatch(target -> target.task().equals(task))) {
      throw new IllegalArgumentException(
          "task: expected that of one of the targets " + targets + ", got \"" + task + '"');
    }
    return answers.read(task, places[Objects.checkIndex(index, size())], destination, offset);
  }

  @Override
  public void expect(int[] examples) {
    store.expect(examples);
  }

  @Override
  public boolean isStable() {
    return true;
  }

  /** Returns how many pictures that are not kept have been decoded for who asks next. */
  int decodedAhead() {
    return store.decodedAhead();
  }

  private static String joined(List<Target> targets) {
    return targets.stream().map(Target::toString).collect(Collectors.joining(" and "));
  }

  /** Returns how many pictures there are, and what was left out. */
  @Override
  public String toString() {
    return size()
        + " pictures "
        + inputShape()
        + (targets.isEmpty() ? "" : " with " + joined(targets))
        + (broken.isEmpty() ? "" : ", " + broken.size() + " broken ones left out");
  }
}
