// SPDX-License-Identifier: Apache-2.0

/**
 * Espalier: trains, adapts and serves neural networks inside a JVM, on the CPU.
 *
 * <p>Everything public is in {@link dev.espalier}. The module loads native code: start the JVM with
 * {@code --enable-native-access=org.bytedeco.javacpp,dev.espalier} (on the class path: {@code
 * ALL-UNNAMED}) to allow it without a warning.
 */
module dev.espalier {
  requires org.bytedeco.javacpp;
  requires org.bytedeco.openblas;

  exports dev.espalier;
}
