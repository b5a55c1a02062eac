// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * SentencePiece's unigram model: the cut of a piece into tokens whose scores, log probabilities,
 * have the largest sum, found from left to right (Viterbi). A character without a token is unknown,
 * and neighbors of these are one; or it is the tokens of its bytes.
 */
final class Unigram implements Model {
  /** How much worse than the worst token an unknown character is. */
  private static final double UNKNOWN_PENALTY = 10;

  private static final int NO_ID = -1;

  private final Vocabulary vocabulary;
  private final double[] scores;
  private final double unknownScore;
  private final int unknown;
  private final int @Nullable [] byteIds;

  private Unigram(Fields fields) {
    List<?> list = fields.list("vocab");
    List<String> tokens = new ArrayList<>(list.size());
    scores = new double[list.size()];
    double worst = Double.POSITIVE_INFINITY;
    for (int i = 0; i < scores.length; i++) {
      if (list.get(i) instanceof List<?> pair
          && pair.size() == 2
          && pair.get(0) instanceof String token
          && pair.get(1) instanceof Number score
          && Double.isFinite(score.doubleValue())) {
        tokens.add(token);
        scores[i] = score.doubleValue();
        worst = Math.min(worst, scores[i]);
      } else {
        throw fields.error("vocab[" + i + "]", "a token and a finite score", list.get(i));
      }
    }
    if (tokens.size() > Vocabulary.MOST_IDS || tokens.isEmpty()) {
      throw fields.error("vocab", "1 to " + Vocabulary.MOST_IDS + " tokens", list);
    }
    vocabulary = Vocabulary.ofList(fields, tokens);
    unknownScore = worst - UNKNOWN_PENALTY;
    unknown = fields.has("unk_id") ? fields.number("unk_id", scores.length - 1) : NO_ID;
    byteIds = fields.flag("byte_fallback", false) ? Bpe.byteIds(vocabulary) : null;
  }

  static Unigram of(Fields fields) {
    return new Unigram(fields);
  }

  @Override
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  @Override
  public void tokenize(TextBuffer text, int start, int end, Scratch scratch, TokenList tokens) {
    int length = end - start;
    scratch.reserve(length + 1);
    search(text, start, length, scratch);

    // Back from the end: turn the links around, so that the tokens come in order.
    int[] starts = scratch.starts;
    int[] after = scratch.after;
    for (int at = length; at > 0; at = starts[at]) {
      after[starts[at]] = at;
    }
    for (int at = 0; at < length; ) {
      int stop = after[at];
      if (scratch.ids[stop] == unknown) {
        while (stop < length && scratch.ids[after[stop]] == unknown) {
          stop = after[stop];
        }
      }
      add(text, start + at, start + stop, tokens);
      at = stop;
    }
  }

  /**
   * Finds, for each place in the text, the best way there: {@code scores}, and the last token's
   * {@code ids} and {@code starts}.
   */
  private void search(TextBuffer text, int start, int length, Scratch scratch) {
    Trie trie = vocabulary.trie();
    int[] starts = scratch.starts;
    double[] best = scratch.scores;
    Arrays.fill(starts, 0, length + 1, NO_ID);
    best[0] = 0;
    for (int at = 0, next; at < length; at = next) {
      next = at + Character.charCount(text.codePointAt(start + at));
      boolean isKnown = false;
      int node = Trie.ROOT;
      for (int k = at; k < length; ) {
        node = trie.step(node, text.chars[start + k++]);
        if (node == Trie.NONE) {
          break;
        }
        int id = trie.value(node);
        if (id != Trie.ABSENT) {
          isKnown |= k == next;
          reach(scratch, at, k, best[at] + scores[id], id);
        }
      }
      if (!isKnown) {
        if (unknown == NO_ID) {
          throw new IllegalArgumentException(
              "text: expected characters of the vocabulary, as it has no unknown token, got \""
                  + text.substring(start + at, start + next)
                  + '"');
        }
        reach(scratch, at, next, best[at] + unknownScore, unknown);
      }
    }
  }

  private static void reach(Scratch scratch, int from, int to, double score, int id) {
    if (scratch.starts[to] == NO_ID || score > scratch.scores[to]) {
      scratch.starts[to] = from;
      scratch.scores[to] = score;
      scratch.ids[to] = id;
    }
  }

  /** Adds the token of a stretch of text, or those of its bytes, or the unknown one. */
  private void add(TextBuffer text, int start, int end, TokenList tokens) {
    int node = vocabulary.trie().walk(Trie.ROOT, text.chars, start, end);
    int id = node == Trie.NONE ? Trie.ABSENT : vocabulary.trie().value(node);
    if (id != Trie.ABSENT) {
      tokens.add(id, text, start, end);
    } else if (byteIds == null || !addBytes(text, start, end, tokens)) {
      tokens.add(unknown, text, start, end);
    }
  }

  private boolean addBytes(TextBuffer text, int start, int end, TokenList tokens) {
    int before = tokens.length;
    for (byte b : text.substring(start, end).getBytes(StandardCharsets.UTF_8)) {
      if (byteIds[b & 255] == NO_ID) {
        tokens.length = before;
        return false;
      }
      tokens.add(byteIds[b & 255], text, start, end);
    }
    return true;
  }
}
