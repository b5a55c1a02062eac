// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.Dataset;
import dev.espalier.Shape;
import dev.espalier.ShapeException;
import dev.espalier.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * Images and their classes from IDX files of unsigned bytes, as MNIST has them, gzipped or not:
 * {@code IdxDataset.readPart(folder, "train")}. The one task has no name, and its classes have
 * none; see {@link dev.espalier.Datasets#withNames}.
 *
 * <p>Images {@code [n, rows, columns]} get the shape {@code [1, rows, columns]}, {@code [n,
 * channels, rows, columns]} keep theirs, {@code [n, values]} are vectors. They are kept in memory,
 * a byte a pixel. Immutable; any number of threads may read one.
 *
 * @since 0.1
 */
public final class IdxDataset implements Dataset {
  private static final String TASK = "";

  private final byte[] pixels;
  private final byte[] classes;
  private final Shape shape;
  private final float scale;

  private IdxDataset(byte[] pixels, byte[] classes, Shape shape, float scale) {
    this.pixels = pixels;
    this.classes = classes;
    this.shape = shape;
    this.scale = scale;
  }

  /**
   * Reads images and classes; pixels are divided by 255.
   *
   * @param images file of the inputs
   * @param labels file of the classes, one byte each
   * @return the data set
   * @throws IllegalArgumentException if a file is not a valid IDX file of this kind: wrong magic,
   *     truncated, or longer than its header says
   * @throws ShapeException if the files differ in the number of examples
   * @throws java.io.UncheckedIOException if a file cannot be read
   */
  public static IdxDataset read(Path images, Path labels) {
    return read(images, labels, 1f / 255);
  }

  /**
   * Reads one part of a data set whose files have the names of MNIST's, as {@link #read(Path,
   * Path)} does, with its exceptions: {@code <part>-images-idx3-ubyte} and {@code
   * <part>-labels-idx1-ubyte}, each with {@code .gz} behind it or without.
   *
   * @param folder of the files
   * @param part {@code "train"} or {@code "t10k"}, the test images, of MNIST and those like it
   * @return the data set
   */
  public static IdxDataset readPart(Path folder, String part) {
    Objects.requireNonNull(folder, "folder");
    Objects.requireNonNull(part, "part");
    return read(
        gzipOr(folder, part + "-images-idx3-ubyte"), gzipOr(folder, part + "-labels-idx1-ubyte"));
  }

  private static Path gzipOr(Path folder, String name) {
    Path zipped = folder.resolve(name + ".gz");
    return Files.exists(zipped) ? zipped : folder.resolve(name);
  }

  /**
   * Reads images and classes as {@link #read(Path, Path)} does, with pixels from 0 to 255.
   *
   * @param images file of the inputs
   * @param labels file of the classes, one byte each
   * @return the data set
   * @throws IllegalArgumentException if a file is not a valid IDX file of this kind
   * @throws ShapeException if the files differ in the number of examples
   * @throws java.io.UncheckedIOException if a file cannot be read
   */
  public static IdxDataset readRaw(Path images, Path labels) {
    return read(images, labels, 1);
  }

  private static IdxDataset read(Path images, Path labels, float scale) {
    Objects.requireNonNull(images, "images");
    Objects.requireNonNull(labels, "labels");
    IdxFile inputs = IdxFile.read(images, 2, 4);
    IdxFile classes = IdxFile.read(labels, 1, 1);
    if (inputs.count() != classes.count()) {
      throw new ShapeException(
          labels
              + ": expected "
              + inputs.count()
              + " labels for as many images, got "
              + classes.count());
    }
    return new IdxDataset(inputs.values(), classes.values(), inputs.shape(images), scale);
  }

  @Override
  public int size() {
    return classes.length;
  }

  @Override
  public Shape inputShape() {
    return shape;
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    int first = Objects.checkIndex(index, size()) * shape.size();
    Objects.checkFromIndexSize(offset, shape.size(), destination.length);
    for (int i = 0; i < shape.size(); i++) {
      destination[offset + i] = Byte.toUnsignedInt(pixels[first + i]) * scale;
    }
  }

  @Override
  public List<Target> targets() {
    return List.of(Target.classes(TASK));
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    if (!task.equals(TASK)) {
      throw new IllegalArgumentException("task: expected \"" + TASK + "\", got \"" + task + '"');
    }
    destination[offset] = Byte.toUnsignedInt(classes[Objects.checkIndex(index, size())]);
    return true;
  }

  @Override
  public boolean isStable() {
    return true;
  }

  /** Returns the number of images and their shape. */
  @Override
  public String toString() {
    return "IdxDataset[" + size() + " images " + shape + "]";
  }
}
