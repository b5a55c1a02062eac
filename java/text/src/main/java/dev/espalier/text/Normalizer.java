// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.List;

/** Makes texts that shall mean the same the same. Without state. */
interface Normalizer {
  /** Changes a text. */
  void normalize(TextBuffer text);

  /** Returns a text changed. */
  default String normalized(String given) {
    TextBuffer text = new TextBuffer();
    text.set(given, 0, given.length());
    normalize(text);
    return text.substring(0, text.length);
  }

  /** One after the other. */
  record Sequence(List<Normalizer> parts) implements Normalizer {
    @Override
    public void normalize(TextBuffer text) {
      for (Normalizer part : parts) {
        part.normalize(text);
      }
    }
  }

  /** Puts a text before every text that is not empty. */
  record Prepend(String prefix) implements Normalizer {
    @Override
    public void normalize(TextBuffer text) {
      if (text.length > 0) {
        text.begin();
        text.insert(prefix, 0);
        text.keep(0, text.length);
        text.commit();
      }
    }
  }

  /** Takes white space away from the ends. */
  record Strip(boolean left, boolean right) implements Normalizer {
    @Override
    public void normalize(TextBuffer text) {
      int start = 0;
      int end = text.length;
      // White space lies in the basic plane, so units will do.
      while (left && start < end && CharacterClass.isSpace(text.chars[start])) {
        start++;
      }
      while (right && end > start && CharacterClass.isSpace(text.chars[end - 1])) {
        end--;
      }
      if (end - start < text.length) {
        text.begin();
        text.keep(start, end);
        text.commit();
      }
    }
  }

  /** Puts a text for each match of a pattern. */
  record Replace(TextPattern pattern, String content) implements Normalizer {
    @Override
    public void normalize(TextBuffer text) {
      Spans spans = pattern.spans(text, 0, text.length);
      if (!spans.hasMatch()) {
        return;
      }
      text.begin();
      for (int i = 0; i < spans.count(); i++) {
        int start = spans.start(i);
        int end = spans.end(i);
        if (!spans.isMatch(i)) {
          text.keep(start, end);
        } else if (start < end) {
          text.put(content, start, end);
        } else {
          text.insert(content, start);
        }
      }
      text.commit();
    }
  }
}
