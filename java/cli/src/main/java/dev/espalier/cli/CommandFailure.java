// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

/** Something that a user can mend: its message says what, and how. */
final class CommandFailure extends RuntimeException {
  private static final long serialVersionUID = 1;

  CommandFailure(String message) {
    super(message);
  }

  CommandFailure(String message, Throwable cause) {
    super(message, cause);
  }
}
