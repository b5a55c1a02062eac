// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

/** What becomes of the matches by which a text is cut. */
enum SplitBehavior {
  /** They go. */
  REMOVED("Removed"),
  /** Each is a piece. */
  ISOLATED("Isolated"),
  /** Neighbors are one piece. */
  CONTIGUOUS("Contiguous"),
  /** Each belongs to the piece before it. */
  MERGED_WITH_PREVIOUS("MergedWithPrevious"),
  /** Each belongs to the piece behind it. */
  MERGED_WITH_NEXT("MergedWithNext");

  private final String key;

  SplitBehavior(String key) {
    this.key = key;
  }

  static SplitBehavior of(Fields fields, SplitBehavior otherwise) {
    String key = fields.string("behavior", otherwise.key);
    for (SplitBehavior behavior : values()) {
      if (behavior.key.equals(key)) {
        return behavior;
      }
    }
    throw fields.error(
        "behavior", "Removed, Isolated, Contiguous, MergedWithPrevious or MergedWithNext", key);
  }

  /**
   * Adds the pieces that spans make.
   *
   * @param spans all of a stretch of text
   * @param isInverted whether what lies between the matches counts as match
   * @param pieces where to add
   */
  void cut(Spans spans, boolean isInverted, Pieces pieces) {
    int count = spans.count();
    for (int i = 0; i < count; i++) {
      boolean matches = spans.isMatch(i) != isInverted;
      int last = i;
      switch (this) {
        case REMOVED:
          if (matches) {
            continue;
          }
          break;
        case CONTIGUOUS:
          while (last + 1 < count && spans.isMatch(last + 1) == spans.isMatch(i)) {
            last++;
          }
          break;
        case MERGED_WITH_PREVIOUS:
          // Of matches side by side, the first alone is merged.
          if (!matches && last + 1 < count && spans.isMatch(last + 1) != isInverted) {
            last++;
          }
          break;
        case MERGED_WITH_NEXT:
          // Of matches side by side, the last alone is merged.
          if (matches && last + 1 < count && spans.isMatch(last + 1) == isInverted) {
            last++;
          }
          break;
        default:
          break;
      }
      pieces.add(spans.start(i), spans.end(last));
      i = last;
    }
  }
}
