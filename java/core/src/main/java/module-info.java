// SPDX-License-Identifier: Apache-2.0

/**
 * Espalier: trains, adapts and serves neural networks inside a JVM, on the CPU.
 *
 * <p>Everything public is in {@link dev.espalier}. The module loads native code: start the JVM with
 * {@code --enable-native-access=dev.espalier} (on the class path: {@code ALL-UNNAMED}) to allow it
 * without a warning.
 *
 * <p>Where the module jdk.jfr is there, a recording of JDK Flight Recorder sees the events {@code
 * dev.espalier.ModelLoad}, {@code dev.espalier.PredictorCompile} and {@code dev.espalier.SlowCall},
 * a prediction above that event's threshold (10 ms unless the recording sets another). What failed
 * is recorded as well, with {@code succeeded} false.
 */
module dev.espalier {
  requires org.bytedeco.javacpp;
  // Only training with large batches wants its library, and does without.
  requires static org.bytedeco.openblas;
  requires static jdk.jfr;
  // Annotations that tools read: nothing at run time.
  requires static org.jspecify;

  exports dev.espalier;
}
