// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

/**
 * SentencePiece's pre-tokenizer: another sign for spaces, before each word, at which texts are cut.
 */
record Metaspace(String sign, Prepend prepend, boolean cuts) implements PreTokenizer {
  /** Where a text that does not begin with the sign gets one. */
  enum Prepend {
    ALWAYS("always"),
    FIRST("first"),
    NEVER("never");

    private final String key;

    Prepend(String key) {
      this.key = key;
    }

    static Prepend of(Fields fields) {
      boolean adds = fields.flag("add_prefix_space", true);
      String key = fields.string("prepend_scheme", (adds ? ALWAYS : NEVER).key);
      for (Prepend prepend : values()) {
        if (prepend.key.equals(key)) {
          if (prepend != NEVER && !adds) {
            throw fields.error("add_prefix_space", "true, as prepend_scheme is " + key, false);
          }
          return prepend;
        }
      }
      throw fields.error("prepend_scheme", "always, first or never", key);
    }
  }

  @Override
  public void cut(TextBuffer text, Pieces pieces) {
    text.begin();
    pieces.begin();
    for (int i = 0; i < pieces.count(); i++) {
      int start = text.written();
      if (pieces.id(i) == Pieces.TEXT) {
        write(text, pieces.start(i), pieces.end(i));
      } else {
        text.keep(pieces.start(i), pieces.end(i));
      }
      pieces.add(start, text.written(), pieces.id(i));
    }
    pieces.commit();
    text.commit();
    if (cuts) {
      new Split(this::signs, SplitBehavior.MERGED_WITH_NEXT, false).cut(text, pieces);
    }
  }

  private void write(TextBuffer text, int start, int end) {
    boolean begins = text.chars[start] == ' ' || text.startsWith(sign, start, end);
    boolean isFirst = text.from(start) == 0;
    if (!begins && (prepend == Prepend.ALWAYS || (prepend == Prepend.FIRST && isFirst))) {
      text.insert(sign, start);
    }
    for (int i = start; i < end; i++) {
      if (text.chars[i] == ' ') {
        text.put(sign, i, i + 1);
      } else {
        text.keep(i);
      }
    }
  }

  private Spans signs(TextBuffer text, int start, int end) {
    Spans spans = new Spans();
    spans.begin(start);
    for (int i = start; i < end; i++) {
      if (text.startsWith(sign, i, end)) {
        spans.match(i, i + sign.length());
        i += sign.length() - 1;
      }
    }
    spans.finish(end);
    return spans;
  }
}
