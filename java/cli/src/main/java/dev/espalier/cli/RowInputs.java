// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Dataset;
import dev.espalier.Network;
import dev.espalier.Shape;
import dev.espalier.data.Table;
import dev.espalier.data.TableInputs;

/** Rows of a table as inputs. */
record RowInputs(TableInputs inputs) implements InputReader {
  @Override
  public Dataset dataset(Table rows) {
    return inputs.dataset(rows);
  }

  @Override
  public void storeIn(Network network) {
    inputs.storeIn(network);
  }

  @Override
  public Shape shape() {
    return inputs.shape();
  }

  @Override
  public String words() {
    return inputs.toString();
  }
}
