// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;

/**
 * Reads a body as it arrives. No thread waits for it, so those who send slowly, or nothing at all,
 * take threads from nobody; memory grows with what has come, not with what was announced.
 */
final class BodyReader implements ReadListener {
  private static final int FIRST_BYTES = 1024;

  private final ServletInputStream stream;
  private final int limit;
  private final CompletableFuture<byte[]> body = new CompletableFuture<>();
  private byte[] bytes;
  private int count;

  private BodyReader(ServletInputStream stream, int limit) {
    this.stream = stream;
    this.limit = limit;
    bytes = new byte[Math.min(FIRST_BYTES, limit)];
  }

  /**
   * Reads the body of a request that has become asynchronous.
   *
   * @param limit bytes of the body, less than 2^31 - 1
   * @return the body; or ends with a {@link RequestException}: 413 if it is larger, 408 if the
   *     client pauses for too long, 400 if it breaks off
   */
  static CompletableFuture<byte[]> read(ServletInputStream stream, int limit) {
    BodyReader reader = new BodyReader(stream, limit);
    stream.setReadListener(reader);
    return reader.body;
  }

  static RequestException tooLarge(int limit) {
    return new RequestException(413, "expected a body of at most " + limit + " bytes");
  }

  static RequestException tooSlow() {
    return new RequestException(408, "expected a whole body in time, got part of one");
  }

  static RequestException broken() {
    return new RequestException(400, "expected a whole body, got part of one");
  }

  @Override
  public void onDataAvailable() throws IOException {
    while (!body.isDone() && stream.isReady() && !stream.isFinished()) {
      if (count == bytes.length) {
        bytes = Arrays.copyOf(bytes, (int) Math.min(limit + 1L, 2L * count + 1));
      }
      int got = stream.read(bytes, count, bytes.length - count);
      if (got < 0) {
        return;
      }
      count += got;
      if (count > limit) {
        body.completeExceptionally(tooLarge(limit));
      }
    }
  }

  @Override
  public void onAllDataRead() {
    body.complete(count == bytes.length ? bytes : Arrays.copyOf(bytes, count));
  }

  @Override
  public void onError(Throwable error) {
    boolean isSlow =
        error instanceof TimeoutException || error.getCause() instanceof TimeoutException;
    body.completeExceptionally(isSlow ? tooSlow() : broken());
  }
}
