// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What else than the code decides a run's figures, as the file beside its results says it. */
final class Circumstances {
  private static final List<String> DECISIVE = List.of("cpu", "cores", "cpu_target", "effort");

  private Circumstances() {}

  /** A line for each thing that makes figures of two runs incomparable. */
  static List<String> differences(Path before, Path after) throws IOException {
    JsonNode old = read(before);
    JsonNode now = read(after);
    List<String> lines = new ArrayList<>();
    for (String name : DECISIVE) {
      String was = old.path(name).asText("unknown");
      String is = now.path(name).asText("unknown");
      if (!was.equals(is) || is.equals("unknown")) {
        lines.add(name + " is " + is + ", was " + was);
      }
    }
    return lines;
  }

  /** The file of a run, beside its results. */
  static Path file(Path results) {
    String name = results.getFileName().toString().replaceFirst("[.]csv$", "");
    return results.resolveSibling(name + ".meta.json");
  }

  private static JsonNode read(Path results) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    Path file = file(results);
    return Files.exists(file) ? mapper.readTree(file.toFile()) : mapper.createObjectNode();
  }
}
