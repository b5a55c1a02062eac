// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.text.Normalizer.Form;

/**
 * Puts the marks that a map of single code points leaves into their canonical order, which is what
 * a decomposition of the whole text would do. Only a few scripts and musical signs have marks that
 * take room of their own and an order.
 */
record MarksInOrder(CodePointMap map) implements Normalizer {
  @Override
  public void normalize(TextBuffer text) {
    map.normalize(text);
    for (int i = 0; i < text.length; ) {
      if (text.chars[i] < 0x300) {
        i++;
        continue;
      }
      int end = CharacterClass.endOfRun(text, i, text.length, CharacterClass::isMark);
      if (end - i > 1) {
        String run = text.substring(i, end);
        String ordered =
            end - i > CanonicalOrder.SHORT
                ? CanonicalOrder.of(run)
                : java.text.Normalizer.normalize(run, Form.NFD);
        if (ordered.length() == run.length()) {
          ordered.getChars(0, ordered.length(), text.chars, i);
        }
      }
      i = Math.max(end, i + 1);
    }
  }
}
