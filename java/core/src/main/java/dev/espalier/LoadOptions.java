// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.JsonWriter;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a network from a file may ask of the machine at most. All of it is estimated from shapes,
 * before memory is allocated or anything runs: a file of a few KiB can describe images of
 * terabytes, or pooling that takes years. A network past a limit is refused when it is loaded, and
 * a predictor or a trainer of what it was turned into when that is made.
 *
 * <p>The defaults are above any published network that this library can express; who loads files of
 * strangers lowers them to what their own networks need. Immutable: each method returns changed
 * options.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class LoadOptions {
  private static final LoadOptions DEFAULTS = new LoadOptions(Map.of());

  private final Map<String, Long> limits;

  private LoadOptions(Map<String, Long> limits) {
    this.limits = limits;
  }

  /**
   * Returns the defaults: 2·10^12 multiply-adds an example, 32 GiB, 20,000 layers.
   *
   * @return the options
   */
  public static LoadOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Limits the multiply-adds of one example's way through all layers, or what takes as long: an
   * element that is only moved counts as 16, and vectors that channels do not fill count in full.
   * By default twice as many as BiT-M R152x4 at 480 x 480 has, the most of any published
   * convolutional network; so many take 22 s on one core with AVX-512, about a minute with AVX2.
   *
   * @param limit at least 1
   * @return changed options
   * @throws IllegalArgumentException if the number is out of range
   */
  public LoadOptions maxMultiplyAdds(long limit) {
    return with("multiply_adds", "maxMultiplyAdds", limit);
  }

  /**
   * Limits the bytes of parameters, of packed weights, and of all buffers for one example.
   * Training, which keeps every activation, and a gradient and two moments of every parameter, is
   * estimated with those. The budget of native memory, {@link Espalier#nativeBytesBudget()}, is the
   * tighter limit on most machines.
   *
   * @param limit at least 1
   * @return changed options
   * @throws IllegalArgumentException if the number is out of range
   */
  public LoadOptions maxNativeBytes(long limit) {
    return with("native_bytes", "maxNativeBytes", limit);
  }

  /**
   * Limits the number of layers, those of heads included.
   *
   * @param limit at least 1
   * @return changed options
   * @throws IllegalArgumentException if the number is out of range
   */
  public LoadOptions maxLayers(long limit) {
    return with("layers", "maxLayers", limit);
  }

  private LoadOptions with(String key, String name, long limit) {
    if (limit < 1) {
      throw new IllegalArgumentException(name + ": expected at least 1, got " + limit);
    }
    Map<String, Long> changed = new TreeMap<>(limits);
    changed.put(key, limit);
    return new LoadOptions(changed);
  }

  Map<String, Long> limits() {
    return limits;
  }

  String toJson() {
    return JsonWriter.write(limits);
  }

  @Override
  public String toString() {
    return "LoadOptions" + (limits.isEmpty() ? "[defaults]" : limits);
  }
}
