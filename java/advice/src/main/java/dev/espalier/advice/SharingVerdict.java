// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

/**
 * What a {@link SharingStudy} advises.
 *
 * @since 0.1
 */
public enum SharingVerdict {
  /** One network for all questions. */
  SHARE("share"),
  /** A network for each question. */
  SEPARATE("separate"),
  /** One network for some questions, and one each for the others. */
  SHARE_GROUPS("share these groups"),
  /** One network loses only because it is too small. */
  LARGER_NETWORK_FIRST("larger network first"),
  /** The differences are too uncertain. */
  CANNOT_TELL("can't tell");

  private final String text;

  SharingVerdict(String text) {
    this.text = text;
  }

  /** Returns for example {@code "larger network first"}. */
  @Override
  public String toString() {
    return text;
  }
}
