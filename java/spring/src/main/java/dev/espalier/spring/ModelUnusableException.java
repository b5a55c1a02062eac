// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spring;

/**
 * The application can't start: {@code espalier.model} names no model that can be served. The cause
 * says why.
 *
 * @since 0.1
 */
public final class ModelUnusableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String model;

  ModelUnusableException(String model, Throwable cause) {
    super("espalier.model=" + model + ": " + cause.getMessage(), cause);
    this.model = model;
  }

  /**
   * Returns what the property says.
   *
   * @return path or location
   */
  public String model() {
    return model;
  }
}
