// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.List;
import java.util.function.IntPredicate;

/** Cuts texts into the pieces that a model takes one by one. Without state. */
interface PreTokenizer {
  /**
   * Cuts each piece that is text, and may change the text.
   *
   * @param text the text
   * @param pieces its pieces, replaced by those that they are cut into
   */
  void cut(TextBuffer text, Pieces pieces);

  /** Finds what to cut at. */
  interface Finder {
    /** Returns the matches in a stretch of text, and what lies between. */
    Spans spans(TextBuffer text, int start, int end);
  }

  /** One after the other. */
  record Sequence(List<PreTokenizer> parts) implements PreTokenizer {
    @Override
    public void cut(TextBuffer text, Pieces pieces) {
      for (PreTokenizer part : parts) {
        part.cut(text, pieces);
      }
    }
  }

  /** Cuts at what a finder finds. */
  record Split(Finder finder, SplitBehavior behavior, boolean isInverted) implements PreTokenizer {
    @Override
    public void cut(TextBuffer text, Pieces pieces) {
      pieces.begin();
      for (int i = 0; i < pieces.count(); i++) {
        if (pieces.id(i) != Pieces.TEXT) {
          pieces.add(pieces.start(i), pieces.end(i), pieces.id(i));
        } else {
          Spans spans = finder.spans(text, pieces.start(i), pieces.end(i));
          behavior.cut(spans, isInverted, pieces);
        }
      }
      pieces.commit();
    }
  }

  /** Cuts at each code point of a kind. */
  static PreTokenizer at(IntPredicate kind, SplitBehavior behavior) {
    return new Split(
        (text, start, end) -> {
          Spans spans = new Spans();
          spans.begin(start);
          for (int i = start, next; i < end; i = next) {
            int codePoint = text.codePointAt(i);
            next = i + Character.charCount(codePoint);
            if (kind.test(codePoint)) {
              spans.match(i, next);
            }
          }
          spans.finish(end);
          return spans;
        },
        behavior,
        false);
  }

  /** Keeps the runs of {@code \w+} and {@code [^\w\s]+}. */
  static PreTokenizer words() {
    return new Split(
        (text, start, end) -> {
          Spans spans = new Spans();
          spans.begin(start);
          for (int i = start, next; i < end; i = next) {
            int codePoint = text.codePointAt(i);
            if (CharacterClass.isWord(codePoint)) {
              next = CharacterClass.endOfRun(text, i, end, CharacterClass::isWord);
            } else if (CharacterClass.isSpace(codePoint)) {
              next = i + 1;
              continue;
            } else {
              next = CharacterClass.endOfRun(text, i, end, PreTokenizer::isSymbol);
            }
            spans.match(i, next);
          }
          spans.finish(end);
          return spans;
        },
        SplitBehavior.REMOVED,
        true);
  }

  private static boolean isSymbol(int codePoint) {
    return !CharacterClass.isWord(codePoint) && !CharacterClass.isSpace(codePoint);
  }

  /** BERT's: at white space, which goes, and punctuation, each of which stands alone. */
  record Bert() implements PreTokenizer {
    @Override
    public void cut(TextBuffer text, Pieces pieces) {
      pieces.begin();
      for (int i = 0; i < pieces.count(); i++) {
        if (pieces.id(i) == Pieces.TEXT) {
          cut(text, pieces.start(i), pieces.end(i), pieces);
        } else {
          pieces.add(pieces.start(i), pieces.end(i), pieces.id(i));
        }
      }
      pieces.commit();
    }

    private static void cut(TextBuffer text, int start, int end, Pieces pieces) {
      int word = start;
      for (int i = start, next; i < end; i = next) {
        int codePoint = text.codePointAt(i);
        next = i + Character.charCount(codePoint);
        boolean isPunctuation = CharacterClass.isPunctuation(codePoint);
        if (isPunctuation || CharacterClass.isSpace(codePoint)) {
          pieces.add(word, i);
          if (isPunctuation) {
            pieces.add(i, next);
          }
          word = next;
        }
      }
      pieces.add(word, end);
    }
  }
}
