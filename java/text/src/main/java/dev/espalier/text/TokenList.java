// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.Arrays;

/** Tokens as models find them: ids, and from where to where in the given text each goes. */
final class TokenList {
  private static final int KEPT = 1 << 13;

  int[] ids = new int[128];
  int[] starts = new int[128];
  int[] ends = new int[128];
  int length;

  void add(int id, int start, int end) {
    if (length == ids.length) {
      int room = Math.addExact(length, length);
      ids = Arrays.copyOf(ids, room);
      starts = Arrays.copyOf(starts, room);
      ends = Arrays.copyOf(ends, room);
    }
    ids[length] = id;
    starts[length] = start;
    ends[length++] = end;
  }

  /** Adds the token of the units from {@code start} to {@code end} of a text. */
  void add(int id, TextBuffer text, int start, int end) {
    add(id, text.from(start), text.to(end - 1));
  }

  /** Starts anew, without the room of long texts. */
  void clear() {
    length = 0;
    if (ids.length > KEPT) {
      ids = new int[128];
      starts = new int[128];
      ends = new int[128];
    }
  }
}
