// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.service.PredictionService;
import dev.espalier.service.ServiceOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Serves a model by HTTP. */
@Command(
    abbreviateSynopsis = true,
    name = "serve",
    header = "Serves a model by HTTP until the process is told to end.",
    description =
        "POST /predict answers, GET /health, /metrics and /model tell how it is; / is a page to try"
            + " the model. Replaces the model by request only for those who know the token in the"
            + " environment variable "
            + ServeCommand.TOKEN_VARIABLE
            + ".")
final class ServeCommand implements Callable<Integer> {
  static final String TOKEN_VARIABLE = "ESPALIER_ADMIN_TOKEN";

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = "A model that adapt or train saved.")
  private Path model;

  @Option(names = "--host", description = "Address to listen on. Default: 127.0.0.1.")
  private String host;

  @Option(names = "--port", description = "0: any that is free. Default: 8080.")
  private Integer port;

  @Option(
      names = "--max-concurrent",
      paramLabel = "COUNT",
      description = "Requests at once; more get 503. Default: what the service has.")
  private Integer maxConcurrent;

  @Mixin private PrecisionOption precision;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    ModelFormat.requireEspalier(model);
    PredictionService service = PredictionService.start(model, options());
    out.println("listening on " + service.address());
    service.awaitShutdown();
    return 0;
  }

  private ServiceOptions options() {
    try {
      ServiceOptions options = ServiceOptions.defaults();
      options = host == null ? options : options.host(host);
      options = port == null ? options : options.port(port);
      options = maxConcurrent == null ? options : options.maxConcurrent(maxConcurrent);
      options = precision.of(options);
      String token = System.getenv(TOKEN_VARIABLE);
      return token == null ? options : options.adminToken(token);
    } catch (IllegalArgumentException error) {
      throw new ParameterException(spec.commandLine(), error.getMessage(), error);
    }
  }
}
