// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.ArrayList;
import java.util.List;

/**
 * What stands around the tokens of one text, or of two.
 *
 * @param single parts for one text
 * @param pair parts for two
 */
record Template(List<Part> single, List<Part> pair) {
  /** Stands for special tokens in {@link Part#text}. */
  static final int SPECIAL = -1;

  /** Nothing around the tokens. */
  static final Template PLAIN = new Template(List.of(text(0, 0)), List.of(text(0, 0), text(1, 1)));

  /**
   * A text or special tokens.
   *
   * @param text 0 or 1 for the first or second text, or {@link #SPECIAL}
   * @param ids the special tokens
   * @param type type id of all its tokens
   */
  record Part(int text, List<Integer> ids, int type) {}

  private static Part text(int text, int type) {
    return new Part(text, List.of(), type);
  }

  private static Part special(int id, int type) {
    return new Part(SPECIAL, List.of(id), type);
  }

  /** BERT's: {@code [CLS] A [SEP] B [SEP]}, the second text with type 1. */
  static Template bert(int start, int separator) {
    Part first = special(start, 0);
    Part end = special(separator, 0);
    return new Template(
        List.of(first, text(0, 0), end),
        List.of(first, text(0, 0), end, text(1, 1), special(separator, 1)));
  }

  /** RoBERTa's: {@code <s> A </s></s> B </s>}, all with type 0. */
  static Template roberta(int start, int separator) {
    Part first = special(start, 0);
    Part end = special(separator, 0);
    return new Template(
        List.of(first, text(0, 0), end), List.of(first, text(0, 0), end, end, text(1, 0), end));
  }

  /** Reads one that the file spells out. */
  static Template of(Fields fields) {
    return new Template(parts(fields, "single", 1), parts(fields, "pair", 2));
  }

  private static List<Part> parts(Fields fields, String field, int texts) {
    if (!fields.has(field) && texts == 2) {
      return PLAIN.pair;
    }
    Fields specials = fields.has("special_tokens") ? fields.object("special_tokens") : fields;
    List<Part> parts = new ArrayList<>();
    fields.eachObject(
        field,
        part -> {
          if (part.has("Sequence")) {
            Fields sequence = part.object("Sequence");
            String name = sequence.string("id");
            int text = name.equals("A") ? 0 : name.equals("B") && texts == 2 ? 1 : SPECIAL;
            if (text == SPECIAL) {
              throw sequence.error("id", texts == 2 ? "A or B" : "A", name);
            }
            parts.add(new Part(text, List.of(), type(sequence)));
          } else {
            Fields token = part.object("SpecialToken");
            List<Integer> ids = ids(specials.object(token.string("id")));
            parts.add(new Part(SPECIAL, ids, type(token)));
          }
        });
    for (int text = 0; text < texts; text++) {
      int wanted = text;
      if (parts.stream().filter(part -> part.text == wanted).count() != 1) {
        throw fields.error(field, "each text once", fields.value(field));
      }
    }
    return List.copyOf(parts);
  }

  private static int type(Fields fields) {
    return fields.number("type_id", Short.MAX_VALUE, 0);
  }

  private static List<Integer> ids(Fields token) {
    List<Integer> ids = new ArrayList<>();
    for (Object id : token.list("ids")) {
      if (!(id instanceof Long number) || number < 0 || number >= Vocabulary.MOST_IDS) {
        throw token.error("ids", "ids", id);
      }
      ids.add(number.intValue());
    }
    return List.copyOf(ids);
  }

  /** Returns the parts for one text or two, without special tokens if these are not wanted. */
  List<Part> parts(boolean isPair, boolean withSpecials) {
    List<Part> parts = isPair ? pair : single;
    return withSpecials ? parts : parts.stream().filter(part -> part.text != SPECIAL).toList();
  }

  /** Returns how many special tokens parts have. */
  static int specials(List<Part> parts) {
    int count = 0;
    for (Part part : parts) {
      count += part.ids.size();
    }
    return count;
  }

  /** Reads a token with its id, {@code ["[SEP]", 102]}. */
  static int named(Fields fields, String field) {
    List<?> pair = fields.list(field);
    if (pair.size() == 2
        && pair.get(0) instanceof String
        && pair.get(1) instanceof Long id
        && id >= 0
        && id < Vocabulary.MOST_IDS) {
      return id.intValue();
    }
    throw fields.error(field, "a token and its id", pair);
  }
}
