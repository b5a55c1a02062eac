// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/** Finds the example that has an input, by 128 bits of what the input is. */
final class ContentIndex {
  private static final int NONE = -1;

  private long[] keys = new long[2 << 4]; // two for each place
  private int[] examples = empty(1 << 4);
  private int count;

  /** The first half of an input's SHA-256: inputs of other bits have other ones. */
  record Content(long first, long second) {
    static Content of(ByteBuffer input) {
      try {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(input);
        ByteBuffer bytes = ByteBuffer.wrap(digest.digest());
        return new Content(bytes.getLong(), bytes.getLong());
      } catch (NoSuchAlgorithmException impossible) {
        throw new IllegalStateException("every Java platform has SHA-256", impossible);
      }
    }
  }

  private static int[] empty(int places) {
    int[] examples = new int[places];
    Arrays.fill(examples, NONE);
    return examples;
  }

  boolean isEmpty() {
    return count == 0;
  }

  /** Keeps the first example with an input. */
  void put(Content content, int example) {
    int place = place(content);
    if (examples[place] != NONE) {
      return;
    }
    set(place, content, example);
    if (++count > examples.length / 2) {
      grow();
    }
  }

  /** Returns the example that has an input, -1 without one. */
  int find(Content content) {
    return examples[place(content)];
  }

  /** Returns where a content is, or could be. */
  private int place(Content content) {
    int place = (int) content.first() & examples.length - 1;
    while (examples[place] != NONE
        && (keys[2 * place] != content.first() || keys[2 * place + 1] != content.second())) {
      place = place + 1 & examples.length - 1;
    }
    return place;
  }

  private void set(int place, Content content, int example) {
    keys[2 * place] = content.first();
    keys[2 * place + 1] = content.second();
    examples[place] = example;
  }

  private void grow() {
    long[] formerKeys = keys;
    int[] formerExamples = examples;
    keys = new long[2 * formerKeys.length];
    examples = empty(2 * formerExamples.length);
    for (int i = 0; i < formerExamples.length; i++) {
      if (formerExamples[i] != NONE) {
        Content content = new Content(formerKeys[2 * i], formerKeys[2 * i + 1]);
        set(place(content), content, formerExamples[i]);
      }
    }
  }
}
