// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.function.IntPredicate;

/** Kinds of code points as Unicode defines them, by which texts are cleaned and cut. */
final class CharacterClass {
  private static final byte SPACE = 1;
  private static final byte PUNCTUATION = 2;
  private static final byte LETTER = 4;
  private static final byte NUMBER = 8;
  private static final byte WORD = 16;

  private static final byte[] ASCII = new byte[128];

  static {
    for (int c = 0; c < 128; c++) {
      boolean isSymbol = c > ' ' && c < 127 && !Character.isLetterOrDigit(c);
      ASCII[c] =
          (byte)
              ((c == ' ' || (c >= '\t' && c <= '\r') ? SPACE : 0)
                  | (isSymbol ? PUNCTUATION : 0)
                  | (Character.isLetter(c) ? LETTER : 0)
                  | (Character.isDigit(c) ? NUMBER : 0)
                  | (Character.isLetterOrDigit(c) || c == '_' ? WORD : 0));
    }
  }

  private static final int MARKS =
      1 << Character.NON_SPACING_MARK
          | 1 << Character.COMBINING_SPACING_MARK
          | 1 << Character.ENCLOSING_MARK;
  private static final int LETTERS =
      1 << Character.UPPERCASE_LETTER
          | 1 << Character.LOWERCASE_LETTER
          | 1 << Character.TITLECASE_LETTER
          | 1 << Character.MODIFIER_LETTER
          | 1 << Character.OTHER_LETTER;
  private static final int NUMBERS =
      1 << Character.DECIMAL_DIGIT_NUMBER
          | 1 << Character.LETTER_NUMBER
          | 1 << Character.OTHER_NUMBER;
  private static final int PUNCTUATIONS =
      1 << Character.CONNECTOR_PUNCTUATION
          | 1 << Character.DASH_PUNCTUATION
          | 1 << Character.START_PUNCTUATION
          | 1 << Character.END_PUNCTUATION
          | 1 << Character.INITIAL_QUOTE_PUNCTUATION
          | 1 << Character.FINAL_QUOTE_PUNCTUATION
          | 1 << Character.OTHER_PUNCTUATION;
  private static final int OTHERS =
      1 << Character.CONTROL
          | 1 << Character.FORMAT
          | 1 << Character.SURROGATE
          | 1 << Character.PRIVATE_USE;

  private CharacterClass() {}

  private static boolean isOf(int types, int codePoint) {
    return (types >>> Character.getType(codePoint) & 1) != 0;
  }

  /** White_Space. */
  static boolean isSpace(int codePoint) {
    if (codePoint < 128) {
      return (ASCII[codePoint] & SPACE) != 0;
    }
    switch (codePoint) {
      case 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
        return true;
      default:
        return codePoint >= 0x2000 && codePoint <= 0x200A;
    }
  }

  /** Punctuation (P) of Unicode 8, and all symbols of ASCII. */
  static boolean isPunctuation(int codePoint) {
    if (codePoint < 128) {
      return (ASCII[codePoint] & PUNCTUATION) != 0;
    }
    return isOf(PUNCTUATIONS, codePoint)
        ? !UnicodeAge.isRecent(codePoint)
        : codePoint == 0x166D || codePoint == 0x111C9; // a symbol and a mark since
  }

  /** Letter (L). */
  static boolean isLetter(int codePoint) {
    return codePoint < 128 ? (ASCII[codePoint] & LETTER) != 0 : isOf(LETTERS, codePoint);
  }

  /** Number (N). */
  static boolean isNumber(int codePoint) {
    return codePoint < 128 ? (ASCII[codePoint] & NUMBER) != 0 : isOf(NUMBERS, codePoint);
  }

  /** What {@code \w} is in regular expressions: UTS #18, annex C. */
  static boolean isWord(int codePoint) {
    if (codePoint < 128) {
      return (ASCII[codePoint] & WORD) != 0;
    }
    return Character.isAlphabetic(codePoint)
        || isOf(
            MARKS | 1 << Character.DECIMAL_DIGIT_NUMBER | 1 << Character.CONNECTOR_PUNCTUATION,
            codePoint)
        || codePoint == 0x200C
        || codePoint == 0x200D;
  }

  /** Mark (M). */
  static boolean isMark(int codePoint) {
    return codePoint >= 0x300 && isOf(MARKS, codePoint);
  }

  /** Nonspacing mark (Mn) of Unicode 8. */
  static boolean isNonspacingMark(int codePoint) {
    if (codePoint < 0x300) {
      return false;
    }
    return Character.getType(codePoint) == Character.NON_SPACING_MARK
        ? !UnicodeAge.isRecent(codePoint)
        : codePoint == 0x1734 || codePoint == 0x1171E; // spacing marks since
  }

  /** Control, format, private use of Unicode 8; not what is unassigned. */
  static boolean isOther(int codePoint) {
    return isOf(OTHERS, codePoint) && !UnicodeAge.isRecent(codePoint);
  }

  /** Returns where the code points of a kind that begin at {@code start} end. */
  static int endOfRun(TextBuffer text, int start, int end, IntPredicate kind) {
    int i = start;
    while (i < end) {
      int codePoint = text.codePointAt(i);
      if (!kind.test(codePoint)) {
        return i;
      }
      i += Character.charCount(codePoint);
    }
    return i;
  }
}
