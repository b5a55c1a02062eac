// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.espalier.Espalier;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes what a run's results were measured on and with. */
@Command(name = "meta", description = "writes results.meta.json")
public final class MetaCommand implements Callable<Integer> {
  @Option(names = "--commit", defaultValue = "", description = "the checkout's commit")
  private String commit;

  @Option(names = "--options", defaultValue = "", description = "the options of the run")
  private String options;

  @Parameters(index = "0", description = "file to write")
  private Path file;

  @Override
  public Integer call() throws IOException {
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    ObjectNode meta = mapper.createObjectNode();
    meta.put("cpu", cpuName());
    meta.put("cores", Cores.count());
    meta.put("cpu_target", Espalier.cpuTarget());
    File known = file.resolveSibling("versions.json").toFile();
    JsonNode versions = known.exists() ? mapper.readTree(known) : mapper.createObjectNode();
    String openBlas = versions.path("openblas").asText("");
    if (openBlas.contains("core type ")) {
      meta.put("openblas_core_type", openBlas.replaceAll(".*core type ", ""));
    }
    meta.put("commit", commit);
    meta.put("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    meta.put("java", Runtime.version().toString());
    meta.put("options", options);
    meta.put("effort", options.contains("--quick") ? "quick" : "full");
    meta.set("versions", versions);
    mapper.writeValue(file.toFile(), meta);
    return 0;
  }

  private static String cpuName() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
      if (line.startsWith("model name")) {
        return line.replaceAll(".*: *", "");
      }
    }
    return System.getProperty("os.arch");
  }
}
