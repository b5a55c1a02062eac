// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

/** Turns pieces of text into tokens of a vocabulary. Immutable. */
interface Model {
  /** Returns the vocabulary. */
  Vocabulary vocabulary();

  /** Adds the tokens of the units from {@code start} to {@code end}, at least one. */
  void tokenize(TextBuffer text, int start, int end, Scratch scratch, TokenList tokens);

  /** Whole pieces are tokens; others are the unknown one. */
  record WordLevel(Vocabulary vocabulary, int unknown) implements Model {
    static WordLevel of(Fields fields) {
      Vocabulary vocabulary = Vocabulary.ofObject(fields);
      String token = fields.string("unk_token", "<unk>");
      return new WordLevel(vocabulary, vocabulary.required(fields, "unk_token", token));
    }

    @Override
    public void tokenize(TextBuffer text, int start, int end, Scratch scratch, TokenList tokens) {
      Trie trie = vocabulary.trie();
      int node = trie.walk(Trie.ROOT, text.chars, start, end);
      int id = node == Trie.NONE ? Trie.ABSENT : trie.value(node);
      tokens.add(id == Trie.ABSENT ? unknown : id, text, start, end);
    }
  }
}
