// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.internal.Bridge;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Shows that the address sanitizer sees into the native library inside a virtual machine; were that
 * not so, all other tests with it would prove nothing. Only {@code ci/check asan} runs this, after
 * them: other builds hold no seeded fault (cpp/jvm/seeded_faults.h).
 */
class SanitizerControl {
  @Test
  void aHeapOverflowInTheNativeLibraryIsReported() {
    ChildJvm.Result result = ChildJvm.run(Overflow.class, List.of("-Xmx64m"));
    assertNotEquals(0, result.exitCode(), result.output());
    assertTrue(
        result.output().contains("AddressSanitizer: heap-buffer-overflow")
            && result.output().contains("libjniEspalier.so"),
        result.output());
  }

  /** Writes behind an array of floats. */
  static final class Overflow {
    private static final int HEAP_OVERFLOW = -1001;

    public static void main(String[] arguments) {
      Espalier.liveHandles(); // loads the library
      Bridge.throwError(HEAP_OVERFLOW);
    }
  }
}
