// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples.service;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Serves a saved model by HTTP until the process is told to end. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = "Serves a saved model by HTTP: POST /predict, GET /health, /metrics, /model.")
public final class ServiceMain implements Callable<Integer> {
  private static final String TOKEN_VARIABLE = "ESPALIER_ADMIN_TOKEN";

  @Spec private CommandSpec spec;

  @Option(names = "--model", required = true, description = "a file that Network.save wrote")
  private Path model;

  @Option(names = "--host", description = "address to listen on (default: ${DEFAULT-VALUE})")
  private String host = "127.0.0.1";

  @Option(names = "--port", description = "0: any that is free (default: ${DEFAULT-VALUE})")
  private int port = 8080;

  @Option(
      names = "--max-concurrent",
      description = "requests at once; more get 503 (default: ${DEFAULT-VALUE})")
  private int maxConcurrent = PredictionService.Limits.defaults().maxConcurrent();

  @Option(
      names = "--max-body",
      description = "bytes of a request; more get 413 (default: ${DEFAULT-VALUE})")
  private int maxBodyBytes = PredictionService.Limits.defaults().maxBodyBytes();

  @Option(
      names = "--body-millis",
      description = "how long a body may take; later ones get 408 (default: ${DEFAULT-VALUE})")
  private long bodyMillis = PredictionService.Limits.defaults().bodyMillis();

  @Option(
      names = "--drain-millis",
      description = {
        "how long requests are still answered after SIGTERM while /health says 503, so that a",
        "balancer can look away (default: ${DEFAULT-VALUE})"
      })
  private long drainMillis = PredictionService.Limits.defaults().drainMillis();

  @Option(
      names = "--admin-token-file",
      description = {
        "file with the token that POST /admin/model demands, at least 16 characters; or give it in",
        "the environment as " + TOKEN_VARIABLE + "; without one nobody may replace the model"
      })
  private Path adminTokenFile;

  /** Starts the service. */
  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** Returns the command; what keeps it from starting is one line and exit code 1, or 2 (usage). */
  static CommandLine commandLine() {
    return new CommandLine(new ServiceMain())
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
    PredictionService.Limits limits;
    try {
      limits = new PredictionService.Limits(maxConcurrent, maxBodyBytes, bodyMillis, drainMillis);
      if (port < 0 || port > 65_535) {
        throw new IllegalArgumentException("port: expected 0 to 65535, got " + port);
      }
    } catch (IllegalArgumentException error) {
      throw new ParameterException(spec.commandLine(), error.getMessage());
    }
    String token = adminToken();
    requireFile(model, "--model");
    requireFree(host, port);
    serve(new EspalierEngine(model), limits, host, port, token);
    return 0;
  }

  /** Returns the token, null without one. */
  private String adminToken() throws IOException {
    if (adminTokenFile == null) {
      return System.getenv(TOKEN_VARIABLE);
    }
    requireFile(adminTokenFile, "--admin-token-file");
    return Files.readString(adminTokenFile).strip();
  }

  private static void requireFile(Path file, String option) throws IOException {
    if (!Files.isReadable(file) || Files.isDirectory(file)) {
      throw new IOException(option + ": expected a file that can be read, got " + file);
    }
  }

  /**
   * Tries the address before a model is loaded for it, and before the server tells of it at length.
   */
  private static void requireFree(String host, int port) throws IOException {
    InetSocketAddress address = new InetSocketAddress(host, port);
    if (address.isUnresolved()) {
      throw new IOException("--host: expected an address of this machine, got " + host);
    }
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true); // as the server does
      socket.bind(address);
    } catch (IOException error) {
      throw new IOException(
          "cannot listen on " + host + " port " + port + ": " + error.getMessage(), error);
    }
  }

  /** Serves as the other one does; by request nobody may replace the model. */
  public static void serve(Engine engine, PredictionService.Limits limits, String host, int port)
      throws InterruptedException {
    serve(engine, limits, host, port, null);
  }

  /**
   * Serves until the process is told to end; then drains and lets requests that run finish. The
   * process ends with the code that JVMs have for it: 143 after SIGTERM.
   *
   * @param adminToken what replacing the model demands, or null
   */
  public static void serve(
      Engine engine, PredictionService.Limits limits, String host, int port, String adminToken)
      throws InterruptedException {
    PredictionService service;
    try {
      service = new PredictionService(engine, limits, adminToken).start(host, port);
    } catch (RuntimeException | Error error) {
      engine.close();
      throw error;
    }
    CountDownLatch end = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  try (engine) {
                    service.close();
                  } finally {
                    end.countDown();
                  }
                },
                "shutdown"));
    System.out.println("listening on port " + service.port());
    end.await();
  }
}
