// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples.service;

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

  /** Starts the service. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new ServiceMain()).execute(arguments));
  }

  @Override
  public Integer call() throws InterruptedException {
    PredictionService.Limits limits;
    try {
      limits = new PredictionService.Limits(maxConcurrent, maxBodyBytes, bodyMillis, drainMillis);
    } catch (IllegalArgumentException error) {
      throw new ParameterException(spec.commandLine(), error.getMessage());
    }
    serve(new EspalierEngine(model), limits, host, port);
    return 0;
  }

  /**
   * Serves until the process is told to end; then drains and lets requests that run finish. The
   * process ends with the code that JVMs have for it: 143 after SIGTERM.
   */
  public static void serve(Engine engine, PredictionService.Limits limits, String host, int port)
      throws InterruptedException {
    PredictionService service = new PredictionService(engine, limits).start(host, port);
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
