// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

/**
 * Gets told how a study goes on, on the thread that runs it. It may cancel the study. An exception
 * ends the study and comes out of {@code run}.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface StudyListener {
  /**
   * Called after each training.
   *
   * @param progress how far the study has come
   */
  void onProgress(StudyProgress progress);
}
