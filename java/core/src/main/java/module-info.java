// SPDX-License-Identifier: Apache-2.0

/** Trains, adapts and serves neural networks on the CPU. */
module dev.espalier {
  requires org.bytedeco.javacpp;

  exports dev.espalier;
}
