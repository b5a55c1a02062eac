// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;

/**
 * Lets through who may replace the model: a program on this machine that knows the token. A page in
 * a browser on this machine gets nowhere: it does not know the token, forms cannot send the content
 * type, and what browsers say about a request's origin is refused whatever it is, since this
 * service's own page does not ask for it.
 */
final class AdminGate {
  /** A token this long is not guessed. */
  static final int LEAST_TOKEN_LENGTH = 16;

  private final byte[] tokenDigest;

  /** Makes the gate for a token that is long enough. */
  AdminGate(String token) {
    tokenDigest = digest(token);
  }

  /** Throws an {@link IllegalArgumentException} if the token is too short. */
  static void requireLong(String token) {
    if (token.length() < LEAST_TOKEN_LENGTH) {
      throw new IllegalArgumentException(
          "admin token: expected at least "
              + LEAST_TOKEN_LENGTH
              + " characters, got "
              + token.length());
    }
  }

  /**
   * Checks a request.
   *
   * @throws RequestException 403 from elsewhere, 415 for another type than JSON, 401 without token
   */
  void check(HttpServletRequest request) throws IOException {
    if (!InetAddress.getByName(request.getRemoteAddr()).isLoopbackAddress()) {
      throw new RequestException(403, "only from this machine");
    }
    String site = request.getHeader("Sec-Fetch-Site");
    if (request.getHeader("Origin") != null || (site != null && !site.equals("none"))) {
      throw new RequestException(403, "not from pages in a browser");
    }
    if (!Questions.mediaType(request.getContentType()).equals("application/json")) {
      throw new RequestException(415, "expected content of type application/json");
    }
    String authorization = request.getHeader("Authorization");
    List<String> words = authorization == null ? List.of() : List.of(authorization.split(" +", 2));
    // Digests take the same time to compare wherever they differ, and tell nothing of the length.
    boolean isKnown =
        words.size() == 2
            && words.get(0).equalsIgnoreCase("Bearer")
            && MessageDigest.isEqual(tokenDigest, digest(words.get(1)));
    if (!isKnown) {
      throw new RequestException(401, "expected the admin token: Authorization: Bearer TOKEN");
    }
  }

  private static byte[] digest(String token) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException error) {
      throw new IllegalStateException(error); // every Java has it
    }
  }
}
