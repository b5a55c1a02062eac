// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class OnnxExportOptionsTest {
  @Test
  void operatorSetsThatAreNotWrittenAreRefused() {
    OnnxExportOptions options = OnnxExportOptions.defaults().operatorSet(22).logits().heads("x");
    assertEquals(22, options.layers("y").operatorSet());
    assertEquals("logits, heads [x], layers [y], operator set 22", options.layers("y").toString());
    for (int version : new int[] {-1, 16, 23}) {
      String message =
          assertThrows(IllegalArgumentException.class, () -> options.operatorSet(version))
              .getMessage();
      assertEquals("operatorSet: expected from 17 to 22, got " + version, message);
    }
  }
}
