// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

/**
 * GPT-2's pre-tokenizer: cuts into words with the space before them, contractions, numbers, other
 * signs and white space, and writes each by the {@link ByteAlphabet}. The cuts are those of
 *
 * <pre>{@code
 * 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * }</pre>
 */
record ByteLevel(boolean addsSpace, boolean cuts) implements PreTokenizer {
  private static final String[] CONTRACTIONS = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};

  @Override
  public void cut(TextBuffer text, Pieces pieces) {
    if (addsSpace) {
      addSpaces(text, pieces);
    }
    if (cuts) {
      new Split(ByteLevel::words, SplitBehavior.ISOLATED, false).cut(text, pieces);
    }
    text.begin();
    pieces.begin();
    for (int i = 0; i < pieces.count(); i++) {
      int start = text.written();
      if (pieces.id(i) == Pieces.TEXT) {
        ByteAlphabet.write(text, pieces.start(i), pieces.end(i));
      } else {
        text.keep(pieces.start(i), pieces.end(i));
      }
      pieces.add(start, text.written(), pieces.id(i));
    }
    pieces.commit();
    text.commit();
  }

  private static void addSpaces(TextBuffer text, Pieces pieces) {
    text.begin();
    pieces.begin();
    for (int i = 0; i < pieces.count(); i++) {
      int start = text.written();
      if (pieces.id(i) == Pieces.TEXT && text.chars[pieces.start(i)] != ' ') {
        text.insert(" ", pieces.start(i));
      }
      text.keep(pieces.start(i), pieces.end(i));
      pieces.add(start, text.written(), pieces.id(i));
    }
    pieces.commit();
    text.commit();
  }

  private static Spans words(TextBuffer text, int start, int end) {
    Spans spans = new Spans();
    spans.begin(start);
    for (int i = start, next; i < end; i = next) {
      next = endOfWord(text, i, end);
      spans.match(i, next);
    }
    return spans;
  }

  private static int endOfWord(TextBuffer text, int start, int end) {
    if (text.chars[start] == '\'') {
      for (String contraction : CONTRACTIONS) {
        if (text.startsWith(contraction, start, end)) {
          return start + contraction.length();
        }
      }
    }
    int word = text.chars[start] == ' ' && start + 1 < end ? start + 1 : start;
    int first = text.codePointAt(word);
    if (CharacterClass.isLetter(first)) {
      return CharacterClass.endOfRun(text, word, end, CharacterClass::isLetter);
    } else if (CharacterClass.isNumber(first)) {
      return CharacterClass.endOfRun(text, word, end, CharacterClass::isNumber);
    } else if (!CharacterClass.isSpace(first)) {
      return CharacterClass.endOfRun(text, word, end, ByteLevel::isSign);
    }
    int blanks = CharacterClass.endOfRun(text, start, end, CharacterClass::isSpace);
    // The last blank belongs to the word behind it.
    return blanks < end && blanks > start + 1 ? blanks - 1 : blanks;
  }

  private static boolean isSign(int codePoint) {
    return !CharacterClass.isLetter(codePoint)
        && !CharacterClass.isNumber(codePoint)
        && !CharacterClass.isSpace(codePoint);
  }
}
