// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.text.Normalizer.Form;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Normalization cluster by cluster gives what Java gives for the whole text. */
class UnicodeFormTest {
  private static List<Integer> marks() {
    List<Integer> marks = new ArrayList<>();
    for (int codePoint = 0; codePoint < 0x20000; codePoint++) {
      if (CharacterClass.isMark(codePoint)) {
        marks.add(codePoint);
      }
    }
    return marks;
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void clustersAreThoseOfTheWholeText(Form form) {
    UnicodeForm normalizer = new UnicodeForm(form);
    SplittableRandom random = new SplittableRandom(form.ordinal());
    List<Integer> marks = marks();
    for (int i = 0; i < 3000; i++) {
      StringBuilder text = new StringBuilder();
      for (int k = random.nextInt(12); k > 0; k--) {
        text.appendCodePoint(random.nextInt(3) > 0 ? random.nextInt(0x3400) : letter(random));
        boolean isLong = random.nextInt(40) == 0;
        for (int m = random.nextInt(isLong ? 200 : 4); m > 0; m--) {
          text.appendCodePoint(marks.get(random.nextInt(marks.size())));
        }
      }
      String given = text.toString();
      assertEquals(
          java.text.Normalizer.normalize(given, form), normalizer.normalized(given), given);
    }
  }

  private static int letter(SplittableRandom random) {
    int[] firsts = {0xAC00, 0x1100, 0x1160, 0x11A8, 0xFF60, 0x3130, 0xFB00, 0x1D100, 0x11000};
    return firsts[random.nextInt(firsts.length)] + random.nextInt(0x60);
  }

  /** What may change together with what stands before it is part of its cluster. */
  @Test
  void noOtherCodePointChangesWhatStandsBefore() {
    int[] bases = {
      'a', 'e', 'u', 0x1100, 0xAC00, 0x9C7, 0x304B, 0x1025, 0x11099, 0x5D0, 0x16D63, 0x16D67
    };
    for (int codePoint = 0x80; codePoint < 0x30000; codePoint++) {
      boolean isSurrogate = codePoint >= 0xD800 && codePoint < 0xE000;
      if (isSurrogate || UnicodeForm.joins(codePoint)) {
        continue;
      }
      String text = Character.toString(codePoint);
      for (Form form : Form.values()) {
        String alone = java.text.Normalizer.normalize(text, form);
        for (int base : bases) {
          String before = Character.toString(base);
          assertEquals(
              java.text.Normalizer.normalize(before, form) + alone,
              java.text.Normalizer.normalize(before + text, form),
              () -> String.format("%04X %s", text.codePointAt(0), form));
        }
      }
    }
  }

  @Test
  void manyMarksTakeTimeInProportion() {
    String latin = "a" + "\u0301\u0323".repeat(200_000);
    String music = "a" + "\u302E\uD834\uDD65".repeat(200_000);
    Normalizer bert = CodePointMaps.bert(true, true, true, true);
    assertTimeout(
        Duration.ofSeconds(100),
        () -> {
          for (Form form : Form.values()) {
            UnicodeForm normalizer = new UnicodeForm(form);
            assertTrue(normalizer.normalized(latin).endsWith("\u0301\u0301"), form.name());
            assertEquals(music.length(), normalizer.normalized(music).length());
          }
          assertEquals(music.length(), bert.normalized(music).length());
        });
  }
}
