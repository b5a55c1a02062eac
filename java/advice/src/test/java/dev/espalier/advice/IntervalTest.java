// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class IntervalTest {
  @Test
  void saysOnWhichSideOfANumberItLies() {
    Interval above = Interval.of(0.03, 0.01, 0.05, 0.95);
    assertTrue(above.isAbove(0));
    assertFalse(above.isBelow(0));
    assertTrue(Interval.of(-1, -2, -0.1, 0.9).isBelow(0));
    assertFalse(Interval.of(0, -1, 1, 0.9).isAbove(0));
    Interval unknown = Interval.of(0.5, Double.NaN, Double.NaN, 0.95);
    assertFalse(unknown.isAbove(0) || unknown.isBelow(1));
  }

  @Test
  void isReadable() {
    assertEquals("0.031 (0.012 to 0.050)", Interval.of(0.031, 0.012, 0.05, 0.95).toString());
    assertEquals("0.500", Interval.of(0.5, Double.NaN, Double.NaN, 0.95).toString());
    assertEquals("-", Interval.of(Double.NaN, Double.NaN, Double.NaN, 0.95).toString());
  }

  @Test
  void equalsByItsNumbers() {
    Interval one = Interval.of(Double.NaN, Double.NaN, Double.NaN, 0.95);
    assertEquals(one, Interval.of(Double.NaN, Double.NaN, Double.NaN, 0.95));
    assertEquals(one.hashCode(), Interval.of(Double.NaN, Double.NaN, Double.NaN, 0.95).hashCode());
    assertNotEquals(one, Interval.of(0, 0, 0, 0.95));
  }

  @Test
  void refusesEndsOnTheWrongSide() {
    assertThrows(IllegalArgumentException.class, () -> Interval.of(0, 1, -1, 0.95));
    assertThrows(IllegalArgumentException.class, () -> Interval.of(0, Double.NaN, 1, 0.95));
    assertThrows(IllegalArgumentException.class, () -> Interval.of(0, -1, 1, 1));
    assertThrows(IllegalArgumentException.class, () -> Interval.of(0, -1, 1, Double.NaN));
  }
}
