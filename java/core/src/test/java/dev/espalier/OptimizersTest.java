// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every optimizer has, the next one included. */
class OptimizersTest {
  static Stream<Class<?>> kinds() {
    return Arrays.stream(Optimizer.class.getPermittedSubclasses());
  }

  private static Optimizer withRate(Class<?> kind, double rate) throws Exception {
    return (Optimizer) kind.getMethod("withLearningRate", double.class).invoke(null, rate);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void learns(Class<?> kind) throws Exception {
    try (Network network = Dots.labeller(1)) {
      List<EpochResult> epochs =
          Trainer.of(network)
              .optimizer(withRate(kind, 0.01))
              .epochs(60)
              .fit(new Dots(200, 1).labels())
              .epochs();
      double first = epochs.get(0).loss();
      double last = epochs.get(epochs.size() - 1).loss();
      assertTrue(last < 0.95 * first, first + " to " + last);
    }
  }

  /** Each setting makes another optimizer, says so, and is one that the native trainer takes. */
  @ParameterizedTest
  @MethodSource("kinds")
  void settingsChangeWhatTheySay(Class<?> kind) throws Exception {
    Optimizer usual = withRate(kind, 0.01);
    assertEquals(usual, withRate(kind, 0.01));
    assertEquals(usual.hashCode(), withRate(kind, 0.01).hashCode());
    assertNotEquals(usual, withRate(kind, 0.02));
    int settings = 0;
    for (Method setting : kind.getDeclaredMethods()) {
      boolean isSetting =
          setting.getReturnType() == kind
              && !setting.isSynthetic()
              && !setting.getName().equals("withLearningRate")
              && List.of(setting.getParameterTypes()).equals(List.of(double.class));
      if (!isSetting) {
        continue;
      }
      settings++;
      Optimizer changed = (Optimizer) setting.invoke(usual, 0.5);
      String name = kind.getSimpleName() + "." + setting.getName();
      assertNotEquals(usual, changed, name);
      assertNotEquals(usual.toString(), changed.toString(), name);
      boolean isOfLayers = setting.getName().equals("layerDecay");
      assertEquals(isOfLayers, usual.spec().equals(changed.spec()), name);
      try (Network network = Dots.labeller(1)) {
        Trainer.of(network).optimizer(changed).steps(2).fit(new Dots(20, 1).labels());
      }
    }
    assertTrue(settings >= 2, settings + " settings");
  }
}
