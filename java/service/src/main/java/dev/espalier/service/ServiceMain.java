// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import dev.espalier.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The program: serves a saved model by HTTP until the process is told to end.
 *
 * @since 0.1
 */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = {
      "Serves a saved model by HTTP: POST /predict and /explain, GET /health, /metrics, /model;",
      "/ is a page to try it."
    })
public final class ServiceMain implements Callable<Integer> {
  private static final String TOKEN_VARIABLE = "ESPALIER_ADMIN_TOKEN";

  @Spec private CommandSpec spec;

  @Option(names = "--model", required = true, description = "a file that Network.save wrote")
  private Path model;

  @Option(names = "--host", description = "address to listen on (default: ${DEFAULT-VALUE})")
  private String host = ServiceOptions.defaults().host();

  @Option(names = "--port", description = "0: any that is free (default: ${DEFAULT-VALUE})")
  private int port = ServiceOptions.defaults().port();

  @Option(
      names = "--max-concurrent",
      description = "requests at once; more get 503 (default: ${DEFAULT-VALUE})")
  private int maxConcurrent = ServiceOptions.defaults().maxConcurrent();

  @Option(
      names = "--max-body",
      description = "bytes of a request; more get 413 (default: ${DEFAULT-VALUE})")
  private int maxBodyBytes = ServiceOptions.defaults().maxBodyBytes();

  @Option(
      names = "--body-millis",
      description = "how long a body may take; later ones get 408 (default: ${DEFAULT-VALUE})")
  private long bodyMillis = ServiceOptions.defaults().bodyTimeout().toMillis();

  @Option(
      names = "--drain-millis",
      description = {
        "how long requests are still answered after SIGTERM while /health says 503, so that a",
        "balancer can look away (default: ${DEFAULT-VALUE})"
      })
  private long drainMillis = ServiceOptions.defaults().drain().toMillis();

  @Option(
      names = "--precision",
      description =
          "how weights are kept and computed with: ${COMPLETION-CANDIDATES} (default:"
              + " ${DEFAULT-VALUE})")
  private Precision precision = ServiceOptions.defaults().predictor().precision();

  @Option(
      names = "--admin-token-file",
      description = {
        "file with the token that POST /admin/model demands, at least 16 characters; or give it in",
        "the environment as " + TOKEN_VARIABLE + "; without one nobody may replace the model"
      })
  private Path adminTokenFile;

  private ServiceMain() {}

  /**
   * Starts the service; ends the process if it does not start.
   *
   * @param arguments {@code --help} lists them
   */
  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** Returns the command; what keeps it from starting is one line and exit code 1, or 2 (usage). */
  static CommandLine commandLine() {
    return new CommandLine(new ServiceMain())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler(
            (error, line, parsed) -> {
              line.getErr().println("serve: " + oneLine(error));
              return 1;
            });
  }

  private static String oneLine(Throwable error) {
    String message = error.getMessage() == null ? error.toString() : error.getMessage();
    return message.strip().replaceAll("\\s*\\R\\s*", "; ");
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    ServiceOptions options;
    try {
      options =
          ServiceOptions.defaults()
              .host(host)
              .port(port)
              .maxConcurrent(maxConcurrent)
              .maxBodyBytes(maxBodyBytes)
              .bodyTimeout(Duration.ofMillis(bodyMillis))
              .drain(Duration.ofMillis(drainMillis))
              .precision(precision);
    } catch (IllegalArgumentException error) {
      throw new ParameterException(spec.commandLine(), error.getMessage());
    }
    String token = adminToken();
    PredictionService service =
        PredictionService.start(model, token == null ? options : options.adminToken(token));
    System.out.println("listening on " + service.address());
    service.awaitShutdown();
    return 0;
  }

  /** Returns the token, null without one. */
  private String adminToken() throws IOException {
    if (adminTokenFile == null) {
      return System.getenv(TOKEN_VARIABLE);
    }
    if (!Files.isReadable(adminTokenFile) || Files.isDirectory(adminTokenFile)) {
      throw new IOException(
          "--admin-token-file: expected a file that can be read, got " + adminTokenFile);
    }
    return Files.readString(adminTokenFile).strip();
  }

  /** Returns which model it is to serve. */
  @Override
  public String toString() {
    return "ServiceMain[" + model + "]";
  }
}
