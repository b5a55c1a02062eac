// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import java.util.Optional;
import java.util.function.Supplier;
import jdk.jfr.FlightRecorder;

/**
 * Events for JDK Flight Recorder. The module jdk.jfr is optional: the classes of the events, which
 * need it, are loaded only where it is, and once something has made a recording. Loading them takes
 * the recorder longer than loading a model.
 */
public final class FlightRecording {
  private static final boolean IS_AVAILABLE = isAvailable();

  private FlightRecording() {}

  private static boolean isAvailable() {
    Optional<Module> module = ModuleLayer.boot().findModule("jdk.jfr");
    return module.isPresent() && FlightRecording.class.getModule().canRead(module.get());
  }

  /** Returns true if the JVM has a recorder, which may or may not record. */
  public static boolean isInUse() {
    return IS_AVAILABLE && FlightRecorder.isInitialized();
  }

  /** Runs {@code load} and records how long it took; {@code path} is the file. */
  public static <R> R modelLoad(String path, Supplier<R> load) {
    return ModelLoadEvent.around(path, load);
  }

  /** Runs {@code compile} and records how long it took. */
  public static NativeHandle predictorCompile(String options, Supplier<NativeHandle> compile) {
    return PredictorCompileEvent.around(options, compile);
  }

  /** A prediction that runs. */
  public interface Call {
    /** Ends it, and records it if it was slow. */
    void end(int examples, boolean succeeded);
  }

  /** Begins a call; null, after a few instructions, if slow calls are not being recorded. */
  public static Call call() {
    return isInUse() && SlowCallEvent.isRecorded() ? SlowCallEvent.begun() : null;
  }
}
