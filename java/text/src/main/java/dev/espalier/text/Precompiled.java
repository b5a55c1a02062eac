// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * SentencePiece's normalizer: texts with what stands for them, in a table that the model was
 * trained with. The table is a double array: four bytes of length, then units of four bytes each
 * that say by which byte they are reached and where the next ones are (S. Yata, darts-clone), then
 * the texts, each ended by a zero byte.
 *
 * <p>As in published tokenizers, a grapheme cluster of up to five bytes is looked up whole, and of
 * the entries that it begins with the shortest counts; then each of its code points by itself.
 */
final class Precompiled implements Normalizer {
  private static final int MOST_CLUSTER_BYTES = 5;
  private static final int MOST_TEXT_BYTES = 256;
  private static final Pattern CLUSTER = Pattern.compile("\\X");

  private final int[] units;
  private final byte[] texts;
  private final CodePointMap single;

  private Precompiled(int[] units, byte[] texts) {
    this.units = units;
    this.texts = texts;
    single =
        new CodePointMap(
            codePoint -> {
              String text = Character.toString(codePoint);
              String replacement = lookUp(text);
              return replacement == null ? text : replacement;
            });
  }

  static Precompiled of(Fields fields) {
    byte[] table;
    try {
      table = Base64.getDecoder().decode(fields.string("precompiled_charsmap"));
    } catch (IllegalArgumentException malformed) {
      throw fields.error("precompiled_charsmap", "base64", malformed.getMessage());
    }
    ByteBuffer bytes = ByteBuffer.wrap(table).order(ByteOrder.LITTLE_ENDIAN);
    int size = table.length < 4 ? -1 : bytes.getInt();
    if (size < 4 || size % 4 != 0 || size > bytes.remaining()) {
      throw fields.error(
          "precompiled_charsmap", "the length of its table, then as many bytes", size);
    }
    int[] units = new int[size / 4];
    bytes.asIntBuffer().get(units);
    byte[] texts = new byte[bytes.remaining() - size];
    bytes.position(4 + size).get(texts);
    requireShort(fields, texts);
    return new Precompiled(units, texts);
  }

  /** Refuses texts that would blow others up. */
  private static void requireShort(Fields fields, byte[] texts) {
    int start = 0;
    for (int i = 0; i < texts.length; i++) {
      start = texts[i] == 0 ? i + 1 : start;
      if (i - start >= MOST_TEXT_BYTES) {
        throw fields.error(
            "precompiled_charsmap", "texts of up to " + MOST_TEXT_BYTES + " bytes", "more");
      }
    }
  }

  @Override
  public void normalize(TextBuffer text) {
    Matcher clusters = CLUSTER.matcher(text.substring(0, text.length));
    text.begin();
    for (int i = 0, end; i < text.length; i = end) {
      end = endOfCluster(text, i, clusters);
      String replacement = end - i == 1 ? null : lookUpCluster(text, i, end);
      if (replacement != null) {
        text.put(replacement, i, end);
        continue;
      }
      for (int k = i, next; k < end; k = next) {
        int codePoint = text.codePointAt(k);
        next = k + Character.charCount(codePoint);
        replacement = single.replacement(codePoint);
        if (replacement == null) {
          text.keep(k, next);
        } else {
          text.put(replacement, k, next);
        }
      }
    }
    text.commit();
  }

  private static int endOfCluster(TextBuffer text, int start, Matcher clusters) {
    boolean isAlone =
        text.chars[start] < 128
            && text.chars[start] != '\r'
            && (start + 1 == text.length || text.chars[start + 1] < 128);
    if (isAlone) {
      return start + 1;
    }
    clusters.region(start, text.length);
    return clusters.lookingAt() ? clusters.end() : start + 1;
  }

  private @Nullable String lookUpCluster(TextBuffer text, int start, int end) {
    if (end - start > MOST_CLUSTER_BYTES) {
      return null;
    }
    String cluster = text.substring(start, end);
    int bytes = cluster.getBytes(StandardCharsets.UTF_8).length;
    return bytes > MOST_CLUSTER_BYTES ? null : lookUp(cluster);
  }

  /** Returns what stands for the shortest entry that a text begins with, or null. */
  private @Nullable String lookUp(String text) {
    int at = offset(units[0]);
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      at ^= b & 255;
      if (b == 0 || at >= units.length) {
        return null;
      }
      int unit = units[at];
      if ((unit & (1 << 31 | 0xFF)) != (b & 255)) {
        return null;
      }
      at ^= offset(unit);
      if ((unit >> 8 & 1) != 0) {
        return at < units.length ? text(units[at] & Integer.MAX_VALUE) : null;
      }
    }
    return null;
  }

  private static int offset(int unit) {
    return unit >>> 10 << ((unit & 1 << 9) >> 6);
  }

  private @Nullable String text(int start) {
    int end = start;
    while (end < texts.length && texts[end] != 0) {
      end++;
    }
    return start > texts.length
        ? null
        : new String(texts, start, end - start, StandardCharsets.UTF_8);
  }
}
