// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * Measures tokenizers beside Hugging Face's, as DJL brings them, on one thread: medians of rounds
 * in turn, and what a text allocates on the Java heap. docs/benchmarks.md says how to run it.
 */
final class TokenizerSpeed {
  private static final int ROUNDS = 15;

  private TokenizerSpeed() {}

  /**
   * Prints a table.
   *
   * @param arguments none
   * @throws IOException if a vocabulary can't be read
   */
  public static void main(String[] arguments) throws IOException {
    System.out.println(
        "tokenizer and texts | texts/s, median | peer's | ratio | bytes a text | peer's");
    List<String> english = Sentences.plain(2000, 1);
    List<String> mixed = Sentences.of(2000, 1);
    race("MiniLM, English", PublishedFiles.miniLm(), english);
    race("MiniLM, many scripts", PublishedFiles.miniLm(), mixed);
    race("GPT-2, English", PublishedFiles.gpt2(), english);
    race("GPT-4, English", PublishedFiles.gpt4(), english);
    race("SentencePiece, English", PublishedFiles.sentencePiece(), english);
  }

  private static void race(String name, String json, List<String> texts) throws IOException {
    Tokenizer tokenizer = Tokenizer.ofJson(json).untruncated().unpadded();
    try (Oracle oracle = Oracle.of(json)) {
      ToIntFunction<String> ours = text -> tokenizer.encode(text).ids().length;
      ToIntFunction<String> peers = text -> oracle.encoding(text).getIds().length;
      double[] mine = new double[ROUNDS];
      double[] other = new double[ROUNDS];
      long[] bytes = new long[2];
      for (int round = -5; round < ROUNDS; round++) {
        int at = Math.max(0, round);
        mine[at] = rate(ours, texts, bytes, 0);
        other[at] = rate(peers, texts, bytes, 1);
      }
      Arrays.sort(mine);
      Arrays.sort(other);
      double ratio = mine[ROUNDS / 2] / other[ROUNDS / 2];
      long characters = texts.stream().mapToLong(String::length).sum();
      System.out.printf(
          "%s, %d characters each | %.0f | %.0f | %.1f | %d | %d%n",
          name,
          characters / texts.size(),
          mine[ROUNDS / 2],
          other[ROUNDS / 2],
          ratio,
          bytes[0],
          bytes[1]);
    }
  }

  /** Returns texts a second, and notes what each allocates. */
  private static double rate(
      ToIntFunction<String> tokenizer, List<String> texts, long[] bytes, int contender) {
    ThreadMXBean thread = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long allocated = thread.getCurrentThreadAllocatedBytes();
    long start = System.nanoTime();
    int tokens = 0;
    for (String text : texts) {
      tokens += tokenizer.applyAsInt(text);
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    bytes[contender] = (thread.getCurrentThreadAllocatedBytes() - allocated) / texts.size();
    if (tokens == 0) {
      throw new IllegalStateException("no tokens");
    }
    return texts.size() / seconds;
  }
}
