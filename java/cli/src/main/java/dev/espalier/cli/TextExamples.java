// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Dataset;
import dev.espalier.Network;
import dev.espalier.Shape;
import dev.espalier.data.Table;
import dev.espalier.text.TextDataset;
import dev.espalier.text.TextInputs;

/**
 * Texts as inputs.
 *
 * @param column of the texts
 * @param tokenizerJson the tokenizer's file; null if the network has it already
 */
record TextExamples(TextInputs inputs, String column, byte[] tokenizerJson) implements InputReader {
  @Override
  public Dataset dataset(Table rows) {
    return rows.withTargets(TextDataset.of(inputs, rows.texts(column)));
  }

  @Override
  public void storeIn(Network network) {
    if (tokenizerJson != null) {
      inputs.storeIn(network, tokenizerJson);
    }
  }

  @Override
  public Shape shape() {
    return Shape.vector(inputs.inputs().stream().mapToInt(input -> input.shape().size()).sum());
  }

  @Override
  public String words() {
    return inputs.toString();
  }
}
