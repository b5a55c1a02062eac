// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.ArrayList;
import java.util.List;

/** Finds added tokens in texts: from left to right, at each place the longest. Immutable. */
final class TokenFinder {
  private final List<AddedToken> tokens = new ArrayList<>();
  private final Trie trie = new Trie();
  private final boolean[] beginsWith = new boolean[128];
  private boolean beginsWithOther;

  /**
   * Looks for tokens.
   *
   * @param tokens the tokens
   * @param texts what each looks like
   */
  TokenFinder(List<AddedToken> tokens, List<String> texts) {
    for (int i = 0; i < texts.size(); i++) {
      String text = texts.get(i);
      if (!text.isEmpty()) {
        trie.put(text, this.tokens.size());
        this.tokens.add(tokens.get(i));
        if (text.charAt(0) < 128) {
          beginsWith[text.charAt(0)] = true;
        } else {
          beginsWithOther = true;
        }
      }
    }
  }

  /** Returns true if there is nothing to find. */
  boolean isEmpty() {
    return tokens.isEmpty();
  }

  /** Adds the pieces of a stretch of text: tokens, and what lies between. */
  void cut(TextBuffer text, int start, int end, Pieces pieces) {
    int done = start;
    for (int i = start; i < end; ) {
      char c = text.chars[i];
      if (c < 128 ? !beginsWith[c] : !beginsWithOther) {
        i++;
        continue;
      }
      int stop = longest(text, i, end);
      if (stop < 0) {
        i++;
        continue;
      }
      AddedToken token = tokens.get(trie.value(trie.walk(Trie.ROOT, text.chars, i, stop)));
      int from = i;
      int to = stop;
      i = stop;
      if (token.isWord() && (endsWord(text, start, from) || beginsWord(text, to, end))) {
        continue;
      }
      while (token.takesLeft() && from > done && CharacterClass.isSpace(text.chars[from - 1])) {
        from--;
      }
      while (token.takesRight() && to < end && CharacterClass.isSpace(text.chars[to])) {
        to++;
      }
      pieces.add(done, from);
      pieces.add(from, to, token.id());
      done = to;
    }
    pieces.add(done, end);
  }

  /** Returns where the longest token that begins at a place ends, or -1. */
  private int longest(TextBuffer text, int start, int end) {
    int stop = -1;
    int node = Trie.ROOT;
    for (int i = start; i < end; ) {
      node = trie.step(node, text.chars[i++]);
      if (node == Trie.NONE) {
        break;
      }
      stop = trie.value(node) == Trie.ABSENT ? stop : i;
    }
    return stop;
  }

  private static boolean endsWord(TextBuffer text, int start, int place) {
    return place > start
        && CharacterClass.isWord(Character.codePointBefore(text.chars, place, start));
  }

  private static boolean beginsWord(TextBuffer text, int place, int end) {
    return place < end && CharacterClass.isWord(text.codePointAt(place));
  }
}
