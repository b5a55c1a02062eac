// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Turns tokens back into text: changes their texts, which are then joined. */
interface Decoder extends UnaryOperator<List<String>> {
  /** Where no decoder is given: a space between tokens. */
  Decoder SPACED = tokens -> List.of(String.join(" ", tokens));

  /** Joins what there is. */
  Decoder FUSE = tokens -> List.of(String.join("", tokens));

  /** Reads the letters of the {@link ByteAlphabet} as UTF-8. */
  Decoder BYTE_LEVEL =
      tokens -> {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (String token : tokens) {
          bytes.writeBytes(ByteAlphabet.bytes(token));
        }
        return List.of(bytes.toString(StandardCharsets.UTF_8));
      };

  /** Reads neighbors like {@code <0xE2>} as UTF-8; U+FFFD for each if they are not. */
  Decoder BYTE_FALLBACK =
      tokens -> {
        List<String> texts = new ArrayList<>();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (String token : tokens) {
          int b = byteOf(token);
          if (b >= 0) {
            bytes.write(b);
          } else {
            flush(bytes, texts);
            texts.add(token);
          }
        }
        flush(bytes, texts);
        return texts;
      };

  /** One after the other. */
  record Sequence(List<Decoder> parts) implements Decoder {
    @Override
    public List<String> apply(List<String> tokens) {
      List<String> texts = tokens;
      for (Decoder part : parts) {
        texts = part.apply(texts);
      }
      return texts;
    }
  }

  /** Joins continuations to what they continue, and takes spaces before punctuation away. */
  record WordPieces(String prefix, boolean cleans) implements Decoder {
    @Override
    public List<String> apply(List<String> tokens) {
      List<String> texts = new ArrayList<>(tokens.size());
      for (String token : tokens) {
        String text = token;
        if (!texts.isEmpty()) {
          text = token.startsWith(prefix) ? token.substring(prefix.length()) : " " + token;
        }
        texts.add(cleans ? cleaned(text) : text);
      }
      return texts;
    }

    private static String cleaned(String text) {
      return text.replace(" .", ".")
          .replace(" ?", "?")
          .replace(" !", "!")
          .replace(" ,", ",")
          .replace(" ' ", "'")
          .replace(" n't", "n't")
          .replace(" 'm", "'m")
          .replace(" do not", " don't")
          .replace(" 's", "'s")
          .replace(" 've", "'ve")
          .replace(" 're", "'re");
    }
  }

  /** Puts spaces for SentencePiece's sign; none before the first token if one was put there. */
  record Signs(String sign, boolean dropsFirst) implements Decoder {
    @Override
    public List<String> apply(List<String> tokens) {
      List<String> texts = new ArrayList<>(tokens.size());
      for (String token : tokens) {
        texts.add(token.replace(sign, dropsFirst && texts.isEmpty() ? "" : " "));
      }
      return texts;
    }
  }

  /** Puts spaces for the mark at the end of words. */
  record Suffixes(String suffix) implements Decoder {
    @Override
    public List<String> apply(List<String> tokens) {
      List<String> texts = new ArrayList<>(tokens.size());
      for (String token : tokens) {
        texts.add(token.replace(suffix, texts.size() == tokens.size() - 1 ? "" : " "));
      }
      return texts;
    }
  }

  /** Puts a text for each match of a pattern. */
  record Replace(TextPattern pattern, String content) implements Decoder {
    @Override
    public List<String> apply(List<String> tokens) {
      return tokens.stream().map(token -> pattern.replaceAll(token, content)).toList();
    }
  }

  /** Takes up to so many of a character away from both ends of each token. */
  record Strip(String character, int left, int right) implements Decoder {
    @Override
    public List<String> apply(List<String> tokens) {
      return tokens.stream().map(this::stripped).toList();
    }

    private String stripped(String token) {
      int width = character.length();
      int start = 0;
      int end = token.length();
      for (int i = 0; i < left && token.startsWith(character, start); i++) {
        start += width;
      }
      for (int i = 0; i < right && end - width >= start; i++) {
        if (!token.startsWith(character, end - width)) {
          break;
        }
        end -= width;
      }
      return token.substring(start, end);
    }
  }

  private static int byteOf(String token) {
    if (token.length() != 6 || !token.startsWith("<0x") || !token.endsWith(">")) {
      return -1;
    }
    int high = Character.digit(token.charAt(3), 16);
    int low = Character.digit(token.charAt(4), 16);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
  }

  private static void flush(ByteArrayOutputStream bytes, List<String> texts) {
    if (bytes.size() > 0) {
      try {
        texts.add(
            StandardCharsets.UTF_8
                .newDecoder()
                .decode(ByteBuffer.wrap(bytes.toByteArray()))
                .toString());
      } catch (CharacterCodingException invalid) {
        texts.add(String.valueOf(Surrogates.REPLACEMENT).repeat(bytes.size()));
      }
      bytes.reset();
    }
  }
}
