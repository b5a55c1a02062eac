// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import java.util.function.Supplier;

/**
 * Events for JDK Flight Recorder. The module jdk.jfr is optional: the classes of the events, which
 * need it, are loaded only where it is.
 */
public final class FlightRecording {
  private static final boolean IS_AVAILABLE =
      ModuleLayer.boot()
          .findModule("jdk.jfr")
          .filter(FlightRecording.class.getModule()::canRead)
          .isPresent();

  private FlightRecording() {}

  /** Returns whether slow calls are being recorded. Costs a few instructions. */
  public static boolean recordsSlowCalls() {
    return IS_AVAILABLE && SlowCallEvent.isRecorded();
  }

  /** Runs {@code load} and records how long it took; {@code path} is the file. */
  public static <R> R modelLoad(String path, Supplier<R> load) {
    return IS_AVAILABLE ? ModelLoadEvent.around(path, load) : load.get();
  }

  /** Runs {@code compile} and records how long it took. */
  public static NativeHandle predictorCompile(String options, Supplier<NativeHandle> compile) {
    return IS_AVAILABLE ? PredictorCompileEvent.around(options, compile) : compile.get();
  }

  /** Runs {@code call}, of so many examples, and records it if it is slow. */
  public static void call(int batch, Runnable call) {
    SlowCallEvent.around(batch, call);
  }
}
