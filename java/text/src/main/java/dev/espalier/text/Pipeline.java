// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The way from text to tokens and back: added tokens are found, what lies between is normalized,
 * cut into pieces and given to the model. Immutable; any number of threads.
 */
final class Pipeline {
  /** Sets of scratch memory that are kept for later calls. */
  private static final int KEPT = 16;

  private final Map<Integer, AddedToken> added = new HashMap<>();
  private final Map<String, Integer> addedIds = new HashMap<>();
  private final TokenFinder inGiven;
  private final TokenFinder inNormalized;
  private final @Nullable Normalizer normalizer;
  private final @Nullable PreTokenizer preTokenizer;
  private final Model model;
  private final Decoder decoder;
  private final AtomicReferenceArray<@Nullable Work> works = new AtomicReferenceArray<>(KEPT);

  Pipeline(
      List<AddedToken> tokens,
      @Nullable Normalizer normalizer,
      @Nullable PreTokenizer preTokenizer,
      Model model,
      Decoder decoder) {
    for (AddedToken token : tokens) {
      added.put(token.id(), token);
      addedIds.put(token.content(), token.id());
    }
    List<AddedToken> given = tokens.stream().filter(token -> !token.isNormalized()).toList();
    List<AddedToken> normal = tokens.stream().filter(AddedToken::isNormalized).toList();
    inGiven = new TokenFinder(given, given.stream().map(AddedToken::content).toList());
    inNormalized =
        new TokenFinder(
            normal,
            normal.stream()
                .map(AddedToken::content)
                .map(text -> normalizer == null ? text : normalizer.normalized(text))
                .toList());
    this.normalizer = normalizer;
    this.preTokenizer = preTokenizer;
    this.model = model;
    this.decoder = decoder;
  }

  /** What a call needs room for. */
  static final class Work {
    final TokenList first = new TokenList();
    final TokenList second = new TokenList();
    private final TextBuffer text = new TextBuffer();
    private final Pieces parts = new Pieces();
    private final Pieces pieces = new Pieces();
    private final Scratch scratch = new Scratch();
  }

  /** Takes a set of scratch memory, to be given back by {@link #release}. */
  Work work() {
    Work work = works.getAndSet(slot(), null);
    return work == null ? new Work() : work;
  }

  void release(Work work) {
    work.first.clear();
    work.second.clear();
    work.text.shrink();
    work.parts.shrink();
    work.pieces.shrink();
    work.scratch.shrink();
    works.lazySet(slot(), work);
  }

  private static int slot() {
    return System.identityHashCode(Thread.currentThread()) & KEPT - 1;
  }

  /**
   * Finds the tokens of a text.
   *
   * @param given the text
   * @param most how many tokens at the front are wanted; there may be more
   * @param work scratch memory
   * @param tokens where to add them
   */
  void tokenize(String given, int most, Work work, TokenList tokens) {
    TextBuffer text = work.text;
    text.set(given, 0, given.length());
    if (inGiven.isEmpty()) {
      tokenizePart(most, work, tokens);
      return;
    }
    Pieces parts = work.parts;
    parts.begin();
    inGiven.cut(text, 0, text.length, parts);
    parts.commit();
    for (int i = 0; i < parts.count() && tokens.length < most; i++) {
      if (parts.id(i) != Pieces.TEXT) {
        tokens.add(parts.id(i), parts.start(i), parts.end(i));
      } else {
        if (parts.count() > 1) {
          text.set(given, parts.start(i), parts.end(i));
        }
        tokenizePart(most, work, tokens);
      }
    }
  }

  /** Finds the tokens of what is in the buffer. */
  private void tokenizePart(int most, Work work, TokenList tokens) {
    TextBuffer text = work.text;
    if (normalizer != null) {
      normalizer.normalize(text);
    }
    Pieces pieces = work.pieces;
    pieces.begin();
    inNormalized.cut(text, 0, text.length, pieces);
    pieces.commit();
    if (preTokenizer != null) {
      preTokenizer.cut(text, pieces);
    }
    for (int i = 0; i < pieces.count() && tokens.length < most; i++) {
      int start = pieces.start(i);
      int end = pieces.end(i);
      if (pieces.id(i) == Pieces.TEXT) {
        model.tokenize(text, start, end, work.scratch, tokens);
      } else {
        tokens.add(pieces.id(i), text, start, end);
      }
    }
  }

  /** Returns the text that tokens stand for; ids without a token are left out. */
  String decode(int[] ids, boolean withSpecials) {
    List<String> tokens = new ArrayList<>(ids.length);
    for (int id : ids) {
      AddedToken own = added.get(id);
      boolean isLeftOut = own != null && own.isSpecial() && !withSpecials;
      String token = token(id);
      if (token != null && !isLeftOut) {
        tokens.add(token);
      }
    }
    return String.join("", decoder.apply(tokens));
  }

  /** Returns the id of a token, or {@link Trie#ABSENT}. */
  int id(String token) {
    Integer id = addedIds.get(token);
    return id == null ? model.vocabulary().id(token) : id;
  }

  /** Returns the token of an id, or null. */
  @Nullable String token(int id) {
    AddedToken token = added.get(id);
    return token == null ? model.vocabulary().token(id) : token.content();
  }

  /** Returns one more than the largest id. */
  int room() {
    int room = model.vocabulary().room();
    for (int id : added.keySet()) {
      room = Math.max(room, id + 1);
    }
    return room;
  }
}
