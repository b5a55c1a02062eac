// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.text.Normalizer.Form;

/**
 * Unicode's normalization forms. A text is changed cluster by cluster: a code point with all that
 * follows and may combine with it or change its place.
 */
final class UnicodeForm implements Normalizer {
  private final Form form;
  private final Form decomposition;
  private final CodePointMap single;

  UnicodeForm(Form form) {
    this.form = form;
    decomposition = form == Form.NFC || form == Form.NFD ? Form.NFD : Form.NFKD;
    single =
        new CodePointMap(
            codePoint -> java.text.Normalizer.normalize(Character.toString(codePoint), form));
  }

  /**
   * Returns true for code points that may change together with what stands before them: marks,
   * vowels and finals of Hangul, what is compatible with these, and vowels of Kirat Rai.
   */
  static boolean joins(int codePoint) {
    return codePoint >= 0x300
        && (CharacterClass.isMark(codePoint)
            || (codePoint >= 0x1160 && codePoint <= 0x11FF)
            || (codePoint >= 0x3131 && codePoint <= 0x318E)
            || (codePoint >= 0xFF9E && codePoint <= 0xFFDC)
            || (codePoint >= 0x16D63 && codePoint <= 0x16D6A));
  }

  @Override
  public void normalize(TextBuffer text) {
    int i = 0;
    while (i < text.length && text.chars[i] < 128) {
      i++;
    }
    if (i == text.length) {
      return;
    }
    i = Math.max(0, i - 1); // the base of what may follow
    text.begin();
    text.keep(0, i);
    while (i < text.length) {
      int codePoint = text.codePointAt(i);
      int next = i + Character.charCount(codePoint);
      int end = CharacterClass.endOfRun(text, next, text.length, UnicodeForm::joins);
      String replacement =
          end == next ? single.replacement(codePoint) : cluster(text.substring(i, end));
      if (replacement == null || (end > next && isSame(text, i, end, replacement))) {
        text.keep(i, end);
      } else {
        text.put(replacement, i, end);
      }
      i = end;
    }
    text.commit();
  }

  private String cluster(String given) {
    if (given.length() <= CanonicalOrder.SHORT) {
      return java.text.Normalizer.normalize(given, form);
    }
    StringBuilder decomposed = new StringBuilder();
    given
        .codePoints()
        .forEach(
            codePoint ->
                decomposed.append(
                    java.text.Normalizer.normalize(Character.toString(codePoint), decomposition)));
    return java.text.Normalizer.normalize(CanonicalOrder.of(decomposed.toString()), form);
  }

  private static boolean isSame(TextBuffer text, int start, int end, String replacement) {
    return replacement.length() == end - start && text.contains(replacement, start);
  }
}
