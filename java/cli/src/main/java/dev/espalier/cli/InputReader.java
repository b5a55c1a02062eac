// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Dataset;
import dev.espalier.Network;
import dev.espalier.Shape;
import dev.espalier.data.Table;

/** Makes inputs of a network of examples, and goes with the network into its file. */
interface InputReader {
  /** Returns the inputs and answers of rows of the examples' table. */
  Dataset dataset(Table rows);

  /** Keeps with a network how its inputs are made. */
  void storeIn(Network network);

  /** Returns the shape of an input. */
  Shape shape();

  /** Says how inputs are made, for people. */
  String words();
}
