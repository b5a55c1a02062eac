// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import dev.espalier.CheckReturnValue;
import dev.espalier.ModelFileException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Turns texts into the ids that a network was trained with, and back, as a {@code tokenizer.json}
 * says: the file that Hugging Face's tokenizers write.
 *
 * <pre>{@code
 * Tokenizer tokenizer = Tokenizer.load(Path.of("tokenizer.json"));
 * int[] ids = tokenizer.encode("Grafting an apple tree").ids();
 * }</pre>
 *
 * <p>Its models are WordPiece, BPE (of bytes and of characters), Unigram and WordLevel. The ids are
 * those of Hugging Face's tokenizers; characters that one Unicode version has and another has not
 * may differ. What a file asks for and can't be done is refused when it is loaded, all of it at
 * once. Texts are cut and padded as the file says, until {@link #truncated}, {@link #padded} and
 * their opposites say otherwise. A lone half of a UTF-16 pair is read as U+FFFD.
 *
 * <p>Immutable; any number of threads may use one.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class Tokenizer {
  private static final int MOST_BYTES = 1 << 27;

  private final Pipeline pipeline;
  private final Template template;
  private final @Nullable Truncation truncation;
  private final @Nullable Padding padding;
  private final boolean addsSpecials;

  Tokenizer(
      Pipeline pipeline,
      Template template,
      @Nullable Truncation truncation,
      @Nullable Padding padding,
      boolean addsSpecials) {
    this.pipeline = pipeline;
    this.template = template;
    this.truncation = truncation;
    this.padding = padding;
    this.addsSpecials = addsSpecials;
  }

  /**
   * Reads a tokenizer.
   *
   * @param file a {@code tokenizer.json}
   * @return the tokenizer
   * @throws ModelFileException if it is no such file, damaged, larger than 128 MiB, or asks for
   *     something that can't be done
   * @throws UncheckedIOException if it can't be read
   */
  public static Tokenizer load(Path file) {
    try (InputStream stream = Files.newInputStream(Objects.requireNonNull(file, "file"))) {
      return load(stream);
    } catch (IOException error) {
      throw new UncheckedIOException(file + ": " + error.getMessage(), error);
    } catch (ModelFileException error) {
      throw new ModelFileException(file + ": " + error.getMessage(), error);
    }
  }

  /**
   * Reads a tokenizer from a stream, as {@link #load(Path)} does from a file.
   *
   * @param json of a {@code tokenizer.json}, to its end; stays the caller's to close
   * @return the tokenizer
   * @throws UncheckedIOException if it can't be read
   */
  public static Tokenizer load(InputStream json) {
    Objects.requireNonNull(json, "json");
    try {
      return load(json.readNBytes(MOST_BYTES + 1));
    } catch (IOException error) {
      throw new UncheckedIOException(error.getMessage(), error);
    }
  }

  /**
   * Reads a tokenizer from memory, as {@link #load(Path)} does from a file.
   *
   * @param json what is in a {@code tokenizer.json}; not kept
   * @return the tokenizer
   */
  public static Tokenizer load(byte[] json) {
    if (Objects.requireNonNull(json, "json").length > MOST_BYTES) {
      throw new ModelFileException("expected up to " + MOST_BYTES + " bytes, got more", null);
    }
    try {
      return ofJson(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString());
    } catch (CharacterCodingException malformed) {
      throw new ModelFileException("expected UTF-8, got other bytes", malformed);
    }
  }

  /**
   * Reads a tokenizer from text, as {@link #load(Path)} does from a file.
   *
   * @param json what is in a {@code tokenizer.json}
   * @return the tokenizer
   */
  public static Tokenizer ofJson(String json) {
    return TokenizerFile.read(Objects.requireNonNull(json, "json"));
  }

  /**
   * Finds the tokens of a text.
   *
   * @param text the text
   * @return its tokens, cut and padded
   * @throws IllegalArgumentException if the file's way of cutting, or its vocabulary without an
   *     unknown token, leaves no way
   */
  public Encoding encode(String text) {
    Objects.requireNonNull(text, "text");
    return padded(List.of(unpaddedEncoding(text, null))).get(0);
  }

  /**
   * Finds the tokens of two texts, as networks take them that compare texts.
   *
   * @param first a text
   * @param second another one
   * @return the tokens of both, cut and padded
   * @throws IllegalArgumentException as for one text
   */
  public Encoding encode(String first, String second) {
    Objects.requireNonNull(first, "first");
    Objects.requireNonNull(second, "second");
    return padded(List.of(unpaddedEncoding(first, second))).get(0);
  }

  /**
   * Finds the tokens of each of several texts. Where the file pads to the longest, all get its
   * length.
   *
   * @param texts the texts
   * @return the tokens of each, in order
   * @throws IllegalArgumentException as for one text
   */
  public List<Encoding> encodeAll(List<String> texts) {
    List<Encoding> encodings = new ArrayList<>(Objects.requireNonNull(texts, "texts").size());
    for (String text : texts) {
      encodings.add(unpaddedEncoding(Objects.requireNonNull(text, "texts"), null));
    }
    return List.copyOf(padded(encodings));
  }

  /** Finds the tokens of a text or two, cut but not padded. */
  private Encoding unpaddedEncoding(String first, @Nullable String second) {
    List<Template.Part> parts = template.parts(second != null, addsSpecials);
    Pipeline.Work work = pipeline.work();
    try {
      boolean endCounts = truncation == null || truncation.keepsEnd() || second != null;
      pipeline.tokenize(first, endCounts ? Integer.MAX_VALUE : truncation.most(), work, work.first);
      if (second != null) {
        pipeline.tokenize(second, Integer.MAX_VALUE, work, work.second);
      }
      return Encoding.of(parts, work.first, second == null ? null : work.second, truncation);
    } finally {
      pipeline.release(work);
    }
  }

  private List<Encoding> padded(List<Encoding> encodings) {
    if (padding == null) {
      return encodings;
    }
    int longest = encodings.stream().mapToInt(Encoding::length).max().orElse(0);
    int target = padding.target(longest);
    return encodings.stream().map(encoding -> encoding.padded(padding, target)).toList();
  }

  /**
   * Returns the text that tokens stand for, without special ones. It is the text that was encoded
   * as far as the normalizer left it; ids that the vocabulary has not are left out.
   *
   * @param ids the tokens
   * @return their text
   */
  public String decode(int... ids) {
    return pipeline.decode(Objects.requireNonNull(ids, "ids"), false);
  }

  /**
   * Returns the text that tokens stand for, special ones included.
   *
   * @param ids the tokens
   * @return their text
   */
  public String decodeWithSpecialTokens(int... ids) {
    return pipeline.decode(Objects.requireNonNull(ids, "ids"), true);
  }

  /**
   * Returns a tokenizer that cuts texts of more tokens.
   *
   * @param most tokens of an encoding, special ones included
   * @return one that is as this otherwise, with the file's side and strategy
   * @throws IllegalArgumentException if the special tokens alone are more
   */
  public Tokenizer truncated(int most) {
    int specials = Template.specials(template.parts(false, addsSpecials));
    if (most < Math.max(1, specials)) {
      throw new IllegalArgumentException(
          "most: expected at least " + Math.max(1, specials) + ", got " + most);
    }
    Truncation cut =
        truncation == null
            ? new Truncation(most, false, Truncation.Strategy.LONGEST_FIRST)
            : new Truncation(most, truncation.keepsEnd(), truncation.strategy());
    return new Tokenizer(pipeline, template, cut, padding, addsSpecials);
  }

  /**
   * Returns a tokenizer that does not cut texts.
   *
   * @return one that is as this otherwise
   */
  public Tokenizer untruncated() {
    return new Tokenizer(pipeline, template, null, padding, addsSpecials);
  }

  /**
   * Returns a tokenizer that pads encodings to a length.
   *
   * @param length tokens that each encoding has at least, 1 to 2<sup>20</sup>
   * @param token the padding, a token of the vocabulary; the file's own side and type are kept
   * @return one that is as this otherwise
   * @throws IllegalArgumentException if the length is out of range, or there is no such token
   */
  public Tokenizer padded(int length, String token) {
    int id = pipeline.id(Objects.requireNonNull(token, "token"));
    if (id == Trie.ABSENT) {
      throw new IllegalArgumentException(
          "token: expected one of the vocabulary, got \"" + token + '"');
    }
    if (length < 1 || length > Padding.MOST) {
      throw new IllegalArgumentException(
          "length: expected 1 to " + Padding.MOST + ", got " + length);
    }
    Padding filling =
        padding == null
            ? new Padding(length, 1, false, id, 0)
            : new Padding(length, 1, padding.isLeft(), id, padding.type());
    return new Tokenizer(pipeline, template, truncation, filling, addsSpecials);
  }

  /**
   * Returns a tokenizer that does not pad.
   *
   * @return one that is as this otherwise
   */
  public Tokenizer unpadded() {
    return new Tokenizer(pipeline, template, truncation, null, addsSpecials);
  }

  /**
   * Returns a tokenizer that puts no special tokens around texts.
   *
   * @return one that is as this otherwise
   */
  public Tokenizer withoutSpecialTokens() {
    return new Tokenizer(pipeline, template, truncation, padding, false);
  }

  /**
   * Returns the tokens that an encoding has at most.
   *
   * @return the length that texts are cut at; empty if they are not
   */
  public OptionalInt maxLength() {
    return truncation == null ? OptionalInt.empty() : OptionalInt.of(truncation.most());
  }

  /**
   * Returns how many rows a table of all tokens has.
   *
   * @return one more than the largest id
   */
  public int vocabularySize() {
    return pipeline.room();
  }

  /**
   * Returns the id of a token.
   *
   * @param token its text as the vocabulary has it
   * @return its id, empty if there is none
   */
  public OptionalInt id(String token) {
    int id = pipeline.id(Objects.requireNonNull(token, "token"));
    return id == Trie.ABSENT ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /**
   * Returns the token of an id.
   *
   * @param id its id
   * @return its text as the vocabulary has it, empty if there is none
   */
  public Optional<String> token(int id) {
    return Optional.ofNullable(pipeline.token(id));
  }

  boolean addsSpecials() {
    return addsSpecials;
  }

  /** Returns the token that fills places up: the file's, or 0. */
  int paddingId() {
    return padding == null ? 0 : padding.id();
  }

  /** Returns the size of the vocabulary, and how texts are cut and padded. */
  @Override
  public String toString() {
    return "Tokenizer["
        + vocabularySize()
        + " ids"
        + (truncation == null ? "" : ", up to " + truncation.most() + " tokens")
        + (padding == null ? "" : ", padded")
        + "]";
  }
}
