// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class ShapeTest {
  @Test
  void knowsItsDimensions() {
    Shape image = Shape.image(3, 17, 5);
    assertArrayEquals(new int[] {3, 17, 5}, image.dims());
    assertEquals(3, image.rank());
    assertEquals(255, image.size());
    assertEquals("[3, 17, 5]", image.toString());
    assertEquals(image, Shape.of(3, 17, 5));
    assertEquals(image.hashCode(), Shape.of(3, 17, 5).hashCode());
    assertNotEquals(image, Shape.of(17, 3, 5));
    assertEquals(1, Shape.vector(7).rank());
  }

  @Test
  void isImmutable() {
    int[] dimensions = {2, 3};
    Shape shape = Shape.of(dimensions);
    dimensions[0] = 9;
    shape.dims()[1] = 9;
    assertEquals(Shape.of(2, 3), shape);
  }

  @Test
  void refusesWhatFitsNoArray() {
    assertThrows(IllegalArgumentException.class, () -> Shape.of());
    assertThrows(IllegalArgumentException.class, () -> Shape.of(1, 1, 1, 1, 1, 1, 1, 1, 1));
    assertThrows(IllegalArgumentException.class, () -> Shape.vector(0));
    assertThrows(IllegalArgumentException.class, () -> Shape.image(1, -1, 1));
    assertThrows(IllegalArgumentException.class, () -> Shape.image(46341, 46341, 1));
    assertThrows(
        IllegalArgumentException.class,
        () -> Shape.of(Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE));
    assertEquals(Integer.MAX_VALUE, Shape.vector(Integer.MAX_VALUE).size());
  }
}
