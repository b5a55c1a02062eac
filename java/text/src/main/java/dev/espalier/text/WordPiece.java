// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

/**
 * BERT's model: the longest token that a piece begins with, then the longest continuation, and so
 * on. A piece that does not come out even, or has too many characters, is the unknown token.
 */
final class WordPiece implements Model {
  private final Vocabulary vocabulary;
  private final int unknown;
  private final int continuation;
  private final int mostCharacters;

  private WordPiece(Vocabulary vocabulary, int unknown, String prefix, int mostCharacters) {
    this.vocabulary = vocabulary;
    this.unknown = unknown;
    continuation = vocabulary.trie().walk(Trie.ROOT, prefix);
    this.mostCharacters = mostCharacters;
  }

  static WordPiece of(Fields fields) {
    Vocabulary vocabulary = Vocabulary.ofObject(fields);
    return new WordPiece(
        vocabulary,
        vocabulary.required(fields, "unk_token", fields.string("unk_token", "[UNK]")),
        fields.shortString("continuing_subword_prefix", "##"),
        fields.number("max_input_chars_per_word", Short.MAX_VALUE, 100));
  }

  @Override
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  @Override
  public void tokenize(TextBuffer text, int start, int end, Scratch scratch, TokenList tokens) {
    boolean isTooLong =
        end - start > mostCharacters
            && Character.codePointCount(text.chars, start, end - start) > mostCharacters;
    int before = tokens.length;
    if (isTooLong || !cut(text, start, end, tokens)) {
      tokens.length = before;
      tokens.add(unknown, text, start, end);
    }
  }

  private boolean cut(TextBuffer text, int start, int end, TokenList tokens) {
    Trie trie = vocabulary.trie();
    char[] chars = text.chars;
    int node = Trie.ROOT;
    for (int i = start; i < end; node = continuation) {
      int id = Trie.ABSENT;
      int stop = i;
      for (int k = i; k < end && node != Trie.NONE; k++) {
        node = trie.step(node, chars[k]);
        int found = trie.value(node);
        if (found != Trie.ABSENT) {
          id = found;
          stop = k + 1;
        }
      }
      if (id == Trie.ABSENT) {
        return false;
      }
      tokens.add(id, text, i, stop);
      i = stop;
    }
    return true;
  }
}
