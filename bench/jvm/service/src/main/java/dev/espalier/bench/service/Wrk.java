// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.service;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Runs wrk, which sends the same request on each connection as soon as it has an answer. */
final class Wrk {
  private static final String SCRIPT =
      """
      wrk.method = "POST"
      wrk.headers["Content-Type"] = "application/octet-stream"
      local file = io.open("%s", "rb")
      wrk.body = file:read("*a")
      file:close()
      done = function(summary, latency, requests)
        local errors = summary.errors
        io.write(string.format("result %%d %%d %%d %%d %%d %%d\\n", summary.requests,
            summary.duration, latency:percentile(50), latency:percentile(99),
            latency:percentile(99.9),
            errors.connect + errors.read + errors.write + errors.status + errors.timeout))
      end
      """;
  private static final Pattern RESULT =
      Pattern.compile("result (\\d+) (\\d+) (\\d+) (\\d+) (\\d+) (\\d+)");

  /** One run; times in microseconds. */
  record Result(
      double requestsPerSecond, double p50, double p99, double p999, long errors, double seconds) {}

  private final Path script;

  /** Writes the script for requests of that body. */
  Wrk(Path folder, byte[] body) throws IOException {
    Path file = folder.resolve("body.bin");
    Files.write(file, body);
    script = folder.resolve("post.lua");
    Files.writeString(script, String.format(SCRIPT, file));
  }

  Result run(int port, int connections, double seconds) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                List.of(
                    "wrk",
                    "--threads",
                    "1",
                    "--connections",
                    Integer.toString(connections),
                    "--duration",
                    Math.round(seconds) + "s",
                    "--script",
                    script.toString(),
                    "http://127.0.0.1:" + port + "/predict"))
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    Matcher result = RESULT.matcher(output);
    if (process.waitFor() != 0 || !result.find()) {
      throw new IOException("wrk failed: " + output);
    }
    double requests = Double.parseDouble(result.group(1));
    double duration = Double.parseDouble(result.group(2)) * 1e-6;
    return new Result(
        requests / duration,
        Double.parseDouble(result.group(3)),
        Double.parseDouble(result.group(4)),
        Double.parseDouble(result.group(5)),
        Long.parseLong(result.group(6)),
        duration);
  }
}
