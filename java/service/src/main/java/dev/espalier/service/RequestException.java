// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

/** A request that gets another status than 200, and a message that says why. */
final class RequestException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;

  RequestException(int status, String message) {
    super(message);
    this.status = status;
  }

  int status() {
    return status;
  }
}
