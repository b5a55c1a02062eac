// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Byte pair encoding: each character is a token at first; then, again and again, the pair that
 * comes first in the list of merges, the leftmost of equal ones, becomes one token. Pairs wait in a
 * heap, so a long piece of n characters takes n log n steps.
 */
final class Bpe implements Model {
  private static final int NO_ID = -1;

  private final Vocabulary vocabulary;
  private final Merges merges;
  private final int unknown;
  private final boolean fusesUnknown;
  private final String prefix;
  private final String suffix;
  private final boolean takesWholePieces;
  private final int @Nullable [] byteIds;
  private final int mostSymbols;

  private Bpe(Fields fields) {
    vocabulary = Vocabulary.ofObject(fields);
    prefix = fields.shortString("continuing_subword_prefix", "");
    suffix = fields.shortString("end_of_word_suffix", "");
    merges = Merges.of(fields, vocabulary, prefix);
    String token = fields.optionalString("unk_token");
    unknown = token == null ? NO_ID : vocabulary.required(fields, "unk_token", token);
    fusesUnknown = fields.flag("fuse_unk", false);
    takesWholePieces = fields.flag("ignore_merges", false);
    byteIds = fields.flag("byte_fallback", false) ? byteIds(vocabulary) : null;
    // A unit may be three bytes, and those of prefix and suffix come beside it.
    mostSymbols = byteIds == null ? 1 : 3 * (1 + prefix.length() + suffix.length());
    if (fields.has("dropout")
        && !(fields.value("dropout") instanceof Number rate && rate.doubleValue() == 0)) {
      fields.unsupported("dropout: the same text would have other tokens each time");
    }
  }

  static Bpe of(Fields fields) {
    return new Bpe(fields);
  }

  /** Returns the ids of the tokens {@code <0x00>} to {@code <0xFF>}. */
  static int[] byteIds(Vocabulary vocabulary) {
    int[] ids = new int[256];
    for (int b = 0; b < 256; b++) {
      ids[b] = vocabulary.id(String.format(Locale.ROOT, "<0x%02X>", b));
    }
    return ids;
  }

  @Override
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  @Override
  public void tokenize(TextBuffer text, int start, int end, Scratch scratch, TokenList tokens) {
    if (takesWholePieces) {
      int node = vocabulary.trie().walk(Trie.ROOT, text.chars, start, end);
      if (node != Trie.NONE && vocabulary.trie().value(node) != Trie.ABSENT) {
        tokens.add(vocabulary.trie().value(node), text, start, end);
        return;
      }
    }
    scratch.reserve(Math.multiplyExact(mostSymbols, end - start));
    int count = symbols(text, start, end, scratch);
    merge(scratch, count);
    for (int i = 0; i < count; i = scratch.after[i]) {
      tokens.add(scratch.ids[i], text, scratch.starts[i], scratch.ends[i]);
    }
  }

  /** Writes the first tokens, and from where to where each goes; returns how many there are. */
  private int symbols(TextBuffer text, int start, int end, Scratch scratch) {
    int count = 0;
    int unknownStart = NO_ID;
    int unknownEnd = NO_ID;
    for (int i = start, next; i < end; i = next) {
      next = i + Character.charCount(text.codePointAt(i));
      String before = i == start ? "" : prefix;
      String behind = next == end ? suffix : "";
      int id = id(text, i, next, before, behind);
      if (id != NO_ID) {
        if (unknownStart != NO_ID) {
          scratch.symbol(count++, unknown, unknownStart, unknownEnd);
          unknownStart = NO_ID;
        }
        scratch.symbol(count++, id, i, next);
        continue;
      }
      int bytes = byteIds == null ? 0 : fallBack(text, i, next, before, behind, scratch, count);
      if (bytes > 0) {
        count += bytes;
      } else if (unknown != NO_ID) {
        if (unknownStart != NO_ID && !fusesUnknown) {
          scratch.symbol(count++, unknown, unknownStart, unknownEnd);
          unknownStart = NO_ID;
        }
        unknownStart = unknownStart == NO_ID ? i : unknownStart;
        unknownEnd = next;
      }
    }
    if (unknownStart != NO_ID) {
      scratch.symbol(count++, unknown, unknownStart, unknownEnd);
    }
    return count;
  }

  private int id(TextBuffer text, int start, int end, String before, String behind) {
    Trie trie = vocabulary.trie();
    int node = trie.walk(trie.walk(Trie.ROOT, before), text.chars, start, end);
    node = trie.walk(node, behind);
    return node == Trie.NONE ? NO_ID : trie.value(node);
  }

  /** Writes the tokens of a character's bytes; returns their number, 0 if one is missing. */
  private int fallBack(
      TextBuffer text,
      int start,
      int end,
      String before,
      String behind,
      Scratch scratch,
      int count) {
    byte[] bytes = (before + text.substring(start, end) + behind).getBytes(StandardCharsets.UTF_8);
    for (int b = 0; b < bytes.length; b++) {
      int id = byteIds[bytes[b] & 255];
      if (id == NO_ID) {
        return 0;
      }
      scratch.symbol(count + b, id, start, end);
    }
    return bytes.length;
  }

  /**
   * Merges the symbols 0 to {@code count - 1}. Afterwards {@code after[i]} is the symbol behind
   * {@code i}, from symbol 0 on, and {@code count} behind the last.
   */
  private void merge(Scratch scratch, int count) {
    int[] ids = scratch.ids;
    int[] before = scratch.before;
    int[] after = scratch.after;
    scratch.heapSize = 0;
    for (int i = 0; i < count; i++) {
      before[i] = i - 1;
      after[i] = i + 1;
      push(scratch, i, count);
    }
    while (scratch.heapSize > 0) {
      long entry = scratch.pop();
      int left = (int) entry;
      int right = ids[left] == NO_ID ? count : after[left];
      long merge = right == count ? Merges.NONE : merges.get(ids[left], ids[right]);
      // A pair that changed since it was put here waits elsewhere by what it is now.
      if (merge == Merges.NONE || merge >>> 32 != entry >>> 32) {
        continue;
      }
      ids[left] = (int) merge;
      ids[right] = NO_ID;
      scratch.ends[left] = scratch.ends[right];
      after[left] = after[right];
      if (after[left] < count) {
        before[after[left]] = left;
      }
      if (before[left] >= 0) {
        push(scratch, before[left], count);
      }
      push(scratch, left, count);
    }
  }

  /** Puts the pair that begins with a symbol into the heap: by rank, then from left to right. */
  private void push(Scratch scratch, int left, int count) {
    int right = scratch.after[left];
    if (right < count) {
      long merge = merges.get(scratch.ids[left], scratch.ids[right]);
      if (merge != Merges.NONE) {
        scratch.push(merge & 0xFFFFFFFF00000000L | left);
      }
    }
  }
}
