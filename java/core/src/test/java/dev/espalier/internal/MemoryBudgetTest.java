// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class MemoryBudgetTest {
  private static final long MIB = 1 << 20;

  @Test
  void leavesTheJvmItsHeapAndWhatItNeedsBeside() {
    assertEquals((600 - 128 - 160 - 8) * MIB, MemoryBudget.of(600 * MIB, 128 * MIB, 0));
    assertEquals((600 - 128 - 64 - 160 - 8) * MIB, MemoryBudget.of(600 * MIB, 128 * MIB, 64 * MIB));
    assertEquals((32_768 - 8_192 - 160 - 512) * MIB, MemoryBudget.of(32_768 * MIB, 8_192 * MIB, 0));
  }

  @Test
  void leavesNativeCodeAnEighthWhateverTheHeap() {
    assertEquals(64 * MIB, MemoryBudget.of(512 * MIB, 512 * MIB, 0));
    assertEquals(64 * MIB, MemoryBudget.of(512 * MIB, Long.MAX_VALUE, Long.MAX_VALUE));
    assertEquals(64 * MIB, MemoryBudget.of(512 * MIB, 300 * MIB, 100 * MIB));
  }

  @Test
  void readsTheLimitOfDirectMemory() {
    String option = "-XX:MaxDirectMemorySize=";
    assertEquals(OptionalLong.empty(), MemoryBudget.directBytes(List.of("-Xmx128m", "Main")));
    assertEquals(OptionalLong.of(7), MemoryBudget.directBytes(List.of(option + "7")));
    assertEquals(OptionalLong.of(3 << 10), MemoryBudget.directBytes(List.of(option + "3k")));
    assertEquals(
        OptionalLong.of(2 * MIB), MemoryBudget.directBytes(List.of(option + "9", option + "2M")));
    assertEquals(OptionalLong.of(1L << 30), MemoryBudget.directBytes(List.of(option + "1g")));
    for (String unusable : List.of("", "0", "x", "1x", "-1", "99999999999t", "k")) {
      assertEquals(
          OptionalLong.empty(), MemoryBudget.directBytes(List.of(option + unusable)), unusable);
    }
  }
}
