// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class DrawByNameTest {
  private static final List<String> NAMES = List.of("apt", "bash", "curl", "dpkg", "emacs", "fvwm");

  @Test
  void theOrderOfTheListIsOfNoConsequence() {
    List<String> backwards = new ArrayList<>(NAMES);
    Collections.reverse(backwards);
    backwards.add("curl");
    assertEquals(DrawByName.order(NAMES, 1), DrawByName.order(backwards, 1));
  }

  @Test
  void aNameLessLeavesTheOthersInTheirOrder() {
    List<String> order = new ArrayList<>(DrawByName.order(NAMES, 1));
    List<String> fewer = new ArrayList<>(NAMES);
    fewer.remove("curl");
    order.remove("curl");
    assertEquals(order, DrawByName.order(fewer, 1));
  }

  @Test
  void eachSeedHasAnOrderOfItsOwn() {
    assertNotEquals(DrawByName.order(NAMES, 1), DrawByName.order(NAMES, 2));
  }
}
