// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import dev.espalier.CheckReturnValue;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of a text, or of a pair of texts: their ids, with special tokens and, where the {@link
 * Tokenizer} pads, padding. Immutable.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Encoding {
  private static final int[] NONE = {};

  private final int[] ids;
  private final int @Nullable [] typeIds;
  private final int[] starts;
  private final int[] ends;
  private final int first;
  private final int length;

  private Encoding(
      int[] ids, int @Nullable [] typeIds, int[] starts, int[] ends, int first, int length) {
    this.ids = ids;
    this.typeIds = typeIds;
    this.starts = starts;
    this.ends = ends;
    this.first = first;
    this.length = length;
  }

  /** Puts the tokens of one text or two together, cut as it should be. */
  static Encoding of(
      List<Template.Part> parts,
      TokenList firstText,
      @Nullable TokenList secondText,
      @Nullable Truncation truncation) {
    int specials = Template.specials(parts);
    int[] lengths = {firstText.length, secondText == null ? -1 : secondText.length};
    if (truncation != null) {
      lengths = truncation.lengths(lengths[0], lengths[1], specials);
    }
    int size = specials + lengths[0] + Math.max(0, lengths[1]);
    int[] ids = new int[size];
    int[] starts = new int[size];
    int[] ends = new int[size];
    int[] typeIds = null;
    int at = 0;
    for (Template.Part part : parts) {
      int begin = at;
      if (part.text() == Template.SPECIAL) {
        for (int id : part.ids()) {
          ids[at++] = id;
        }
      } else {
        TokenList tokens = part.text() == 0 || secondText == null ? firstText : secondText;
        int count = lengths[part.text()];
        int from = truncation != null && truncation.keepsEnd() ? tokens.length - count : 0;
        System.arraycopy(tokens.ids, from, ids, at, count);
        System.arraycopy(tokens.starts, from, starts, at, count);
        System.arraycopy(tokens.ends, from, ends, at, count);
        at += count;
      }
      if (part.type() != 0) {
        typeIds = typeIds == null ? new int[size] : typeIds;
        Arrays.fill(typeIds, begin, at, part.type());
      }
    }
    return new Encoding(ids, typeIds, starts, ends, 0, size);
  }

  /** Returns this with padding up to a length. */
  Encoding padded(Padding padding, int target) {
    if (target <= ids.length) {
      return this;
    }
    int shift = padding.isLeft() ? target - ids.length : 0;
    int[] types = null;
    if (typeIds != null || padding.type() != 0) {
      types = spread(typeIds == null ? NONE : typeIds, target, shift, padding.type());
      if (typeIds == null) {
        Arrays.fill(types, shift, shift + ids.length, 0);
      }
    }
    return new Encoding(
        spread(ids, target, shift, padding.id()),
        types,
        spread(starts, target, shift, 0),
        spread(ends, target, shift, 0),
        shift,
        length);
  }

  private static int[] spread(int[] values, int target, int shift, int filling) {
    int[] all = new int[target];
    if (filling != 0) {
      Arrays.fill(all, filling);
    }
    System.arraycopy(values, 0, all, shift, values.length);
    return all;
  }

  /**
   * Returns the ids, with special tokens and padding.
   *
   * @return a copy
   */
  public int[] ids() {
    return ids.clone();
  }

  /**
   * Returns one id.
   *
   * @param index 0 to {@code size() - 1}
   * @return the id
   * @throws IndexOutOfBoundsException if the index is out of range
   */
  public int id(int index) {
    return ids[Objects.checkIndex(index, ids.length)];
  }

  /**
   * Returns which text each token is of, as the tokenizer's file says: for most, 1 in the second of
   * a pair and 0 elsewhere.
   *
   * @return a copy
   */
  public int[] typeIds() {
    return typeIds == null ? new int[ids.length] : typeIds.clone();
  }

  /**
   * Returns which tokens count: 0 for padding, 1 for all others.
   *
   * @return a new array
   */
  public int[] attentionMask() {
    int[] mask = new int[ids.length];
    Arrays.fill(mask, first, first + length, 1);
    return mask;
  }

  /**
   * Returns the number of tokens without padding.
   *
   * @return special tokens included
   */
  public int length() {
    return length;
  }

  /**
   * Returns the number of tokens with padding.
   *
   * @return length of {@link #ids}
   */
  public int size() {
    return ids.length;
  }

  /**
   * Returns where in its text a token begins.
   *
   * @param index 0 to {@code size() - 1}
   * @return index of a {@code char}; 0 for special tokens and padding
   * @throws IndexOutOfBoundsException if the index is out of range
   */
  public int start(int index) {
    return starts[Objects.checkIndex(index, ids.length)];
  }

  /**
   * Returns where in its text a token ends.
   *
   * @param index 0 to {@code size() - 1}
   * @return index behind its last {@code char}; 0 for special tokens and padding
   * @throws IndexOutOfBoundsException if the index is out of range
   */
  public int end(int index) {
    return ends[Objects.checkIndex(index, ids.length)];
  }

  /** Writes the ids without padding. */
  void writeIds(float[] row, int offset) {
    for (int i = 0; i < length; i++) {
      row[offset + i] = ids[first + i];
    }
  }

  /** Writes the types of tokens without padding. */
  void writeTypes(float[] row, int offset) {
    for (int i = 0; i < length; i++) {
      row[offset + i] = typeIds == null ? 0 : typeIds[first + i];
    }
  }

  /** Returns the ids. */
  @Override
  public String toString() {
    return "Encoding" + Arrays.toString(ids);
  }
}
