// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Makes sentences in many scripts, and much that no sentence has; the same for a seed. */
final class Sentences {
  private static final String[] ENGLISH = {
    "the",
    "a",
    "grafting",
    "tree",
    "espalier",
    "network",
    "don't",
    "We're",
    "they'll",
    "it's",
    "unbelievable",
    "Transfer",
    "LEARNING",
    "answers",
    "question",
    "is",
    "was",
    "of",
    "incomplete",
    "labels",
    "apple",
    "branch",
    "state-of-the-art",
    "e.g.",
    "U.S.A.",
    "3.14",
    "1,000,000",
    "café",
    "naïve",
    "Straße",
    "I'd",
    "'tis",
    "rock'n'roll",
    "o'clock",
    "antidisestablishmentarianism"
  };
  private static final String[] CODE = {
    "for (int i = 0; i < n; ++i) {", "x->y::z", "a[i] += b[j]*c;", "#include <hwy/highway.h>",
    "System.out.println(\"%d\\n\");", "\tif not x:\n\t\treturn None", "λ x. x + 1", "`ls -la | wc`",
    "camelCaseName snake_case_name kebab-case", "/* ... */", "0xDEADBEEF 1e-10 .5f", "&&||!=<=>"
  };
  private static final String[] ADDRESSES = {
    "https://espalier.dev/path?q=1&r=%20x#frag",
    "user.name+tag@example.co.uk",
    "10.0.0.1:8080",
    "C:\\Users\\x\\file.txt",
    "git@github.com:a/b.git",
    "ftp://[2001:db8::1]/",
    "#hashtag @name"
  };
  private static final String[] SIGNS = {
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\u00A0",
    "\u2003",
    "\u3000",
    "\u2028",
    "\u200B",
    "\u200D",
    "\uFEFF",
    "\u0000",
    "\u0007",
    "\u001F",
    "\u007F",
    "\u0085",
    "\u00AD",
    "\uFFFD",
    "\uE000",
    "\f",
    "\u000B",
    "!",
    "?!",
    "...",
    "…",
    "—",
    "«",
    "»",
    "“",
    "”",
    "’",
    "‘",
    "¿",
    "¡",
    "、",
    "。",
    "・",
    "（",
    "）",
    "$",
    "€",
    "£",
    "+",
    "=",
    "~",
    "^",
    "`",
    "|",
    "©",
    "™",
    "½",
    "²",
    "①",
    "Ⅷ",
    "‰",
    "_",
    "-",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "[UNK]",
    " [MASK] ",
    "[mask]",
    "<s>",
    "</s>",
    "<unk>",
    "##ing",
    "▁",
    "<0x0A>"
  };
  private static final String[] EMOJI = {
    "😀",
    "👍🏽",
    "👨‍👩‍👧‍👦",
    "🇩🇪",
    "❤️",
    "☃",
    "🏳️‍🌈",
    "1️⃣",
    "🤷‍♀️",
    "𝔘𝔫𝔦",
    "𝟘𝟙",
    "𐍈",
    "𠀀",
    "🐍🚀"
  };

  /** First and last code points of letters in use; each pair is of one script. */
  private static final int[][] SCRIPTS = {
    {'a', 'z'},
    {'A', 'Z'},
    {0xC0, 0xFF},
    {0x100, 0x24F},
    {0x1E00, 0x1EFF},
    {0x391, 0x3A1},
    {0x3B1, 0x3C9},
    {0x1F00, 0x1F15},
    {0x410, 0x44F},
    {0x450, 0x4FF},
    {0x531, 0x556},
    {0x5D0, 0x5EA},
    {0x591, 0x5BD},
    {0x620, 0x64A},
    {0x64B, 0x652},
    {0x660, 0x669},
    {0x904, 0x939},
    {0x93E, 0x94D},
    {0x985, 0x98C},
    {0x9BE, 0x9C4},
    {0xB85, 0xB8A},
    {0xBBE, 0xBC2},
    {0xBC6, 0xBC8},
    {0xD05, 0xD0C},
    {0xE01, 0xE3A},
    {0xE40, 0xE4E},
    {0x10D0, 0x10F6},
    {0x1100, 0x1112},
    {0x1161, 0x1175},
    {0x11A8, 0x11C2},
    {0x1200, 0x1248},
    {0x13A0, 0x13F4},
    {0x1780, 0x17B3},
    {0x17B6, 0x17D3},
    {0x3041, 0x3096},
    {0x3099, 0x309C},
    {0x30A1, 0x30FA},
    {0x3131, 0x318E},
    {0x3400, 0x3500},
    {0x4E00, 0x9FA5},
    {0xAC00, 0xD7A3},
    {0xF900, 0xFA0D},
    {0xFB00, 0xFB06},
    {0xFB50, 0xFBB1},
    {0xFF01, 0xFFBE},
    {0x300, 0x34E},
    {0x2070, 0x2071},
    {0x2100, 0x2188},
    {0x2190, 0x23F3},
    {0x2460, 0x24FF},
    {0x1D400, 0x1D454},
    {0x1F300, 0x1F320},
    {0x20000, 0x20100},
    {0x2F800, 0x2F900},
    {0x10330, 0x1034A},
    {0x10400, 0x1044F},
    {0x1F600, 0x1F640},
    {0x2600, 0x26FF}
  };

  private final SplittableRandom random;

  private Sentences(long seed) {
    random = new SplittableRandom(seed);
  }

  /** Makes so many sentences. */
  static List<String> of(int count, long seed) {
    Sentences sentences = new Sentences(seed);
    List<String> all = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      all.add(sentences.next(i % 8));
    }
    return all;
  }

  /** Makes so many sentences of English words alone, of about the length of a paragraph. */
  static List<String> plain(int count, long seed) {
    Sentences sentences = new Sentences(seed);
    List<String> all = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      StringBuilder text = new StringBuilder();
      for (int words = 5 + sentences.random.nextInt(60); words > 0; words--) {
        text.append(sentences.pick(ENGLISH)).append(words % 11 == 1 ? ". " : " ");
      }
      all.add(text.toString());
    }
    return all;
  }

  private String next(int kind) {
    StringBuilder text = new StringBuilder();
    int words = random.nextInt(1, 25);
    int[] script = SCRIPTS[random.nextInt(SCRIPTS.length)];
    for (int i = 0; i < words; i++) {
      int what = kind < 5 && random.nextInt(4) > 0 ? kind : random.nextInt(8);
      switch (what) {
        case 0 -> text.append(pick(ENGLISH));
        case 1 -> word(text, script, random.nextInt(1, 12));
        case 2 -> word(text, SCRIPTS[random.nextInt(SCRIPTS.length)], random.nextInt(1, 8));
        case 3 -> text.append(pick(SIGNS));
        case 4 -> text.append(pick(EMOJI));
        case 5 -> text.append(pick(CODE));
        case 6 -> text.append(pick(ADDRESSES));
        default -> {
          int length = random.nextInt(20) == 0 ? random.nextInt(90, 250) : 3;
          word(text, random.nextBoolean() ? script : SCRIPTS[0], length);
        }
      }
      if (random.nextInt(5) > 0) {
        text.append(random.nextInt(12) == 0 ? pick(SIGNS) : " ");
      }
    }
    return text.toString();
  }

  private void word(StringBuilder text, int[] script, int length) {
    for (int i = 0; i < length; i++) {
      int codePoint = random.nextInt(script[0], script[1] + 1);
      text.appendCodePoint(Character.isDefined(codePoint) ? codePoint : script[0]);
      if (random.nextInt(12) == 0) {
        text.appendCodePoint(random.nextInt(0x300, 0x330));
      }
    }
  }

  private String pick(String[] from) {
    return from[random.nextInt(from.length)];
  }
}
