// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * An order by chance that hangs on names alone: a name more or less in a list leaves all others
 * where they were to each other, so what is drawn stays nearly the same.
 */
final class DrawByName {
  private DrawByName() {}

  /** The names in the order of their hashes with a seed; each once. */
  static List<String> order(List<String> names, long seed) {
    Map<String, String> hashes = new HashMap<>();
    for (String name : names) {
      hashes.put(name, hash(seed + " " + name));
    }
    return names.stream().distinct().sorted(Comparator.comparing(hashes::get)).toList();
  }

  private static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every JDK has SHA-256", impossible);
    }
  }
}
