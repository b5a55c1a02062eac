// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

/**
 * How texts of too many tokens are cut.
 *
 * @param most tokens that remain, special ones among them
 * @param keepsEnd whether the front is cut
 * @param strategy which of two texts is cut
 */
record Truncation(int most, boolean keepsEnd, Strategy strategy) {
  /** Which of two texts is cut. */
  enum Strategy {
    LONGEST_FIRST("LongestFirst"),
    ONLY_FIRST("OnlyFirst"),
    ONLY_SECOND("OnlySecond");

    private final String key;

    Strategy(String key) {
      this.key = key;
    }
  }

  static Truncation of(Fields fields) {
    String direction = fields.string("direction", "Right");
    if (!direction.equals("Right") && !direction.equals("Left")) {
      throw fields.error("direction", "Right or Left", direction);
    }
    String key = fields.string("strategy", Strategy.LONGEST_FIRST.key);
    for (Strategy strategy : Strategy.values()) {
      if (strategy.key.equals(key)) {
        int most = fields.number("max_length", Integer.MAX_VALUE);
        return new Truncation(most, direction.equals("Left"), strategy);
      }
    }
    throw fields.error("strategy", "LongestFirst, OnlyFirst or OnlySecond", key);
  }

  /**
   * Returns how many tokens of each text remain.
   *
   * @param first tokens of the first text
   * @param second tokens of the second text, -1 if there is none
   * @param specials special tokens that come beside them
   */
  int[] lengths(int first, int second, int specials) {
    int room = most - specials;
    if (room < 0) {
      throw new IllegalArgumentException(
          "truncation: expected room for " + specials + " special tokens, got " + most);
    }
    int excess = first + Math.max(second, 0) - room;
    if (excess <= 0) {
      return new int[] {first, second};
    }
    if (strategy == Strategy.LONGEST_FIRST) {
      return second < 0 ? new int[] {room, second} : longestFirst(first, second, room);
    }
    boolean isFirst = strategy == Strategy.ONLY_FIRST;
    int length = isFirst ? first : second;
    if (length <= excess && !(room == 0 && second <= 0)) {
      throw new IllegalArgumentException(
          "truncation: expected to cut "
              + excess
              + " tokens from the "
              + (isFirst ? "first" : "second")
              + " text alone, got "
              + Math.max(length, 0));
    }
    return isFirst ? new int[] {first - excess, second} : new int[] {first, second - excess};
  }

  /** Cuts the longer one to the length of the other, then both. */
  private static int[] longestFirst(int first, int second, int room) {
    int shorter = Math.min(first, second);
    int longer = shorter > room ? shorter : Math.max(shorter, room - shorter);
    if (shorter + longer > room) {
      shorter = room / 2;
      longer = shorter + room % 2;
    }
    return first > second ? new int[] {longer, shorter} : new int[] {shorter, longer};
  }
}
