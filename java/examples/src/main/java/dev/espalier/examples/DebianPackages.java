// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Debian's packages with what people said of them: a line of description, and tags (Debtags). */
final class DebianPackages {
  private static final String COMMAND = "apt-cache dumpavail";

  private DebianPackages() {}

  /**
   * A package that somebody has tagged.
   *
   * @param name its name, which no other package has
   * @param source the source package that it is built from, often with others much like it
   * @param description its short description
   * @param tags as {@code "use::editing"}: a facet, and what it is there
   */
  record Tagged(String name, String source, String description, Set<String> tags) {}

  /** One of them, with all fields that Debian's lists have of it, by their names. */
  record Listed(Tagged tagged, Map<String, String> fields) {}

  /** All that this machine knows of. */
  static List<Tagged> ofThisMachine() throws IOException, InterruptedException {
    return listed().stream().map(Listed::tagged).toList();
  }

  /** The same, with all fields. */
  static List<Listed> listed() throws IOException, InterruptedException {
    Process process;
    try {
      process =
          new ProcessBuilder("apt-cache", "dumpavail")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException absent) {
      throw new IllegalStateException(
          COMMAND + ": expected a Debian system, or one like it, got none: " + absent.getMessage(),
          absent);
    }
    List<Listed> packages;
    try (Reader lines = new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)) {
      packages = readListed(lines);
    }
    process.waitFor();
    if (packages.isEmpty()) {
      throw new IllegalStateException(
          COMMAND
              + ": expected packages with tags, got none; `apt-get update` fetches Debian's lists"
              + ", those of others may have no tags");
    }
    return packages;
  }

  /** Reads paragraphs of fields, as Debian's lists have them. */
  static List<Tagged> read(Reader source) throws IOException {
    return readListed(source).stream().map(Listed::tagged).toList();
  }

  private static List<Listed> readListed(Reader source) throws IOException {
    List<Listed> packages = new ArrayList<>();
    Map<String, String> fields = new HashMap<>();
    String last = "";
    BufferedReader lines = new BufferedReader(source);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      int colon = line.indexOf(": ");
      if (line.isEmpty()) {
        add(fields, packages);
        fields.clear();
      } else if (line.startsWith(" ")) { // the field before goes on
        fields.merge(last, line, String::concat);
      } else if (colon > 0) {
        last = line.substring(0, colon);
        fields.put(last, line.substring(colon + 2));
      }
    }
    add(fields, packages);
    return packages;
  }

  private static void add(Map<String, String> fields, List<Listed> packages) {
    String name = fields.get("Package");
    String description = fields.get("Description");
    String tags = fields.get("Tag");
    if (name != null && description != null && tags != null) {
      String source = fields.getOrDefault("Source", name).split(" ", 2)[0]; // without its version
      Tagged tagged =
          new Tagged(name, source, description, new TreeSet<>(List.of(tags.split(",\\s*"))));
      packages.add(new Listed(tagged, Map.copyOf(fields)));
    }
  }
}
