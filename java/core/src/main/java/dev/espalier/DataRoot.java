// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * Which data set the inputs of another one are really those of: a view that picks examples, or adds
 * and renames targets, has the inputs of its root.
 *
 * @param root the root, told from others by identity
 * @param examples for each example the one of the root that has its input; to be left unchanged
 */
record DataRoot(Dataset root, int[] examples) {
  static DataRoot of(Dataset data) {
    Dataset root = data;
    int[] examples = Shuffle.identity(data.size());
    while (root instanceof DerivedDataset view) {
      int[] ofBase = view.baseExamples(examples);
      if (ofBase == null) {
        break;
      }
      root = view.base;
      examples = ofBase;
    }
    return new DataRoot(root, examples);
  }
}
