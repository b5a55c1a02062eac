// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** What the contenders say of themselves, kept in a file beside the results. */
public final class Versions {
  private final Path file;
  private final Map<String, String> versions = new TreeMap<>();

  /** Goes on with what the file holds, if it is there. */
  public Versions(Path file) throws IOException {
    this.file = file;
    if (Files.exists(file)) {
      new ObjectMapper()
          .readTree(file.toFile())
          .properties()
          .forEach(entry -> versions.put(entry.getKey(), entry.getValue().asText()));
    }
  }

  /** Notes what a contender says of itself. */
  public void put(String contender, String version) throws IOException {
    if (!version.equals(versions.put(contender, version))) {
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .writeValue(file.toFile(), versions);
    }
  }
}
