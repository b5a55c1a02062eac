// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Legal and hostile arrays and buffers for {@link Hostile}; the first of each type is legal. */
final class HostileArrays {
  private HostileArrays() {}

  /** Adds arrays and buffers to the arguments of each type. */
  static void addTo(Map<Class<?>, List<Supplier<?>>> arguments, Dots dots) {
    arguments.put(
        byte[].class,
        Hostile.list(() -> new byte[64], () -> new byte[0], () -> new byte[63], () -> null));
    arguments.put(
        ByteBuffer.class,
        Hostile.list(
            () -> ByteBuffer.allocateDirect(64),
            () -> ByteBuffer.allocateDirect(0),
            () -> ByteBuffer.allocateDirect(80).position(70),
            () -> ByteBuffer.allocateDirect(80).position(16),
            () -> ByteBuffer.allocate(64),
            () -> null));
    arguments.put(
        float[].class,
        Hostile.list(
            () -> new float[64],
            () -> new float[0],
            () -> new float[63],
            () -> new float[128],
            () -> filled(64, Float.NaN),
            () -> filled(64, Float.POSITIVE_INFINITY),
            () -> new float[2],
            () -> new float[36],
            () -> new float[24 * 64],
            () -> null));
    arguments.put(
        float[][].class,
        Hostile.list(
            () -> new float[24][2],
            () -> new float[24][64],
            () -> new float[0][],
            () -> new float[2][],
            () -> new float[2][0],
            () -> new float[][] {{1}, {1, 2}},
            () -> new float[][] {filled(2, Float.NaN), filled(2, 7)},
            () -> null));
    arguments.put(
        int[].class,
        Hostile.list(
            () -> new int[] {1, 8, 8},
            () -> new int[0],
            () -> new int[] {-1},
            () -> new int[24],
            () -> new int[] {Integer.MAX_VALUE, 2},
            () -> new int[] {0},
            () -> new int[9],
            () -> new int[] {3, 5},
            () -> new int[] {4096},
            () -> null));
    arguments.put(
        double[].class,
        Hostile.list(
            () -> new double[] {1, 2},
            () -> new double[0],
            () -> new double[] {Double.NaN, 1},
            () -> new double[] {-1, 0},
            () -> new double[] {0.5},
            () -> new double[] {1, 1e300},
            () -> null));
    arguments.put(
        String[].class,
        Hostile.list(
            () -> new String[] {"low", "right"},
            () -> new String[] {"conv1"},
            () -> new String[0],
            () -> new String[] {null},
            () -> new String[] {"a", "a"},
            () -> new String[] {""},
            () -> new String[] {"x", "\0"},
            () -> new String[] {"*"},
            () -> new String[] {"nothing"},
            () -> null));
    arguments.put(
        FloatBuffer.class,
        Hostile.list(
            () -> direct(64),
            () -> direct(2),
            () -> direct(0),
            () -> direct(63),
            () -> direct(640),
            () -> FloatBuffer.allocate(64),
            () -> direct(64).asReadOnlyBuffer(),
            () -> direct(80).position(70),
            () -> direct(80).position(16),
            () -> direct(80).limit(64),
            () -> ByteBuffer.allocateDirect(256).order(ByteOrder.BIG_ENDIAN).asFloatBuffer(),
            () -> null));
    arguments.put(
        Dataset[].class,
        Hostile.list(
            () -> new Dataset[] {dots.labels()},
            () -> new Dataset[0],
            () -> new Dataset[1],
            () -> new Dataset[] {dots.labels(), dots.classes()},
            () -> null));
  }

  static float[] filled(int size, float value) {
    float[] values = new float[size];
    Arrays.fill(values, value);
    return values;
  }

  static FloatBuffer direct(int size) {
    return ByteBuffer.allocateDirect(4 * size).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }
}
