// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import dev.espalier.ModelFileException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tokens of a model and their ids. */
final class Vocabulary {
  /** As many ids as floats can hold exactly: data sets give networks ids as floats. */
  static final int MOST_IDS = 1 << 24;

  /** Units of a token: the time that a text takes is bounded by the longest. */
  private static final int LONGEST = 1024;

  /** Units that all tokens together may have: several times those of the largest in use. */
  private static final int MOST_UNITS = 1 << 23;

  /** Ids that may be left out for each token that there is, beside a few. */
  private static final int GAPS = 4;

  private final Trie trie = new Trie();
  private final @Nullable String[] tokens;
  private final int size;

  private Vocabulary(int size, int room) {
    this.size = size;
    tokens = new @Nullable String[room];
  }

  /** Reads an object of tokens with their ids. */
  static Vocabulary ofObject(Fields fields) {
    Object value = fields.value("vocab");
    if (!(value instanceof Map<?, ?> map)) {
      throw fields.error("vocab", "an object of tokens and ids", value);
    }
    long most = Math.min(MOST_IDS, (long) GAPS * map.size() + 1000) - 1;
    int room = 0;
    for (Object id : map.values()) {
      if (!(id instanceof Long number) || number < 0 || number > most) {
        throw fields.error("vocab", "ids from 0 to " + most + " for " + map.size() + " tokens", id);
      }
      room = Math.max(room, number.intValue() + 1);
    }
    requireUnits(fields, map.keySet());
    Vocabulary vocabulary = new Vocabulary(map.size(), room);
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      vocabulary.put(fields, (String) entry.getKey(), ((Long) entry.getValue()).intValue());
    }
    return vocabulary;
  }

  /** Makes one of a list of tokens, whose places are their ids; of equal ones the last counts. */
  static Vocabulary ofList(Fields fields, List<String> tokens) {
    requireUnits(fields, tokens);
    Vocabulary vocabulary = new Vocabulary(tokens.size(), tokens.size());
    for (int id = 0; id < tokens.size(); id++) {
      vocabulary.tokens[id] = tokens.get(id);
      vocabulary.trie.put(tokens.get(id), id);
    }
    return vocabulary;
  }

  /** Refuses a token that is too long. */
  static String requireShort(Fields fields, String field, String token) {
    if (token.length() > LONGEST) {
      throw fields.error(field, "tokens of up to " + LONGEST + " characters", token);
    }
    return token;
  }

  private static void requireUnits(Fields fields, Collection<?> tokens) {
    long units = 0;
    for (Object token : tokens) {
      units += requireShort(fields, "vocab", (String) token).length();
    }
    if (units > MOST_UNITS) {
      throw fields.error("vocab", "tokens of up to " + MOST_UNITS + " characters together", units);
    }
  }

  private void put(Fields fields, String token, int id) {
    if (tokens[id] != null) {
      throw new ModelFileException(
          String.format(
              "%s: expected an id for each token, got %d for \"%s\" and \"%s\"",
              fields.path("vocab"), id, Fields.brief(tokens[id]), Fields.brief(token)),
          null);
    }
    tokens[id] = token;
    trie.put(token, id);
  }

  /** Returns the tokens, unit by unit. */
  Trie trie() {
    return trie;
  }

  /** Returns the number of tokens. */
  int size() {
    return size;
  }

  /** Returns one more than the largest id. */
  int room() {
    return tokens.length;
  }

  /** Returns the id of a token, or {@link Trie#ABSENT}. */
  int id(CharSequence token) {
    return trie.value(token);
  }

  /** Returns the id of a token that the file names. */
  int required(Fields fields, String field, String token) {
    int id = id(token);
    if (id == Trie.ABSENT) {
      throw fields.error(field, "a token of the vocabulary", token);
    }
    return id;
  }

  /** Returns the token of an id, or null. */
  @Nullable String token(int id) {
    return id >= 0 && id < tokens.length ? tokens[id] : null;
  }
}
