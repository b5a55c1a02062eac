// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

/**
 * How pixels of another size are made of those of a picture.
 *
 * @since 0.1
 */
public enum PictureScaling {
  /**
   * Weights that fall off linearly with the distance, over two pixels of the coarser of both grids:
   * what Pillow's {@code BILINEAR}, torchvision's {@code Resize} and PyTorch's {@code interpolate}
   * with {@code antialias} do.
   */
  BILINEAR,
  /** The mean of the area that a new pixel covers, pixels at its edges by their share. */
  AREA
}
