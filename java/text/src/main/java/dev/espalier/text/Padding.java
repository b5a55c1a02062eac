// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.Map;

/**
 * How encodings are filled up.
 *
 * @param length tokens that each has at least; 0: as many as the longest of a batch
 * @param multiple of what the length is a multiple, at least 1
 * @param isLeft whether the filling stands before the tokens
 * @param id the token that fills
 * @param type its type
 */
record Padding(int length, int multiple, boolean isLeft, int id, int type) {
  /** Tokens that one text can be filled up to. */
  static final int MOST = 1 << 20;

  static Padding of(Fields fields) {
    int length = 0;
    if (fields.value("strategy") instanceof Map<?, ?>) {
      length = fields.object("strategy").number("Fixed", MOST);
    } else if (!fields.string("strategy", "BatchLongest").equals("BatchLongest")) {
      throw fields.error("strategy", "BatchLongest or Fixed", fields.value("strategy"));
    }
    String direction = fields.string("direction", "Right");
    if (!direction.equals("Right") && !direction.equals("Left")) {
      throw fields.error("direction", "Right or Left", direction);
    }
    return new Padding(
        length,
        Math.max(1, fields.number("pad_to_multiple_of", MOST, 1)),
        direction.equals("Left"),
        fields.number("pad_id", Vocabulary.MOST_IDS - 1),
        fields.number("pad_type_id", Short.MAX_VALUE, 0));
  }

  /** Returns the length that encodings get, of which the longest has so many tokens. */
  int target(int longest) {
    int target = length == 0 ? longest : length;
    int rest = target % multiple;
    return Math.max(longest, rest == 0 ? target : target + multiple - rest);
  }
}
