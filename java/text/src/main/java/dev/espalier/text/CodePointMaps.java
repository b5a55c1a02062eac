// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.text.Normalizer.Form;
import org.jspecify.annotations.Nullable;

/** The normalizers that look at one code point at a time. */
final class CodePointMaps {
  private static final String DOT_ABOVE = "\u0307";

  private CodePointMaps() {}

  /** Puts the small letter for each letter, whatever stands beside it. */
  static Normalizer lowercase() {
    return new CodePointMap(CodePointMaps::lower);
  }

  /** Drops marks (M). */
  static Normalizer withoutMarks() {
    return new CodePointMap(
        codePoint -> CharacterClass.isMark(codePoint) ? "" : Character.toString(codePoint));
  }

  /**
   * Cleans texts as SentencePiece does for translation: control characters go, other blanks become
   * spaces.
   */
  static Normalizer nmt() {
    return new CodePointMap(
        codePoint -> {
          if ((codePoint >= 1 && codePoint <= 8)
              || codePoint == 0x0B
              || (codePoint >= 0x0E && codePoint <= 0x1F)
              || codePoint == 0x7F
              || codePoint == 0x8F
              || codePoint == 0x9F) {
            return "";
          }
          switch (codePoint) {
            case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
              return " ";
            default:
              boolean isBlank = codePoint >= 0x200B && codePoint <= 0x200F;
              return isBlank ? " " : Character.toString(codePoint);
          }
        });
  }

  /**
   * BERT's normalizer, with what follows in this order: control characters go and white space
   * becomes a space; ideographs stand alone; accents go, which are nonspacing marks after canonical
   * decomposition; small letters.
   */
  static Normalizer bert(
      boolean cleans, boolean spacesIdeographs, @Nullable Boolean stripsAccents, boolean lowers) {
    boolean strips = stripsAccents == null ? lowers : stripsAccents;
    CodePointMap map =
        new CodePointMap(
            codePoint -> {
              if (cleans && isDropped(codePoint)) {
                return "";
              } else if (cleans && CharacterClass.isSpace(codePoint)) {
                return " ";
              }
              String text = Character.toString(codePoint);
              if (strips) {
                text = withoutNonspacingMarks(java.text.Normalizer.normalize(text, Form.NFD));
              }
              text = lowers ? lowered(text) : text;
              return spacesIdeographs && isIdeograph(codePoint) ? " " + text + " " : text;
            });
    return strips ? new MarksInOrder(map) : map;
  }

  private static String lower(int codePoint) {
    // The one letter whose small form is two code points whatever the language.
    return codePoint == 'İ'
        ? "i" + DOT_ABOVE
        : Character.toString(Character.toLowerCase(codePoint));
  }

  private static String lowered(String text) {
    StringBuilder lowered = new StringBuilder();
    text.codePoints().forEach(codePoint -> lowered.append(lower(codePoint)));
    return lowered.toString();
  }

  private static String withoutNonspacingMarks(String text) {
    StringBuilder rest = new StringBuilder();
    text.codePoints()
        .filter(codePoint -> !CharacterClass.isNonspacingMark(codePoint))
        .forEach(rest::appendCodePoint);
    return rest.toString();
  }

  private static boolean isDropped(int codePoint) {
    boolean isBlank = codePoint == '\t' || codePoint == '\n' || codePoint == '\r';
    return codePoint == 0xFFFD || (CharacterClass.isOther(codePoint) && !isBlank);
  }

  private static boolean isIdeograph(int codePoint) {
    return (codePoint >= 0x4E00 && codePoint <= 0x9FFF)
        || (codePoint >= 0x3400 && codePoint <= 0x4DBF)
        || (codePoint >= 0x20000 && codePoint <= 0x2A6DF)
        || (codePoint >= 0x2A700 && codePoint <= 0x2B73F)
        || (codePoint >= 0x2B740 && codePoint <= 0x2B81F)
        // Unicode's block begins at 2B820; published vocabularies were made with this.
        || (codePoint >= 0x2B920 && codePoint <= 0x2CEAF)
        || (codePoint >= 0xF900 && codePoint <= 0xFAFF)
        || (codePoint >= 0x2F800 && codePoint <= 0x2FA1F);
  }
}
