// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.handler.ErrorHandler;

/**
 * What never reaches a question, as JSON like all other errors: requests that are no HTTP, which
 * the server would answer with a page, and paths and methods that are not there.
 */
final class Refusals extends ErrorHandler {
  private static final String JSON = "application/json";

  private final String paths;

  /**
   * Makes refusals that say what there is.
   *
   * @param paths methods and paths, as in "GET /health"
   */
  Refusals(String paths) {
    this.paths = paths;
  }

  void install(JavalinConfig config) {
    config.http.prefer405over404 = true;
    config.jetty.modifyServer(server -> server.setErrorHandler(this));
  }

  /** Answers what there is no handler for. */
  void refuse(HttpResponseException refusal, Context context) {
    String got = context.method() + " " + context.path();
    boolean isUnknown = refusal.getStatus() == 404 || refusal.getStatus() == 405;
    String methods = refusal.getDetails().get("availableMethods");
    if (methods != null) {
      context.header("Allow", methods);
    }
    context
        .status(refusal.getStatus())
        .contentType(JSON)
        .result(
            Answers.writeError(
                isUnknown ? "expected " + paths + ", got " + got : refusal.getMessage()));
  }

  @Override
  public boolean errorPageForMethod(String method) {
    return true;
  }

  @Override
  protected void generateAcceptableResponse(
      Request request,
      HttpServletRequest asked,
      HttpServletResponse response,
      int status,
      String message,
      String type)
      throws IOException {
    request.setHandled(true);
    response.setContentType(JSON);
    response.getOutputStream().write(Answers.writeError(message));
  }

  @Override
  public ByteBuffer badMessageError(int status, String reason, HttpFields.Mutable fields) {
    fields.put(HttpHeader.CONTENT_TYPE, JSON);
    return ByteBuffer.wrap(Answers.writeError(reason));
  }
}
