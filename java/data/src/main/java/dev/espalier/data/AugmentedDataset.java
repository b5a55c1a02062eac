// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Input;
import dev.espalier.Shape;
import dev.espalier.Target;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Pictures as they are in one epoch of an augmentation. */
final class AugmentedDataset implements Dataset {
  private final Augmentation augmentation;
  private final Dataset base;
  private final long seed;
  private final int epoch;
  private final int height;
  private final int width;

  AugmentedDataset(Augmentation augmentation, Dataset base, long seed, int epoch) {
    this.augmentation = augmentation;
    this.base = base;
    this.seed = seed;
    this.epoch = epoch;
    int[] dimensions = base.inputShape().dims();
    if (dimensions.length != 3 || base.inputs().size() > 1) {
      throw new IllegalArgumentException(
          "data: expected pictures [channels, height, width], got "
              + (base.inputs().isEmpty() ? base.inputShape() : base.inputs()));
    }
    height = dimensions[1];
    width = dimensions[2];
    int known = augmentation.values().mean().length;
    if (known != 1 && known != dimensions[0]) {
      throw new IllegalArgumentException(
          "data: expected pictures of "
              + known
              + " channels, as the reader's, got "
              + base.inputShape());
    }
    if (augmentation.colors().needsColor() && dimensions[0] != 3) {
      throw new IllegalArgumentException(
          "data: expected red, green and blue for saturation and hue, got " + base.inputShape());
    }
  }

  @Override
  public int size() {
    return base.size();
  }

  @Override
  public Shape inputShape() {
    return base.inputShape();
  }

  @Override
  public List<Input> inputs() {
    return base.inputs();
  }

  @Override
  public void readInput(int index, float[] destination, int offset) {
    RandomGenerator random = random(index, 1);
    float[] picture = changed(index, random);
    Mixing.Mixture mixture = mixture(index);
    if (mixture.isMixed()) {
      blend(picture, changed(mixture.partner(), random), mixture);
    }
    System.arraycopy(picture, 0, destination, offset, picture.length);
  }

  /** Mixtures read another example, too. */
  @Override
  public void expect(int[] examples) {
    int[] read = new int[2 * examples.length];
    int count = 0;
    for (int example : examples) {
      read[count++] = example;
      Mixing.Mixture mixture = mixture(example);
      if (mixture.isMixed()) {
        read[count++] = mixture.partner();
      }
    }
    base.expect(Arrays.copyOf(read, count));
  }

  /** Returns random numbers of an example; those of different uses have nothing in common. */
  private RandomGenerator random(int index, int use) {
    SplittableRandom ofSeed = new SplittableRandom(seed);
    SplittableRandom ofEpoch = new SplittableRandom(ofSeed.nextLong() + epoch);
    SplittableRandom ofExample = new SplittableRandom(ofEpoch.nextLong() + index);
    return new SplittableRandom(ofExample.nextLong() + use);
  }

  /** Returns what an example is mixed with. */
  Mixing.Mixture mixture(int index) {
    return augmentation.mixing().draw(index, size(), height, width, random(index, 0));
  }

  private float[] changed(int index, RandomGenerator random) {
    int area = height * width;
    float[] read = Datasets.input(base, index);
    float[] picture = augmentation.geometry().apply(read, height, width, random);
    if (!augmentation.colors().equals(ColorShift.NONE)) {
      PixelValues values = augmentation.values();
      for (int i = 0; i < picture.length; i++) {
        picture[i] = values.light(i / area, picture[i]);
      }
      augmentation.colors().apply(picture, area, random);
      for (int i = 0; i < picture.length; i++) {
        picture[i] = values.value(i / area, picture[i]);
      }
    }
    addNoise(picture, random);
    cutOut(picture, random);
    return picture;
  }

  private void addNoise(float[] picture, RandomGenerator random) {
    if (augmentation.noise() == 0) {
      return;
    }
    for (int i = 0; i < picture.length; i++) {
      // Box and Muller: the same in every version of Java.
      double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - random.nextDouble()));
      double normal = radius * StrictMath.cos(2 * StrictMath.PI * random.nextDouble());
      double deviation = augmentation.values().deviation(i / (height * width));
      picture[i] += (float) (augmentation.noise() * normal / deviation);
    }
  }

  private void cutOut(float[] picture, RandomGenerator random) {
    if (augmentation.cutOut() == 0) {
      return;
    }
    int side = (int) Math.round(augmentation.cutOut() * Math.min(height, width));
    int left = random.nextInt(width) - side / 2;
    int top = random.nextInt(height) - side / 2;
    for (int from = 0; from < picture.length; from += height * width) {
      float grey = augmentation.values().value(from / (height * width), 0.5f);
      for (int y = Math.max(0, top); y < Math.min(height, top + side); y++) {
        int row = from + y * width;
        int end = Math.min(width, left + side);
        if (end > 0) {
          Arrays.fill(picture, row + Math.max(0, left), row + end, grey);
        }
      }
    }
  }

  private void blend(float[] picture, float[] other, Mixing.Mixture mixture) {
    int[] box = mixture.box();
    for (int i = 0; box.length == 0 && i < picture.length; i++) {
      picture[i] = (float) (mixture.own() * picture[i] + (1 - mixture.own()) * other[i]);
    }
    for (int from = 0; box.length > 0 && from < picture.length; from += height * width) {
      for (int y = box[1]; y < box[3]; y++) {
        int first = from + y * width + box[0];
        System.arraycopy(other, first, picture, first, box[2] - box[0]);
      }
    }
  }

  @Override
  public List<Target> targets() {
    return base.targets();
  }

  @Override
  public boolean readTarget(String task, int index, float[] destination, int offset) {
    Mixing.Mixture mixture = mixture(index);
    if (!mixture.isMixed()) {
      return base.readTarget(task, index, destination, offset);
    }
    float[] own = Datasets.target(base, task, index);
    float[] other = Datasets.target(base, task, mixture.partner());
    boolean isClasses =
        base.targets().stream().anyMatch(t -> t.task().equals(task) && t.isClasses());
    for (int j = 0; j < own.length; j++) {
      destination[offset + j] =
          isClasses ? mixture.choose(own[j], other[j]) : mixture.mix(own[j], other[j]);
    }
    return true;
  }

  @Override
  public Dataset atEpoch(int epoch) {
    return new AugmentedDataset(augmentation, base.atEpoch(epoch), seed, epoch);
  }

  /** Returns what is changed, and how. */
  @Override
  public String toString() {
    return augmentation + " of " + base;
  }
}
