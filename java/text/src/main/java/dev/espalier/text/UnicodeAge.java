// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

/**
 * What punctuation, nonspacing marks and format characters are newer than Unicode 8. Published
 * vocabularies were made with tables of that version, in which they are none of these; with them,
 * ids are the same on every version of Java.
 */
final class UnicodeAge {
  /**
   * First and last code point of ranges in which no older character is one of the three, up to
   * Unicode 16.
   */
  private static final int[][] RECENT = {
    {0x61D, 0x61D},
    {0x7FD, 0x7FD},
    {0x890, 0x8E2},
    {0x9FD, 0x9FE},
    {0xA76, 0xA76},
    {0xAFA, 0xAFF},
    {0xB55, 0xB55},
    {0xC04, 0xC3C},
    {0xC77, 0xC77},
    {0xC84, 0xC84},
    {0xD00, 0xD00},
    {0xD3B, 0xD3C},
    {0xD81, 0xD81},
    {0xEBA, 0xEBA},
    {0xECE, 0xECE},
    {0x180F, 0x1886},
    {0x1ABF, 0x1ACE},
    {0x1B4E, 0x1B4F},
    {0x1B7D, 0x1B7F},
    {0x1DF6, 0x1DFB},
    {0x2E43, 0x2E5D},
    {0xA82C, 0xA82C},
    {0xA8C5, 0xA8C5},
    {0xA8FF, 0xA8FF},
    {0xA9BD, 0xA9BD},
    {0x10D24, 0x10F89},
    {0x11070, 0x11074},
    {0x110C2, 0x110CD},
    {0x111C9, 0x111C9},
    {0x111CF, 0x111CF},
    {0x1123E, 0x11241},
    {0x1133B, 0x1133B},
    {0x113BB, 0x1145E},
    {0x11660, 0x1166C},
    {0x116B9, 0x116B9},
    {0x1182F, 0x11FFF},
    {0x12FF1, 0x1612F},
    {0x16D6D, 0x16F4F},
    {0x16FE2, 0x16FE4},
    {0x1CF00, 0x1CF46},
    {0x1E000, 0x1E5FF},
    {0x1E944, 0x1E95F}
  };

  private UnicodeAge() {}

  /** Returns true for punctuation, nonspacing marks and format characters newer than Unicode 8. */
  static boolean isRecent(int codePoint) {
    int low = 0;
    int high = RECENT.length - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (codePoint < RECENT[middle][0]) {
        high = middle - 1;
      } else if (codePoint > RECENT[middle][1]) {
        low = middle + 1;
      } else {
        return true;
      }
    }
    return false;
  }
}
