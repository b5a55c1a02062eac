// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

/**
 * What becomes of a picture whose sides have another ratio than the network's input.
 *
 * @since 0.1
 */
public enum PictureFit {
  /** All of the picture, each side brought to the input's: circles become ellipses. */
  STRETCH,
  /** The largest part around the middle that has the input's ratio; the rest is left out. */
  CROP,
  /**
   * All of the picture, as large as it fits, in the middle; the rest has the background's color.
   */
  PAD
}
