// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.AdamW;
import dev.espalier.Dataset;
import dev.espalier.Datasets;
import dev.espalier.Espalier;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Shape;
import dev.espalier.Trainer;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AugmentationTest {
  private static final Shape SHAPE = Shape.image(3, 6, 8);
  private static final int AREA = 48;
  private static final Augmentation NOTHING = Augmentation.ofRange(0, 1);

  /** Pictures of values by chance. */
  private static Dataset pictures(int count, Shape shape) {
    float[] values = new float[count * shape.size()];
    Random random = new Random(count);
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat();
    }
    return Datasets.of(values, shape);
  }

  private static float[][] read(Dataset data) {
    return IntStream.range(0, data.size())
        .mapToObj(i -> Datasets.input(data, i))
        .toArray(float[][]::new);
  }

  /** A picture with a pixel at its place in each channel, moved. */
  private static float[] moved(float[] picture, UnaryOperator<int[]> from) {
    float[] moved = new float[picture.length];
    for (int i = 0; i < picture.length; i++) {
      int[] place = from.apply(new int[] {i % AREA / 8, i % 8});
      moved[i] = picture[i / AREA * AREA + place[0] * 8 + place[1]];
    }
    return moved;
  }

  @Test
  void nothingChangesNothing() {
    Dataset data = pictures(3, SHAPE);
    assertArrayEquals(read(data), read(NOTHING.apply(data, 1)));
    assertArrayEquals(read(data), read(NOTHING.translate(0).noise(0).apply(data, 1).atEpoch(3)));
  }

  @Test
  void flipsAreExactAndHitHalfOfThePictures() {
    Dataset data = pictures(200, SHAPE);
    float[][] before = read(data);
    float[][] mirrored = read(NOTHING.flipHorizontally().apply(data, 1));
    float[][] upsideDown = read(NOTHING.flipVertically().apply(data, 1));
    int flips = 0;
    for (int i = 0; i < 200; i++) {
      float[] left = moved(before[i], place -> new int[] {place[0], 7 - place[1]});
      boolean isFlipped = Arrays.equals(left, mirrored[i]);
      assertTrue(isFlipped || Arrays.equals(before[i], mirrored[i]));
      float[] down = moved(before[i], place -> new int[] {5 - place[0], place[1]});
      assertTrue(Arrays.equals(down, upsideDown[i]) || Arrays.equals(before[i], upsideDown[i]));
      flips += isFlipped ? 1 : 0;
    }
    assertTrue(flips > 70 && flips < 130, flips + " of 200");
  }

  @Test
  void geometryKeepsAPlaneOfOneColorAndStaysWithinItsValues() {
    float[] values = new float[20 * SHAPE.size()];
    Arrays.fill(values, 0.25f);
    Augmentation all =
        NOTHING.flipHorizontally().flipVertically().rotate(180).cropResize(0.1).translate(1);
    for (float[] picture : read(all.apply(Datasets.of(values, SHAPE), 5))) {
      for (float value : picture) {
        assertEquals(0.25f, value, 1e-6);
      }
    }
    for (float[] picture : read(all.apply(pictures(20, SHAPE), 5))) {
      for (float value : picture) {
        assertTrue(value >= 0 && value <= 1);
      }
    }
  }

  @Test
  void cropsAndShiftsOfARampAreLinear() {
    Shape shape = Shape.image(1, 1, 100);
    float[] ramp = new float[100];
    for (int x = 0; x < 100; x++) {
      ramp[x] = x;
    }
    Dataset data = Datasets.of(ramp, shape);
    Dataset cropped = NOTHING.cropResize(0.25).apply(data, 1);
    Dataset shifted = NOTHING.translate(0.1).apply(data, 1);
    for (int epoch = 0; epoch < 50; epoch++) {
      float[] part = Datasets.input(cropped.atEpoch(epoch), 0);
      float step = part[60] - part[59];
      assertTrue(step > 0.499 && step <= 1.001, "at least half of the width: " + step);
      for (int x = 1; x < 99; x++) {
        assertEquals(step, part[x + 1] - part[x], 0.51, "but at the edges");
      }
      float[] moved = Datasets.input(shifted.atEpoch(epoch), 0);
      assertTrue(Math.abs(moved[50] - 50) <= 10.001);
      assertEquals(1, moved[51] - moved[50], 1e-4);
    }
  }

  @Test
  void aQuarterTurnTurns() {
    Shape square = Shape.image(1, 5, 5);
    Dataset data = pictures(1, square);
    Dataset turned = NOTHING.rotate(180).apply(data, 1);
    boolean isNear = false;
    float[] before = Datasets.input(data, 0);
    for (int epoch = 0; epoch < 300; epoch++) {
      float[] after = Datasets.input(turned.atEpoch(epoch), 0);
      assertEquals(before[12], after[12], 1e-6, "the middle stays");
      double difference = 0;
      for (int i = 0; i < 25; i++) {
        int from = (4 - i % 5) * 5 + i / 5;
        difference = Math.max(difference, Math.abs(after[i] - before[from]));
      }
      isNear |= difference < 0.05;
    }
    assertTrue(isNear);
  }

  @Test
  void colorsChangeAsTheyAreSaidTo() {
    Dataset data = Datasets.map(pictures(50, SHAPE), values -> scaled(values, 0.4f, 0.3f));
    float[][] before = read(data);
    float[][] brighter = read(NOTHING.brightness(0.2).apply(data, 1));
    float[][] clearer = read(NOTHING.contrast(0.2).apply(data, 1));
    float[][] paler = read(NOTHING.saturation(0.2).apply(data, 1));
    float[][] turned = read(NOTHING.hue(0.05).apply(data, 1));
    for (int i = 0; i < 50; i++) {
      float factor = brighter[i][0] / before[i][0];
      assertTrue(factor >= 0.799 && factor <= 1.201, "" + factor);
      for (int k = 0; k < before[i].length; k++) {
        assertEquals(factor * before[i][k], brighter[i][k], 1e-5);
      }
      assertEquals(meanLuma(before[i]), meanLuma(clearer[i]), 1e-5);
      for (int k = 0; k < AREA; k++) {
        assertEquals(luma(before[i], k), luma(paler[i], k), 2e-4);
        assertEquals(luma(before[i], k), luma(turned[i], k), 2e-4);
      }
    }
    assertFalse(Arrays.equals(before[0], turned[0]));
  }

  private static float[] scaled(float[] values, float factor, float summand) {
    for (int i = 0; i < values.length; i++) {
      values[i] = factor * values[i] + summand;
    }
    return values;
  }

  private static float luma(float[] picture, int pixel) {
    return PixelRows.luma(picture[pixel], picture[AREA + pixel], picture[2 * AREA + pixel]);
  }

  private static double meanLuma(float[] picture) {
    return IntStream.range(0, AREA).mapToDouble(k -> luma(picture, k)).average().orElseThrow();
  }

  @Test
  void normalizedPicturesChangeAsPlainOnesDo() {
    PictureReader reader =
        PictureReader.of(SHAPE)
            .normalize(new float[] {0.5f, 0.4f, 0.3f}, new float[] {0.2f, 0.3f, 0.25f});
    float[] deviations = {0.2f, 0.3f, 0.25f};
    float[] means = {0.5f, 0.4f, 0.3f};
    Dataset plain = pictures(5, SHAPE);
    Dataset normalized =
        Datasets.map(
            plain,
            values -> {
              for (int i = 0; i < values.length; i++) {
                values[i] = (values[i] - means[i / AREA]) / deviations[i / AREA];
              }
              return values;
            });
    float[][] expected = read(all(NOTHING).apply(plain, 9));
    float[][] got = read(all(Augmentation.of(reader)).apply(normalized, 9));
    for (int i = 0; i < 5; i++) {
      for (int k = 0; k < SHAPE.size(); k++) {
        float light = got[i][k] * deviations[k / AREA] + means[k / AREA];
        assertEquals(expected[i][k], light, 2e-5);
      }
    }
  }

  private static Augmentation all(Augmentation from) {
    return from.flipHorizontally()
        .rotate(20)
        .cropResize(0.5)
        .translate(0.1)
        .brightness(0.3)
        .contrast(0.3)
        .saturation(0.3)
        .hue(0.1)
        .noise(0.05)
        .cutOut(0.4)
        .mixup(0.4)
        .cutMix(1);
  }

  @Test
  void noiseHasItsDeviation() {
    Shape shape = Shape.image(1, 100, 100);
    float[] noisy =
        Datasets.input(
            Augmentation.ofRange(0, 255).noise(0.1).apply(Datasets.of(new float[10_000], shape), 1),
            0);
    double squares = 0;
    double sum = 0;
    for (float value : noisy) {
      sum += value;
      squares += value * value;
    }
    assertEquals(0, sum / 10_000, 1);
    assertEquals(25.5, Math.sqrt(squares / 10_000), 0.7);
  }

  @Test
  void cutOutCoversASquare() {
    Shape shape = Shape.image(3, 10, 14);
    Dataset data =
        Augmentation.ofRange(-1, 1)
            .cutOut(0.4)
            .apply(Datasets.map(pictures(100, shape), values -> scaled(values, 0.5f, 0.25f)), 1);
    boolean isWhole = false;
    for (float[] picture : read(data)) {
      int covered = 0;
      for (int i = 0; i < 140; i++) {
        boolean isCovered = picture[i] == 0;
        assertEquals(isCovered, picture[140 + i] == 0);
        covered += isCovered ? 1 : 0;
      }
      assertTrue(covered >= 4 && covered <= 16, covered + " pixels");
      isWhole |= covered == 16;
    }
    assertTrue(isWhole);
  }

  @Test
  void theSameSeedGivesTheSameBitsOnAnyThread() {
    Dataset data = pictures(60, SHAPE);
    float[][] targets = new float[60][2];
    Random random = new Random(4);
    for (float[] row : targets) {
      row[0] = random.nextInt(2);
      row[1] = random.nextBoolean() ? Float.NaN : random.nextInt(2);
    }
    Dataset labelled = Datasets.withTargets(data, "", targets);
    Dataset augmented = all(NOTHING).apply(labelled, 3).atEpoch(2);
    float[][] expected = read(augmented);
    IntStream.range(0, 600)
        .parallel()
        .forEach(i -> assertArrayEquals(expected[i % 60], Datasets.input(augmented, i % 60)));
    assertArrayEquals(expected, read(all(NOTHING).apply(labelled, 3).atEpoch(5).atEpoch(2)));
    assertFalse(Arrays.equals(expected[0], Datasets.input(augmented.atEpoch(3), 0)));
    assertFalse(
        Arrays.equals(expected[0], Datasets.input(all(NOTHING).apply(labelled, 4).atEpoch(2), 0)));
    assertFalse(augmented.isStable());
    int threads = Espalier.threads();
    float[][] weights = new float[2][];
    for (int run = 0; run < 2; run++) {
      Espalier.setThreads(1 + run);
      try (Network network =
          Network.builder(SHAPE)
              .conv2d("conv", 4, 3)
              .relu()
              .head("odd", Head.labels("a", "b"))
              .build(1)) {
        Trainer.of(network)
            .optimizer(AdamW.withLearningRate(1e-2))
            .batchSize(16)
            .epochs(3)
            .prefetch(run == 0)
            .fit(Datasets.forTask(all(NOTHING).apply(labelled, 3), "odd"));
        weights[run] = network.parameter("conv.weight");
      } finally {
        Espalier.setThreads(threads);
      }
    }
    assertArrayEquals(weights[0], weights[1]);
  }

  @Test
  void otherDataIsRefused() {
    assertRefused(
        "[channels, height, width]", () -> NOTHING.apply(pictures(1, Shape.vector(9)), 1));
    Dataset grey = pictures(1, Shape.image(1, 4, 4));
    assertRefused("red, green and blue", () -> NOTHING.hue(0.1).apply(grey, 1));
    assertRefused("red, green and blue", () -> NOTHING.saturation(0.1).apply(grey, 1));
    Augmentation color = Augmentation.of(PictureReader.of(Shape.image(3, 4, 4)));
    assertRefused("of 3 channels", () -> color.apply(grey, 1));
    assertRefused("two different", () -> Augmentation.ofRange(1, 1));
    assertRefused("rotate", () -> NOTHING.rotate(-1));
    assertRefused("rotate", () -> NOTHING.rotate(Double.NaN));
    assertRefused("above 0 to 1.0, got 0", () -> NOTHING.cropResize(0));
    assertRefused("mixup", () -> NOTHING.mixup(0));
    assertRefused("cutMix", () -> NOTHING.cutMix(3));
    assertRefused("examples", () -> NOTHING.contactSheet(grey, 1, 2, 1));
    assertRefused("pixels", () -> NOTHING.contactSheet(grey, 1, 1, Integer.MAX_VALUE));
  }

  private static void assertRefused(String words, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(words), message);
  }

  @Test
  void aContactSheetHasARowForEachExample() {
    Dataset data = pictures(4, SHAPE);
    BufferedImage sheet = all(NOTHING).contactSheet(data, 1, 3, 5);
    assertEquals(6 * 12 + 8, sheet.getWidth());
    assertEquals(3 * 10 + 4, sheet.getHeight());
    float[] first = Datasets.input(data, 0);
    int red = Math.round(255 * first[9]);
    assertEquals(red, sheet.getRGB(4 + 1, 4 + 1) >> 16 & 0xFF, "as it is");
    assertNotEquals(0, sheet.getRGB(4 + 12 + 4, 4));
  }
}
