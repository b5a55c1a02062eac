// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import dev.espalier.ErrorCode;
import dev.espalier.EspalierException;
import java.io.FileNotFoundException;
import java.io.IOException;

/** Loads the native library, once. OpenBLAS is not loaded by this. */
public final class NativeLibrary {
  private static final int MOST_THREADS = 256;

  private static volatile boolean isLoaded;

  private NativeLibrary() {}

  /**
   * Loads the library if that has not been done.
   *
   * @throws EspalierException saying what to do if it cannot be loaded; a later call tries again
   */
  public static void load() {
    if (!isLoaded) {
      loadOnce();
    }
  }

  private static synchronized void loadOnce() {
    if (isLoaded) {
      return;
    }
    try {
      System.load(UnpackedLibrary.find().toAbsolutePath().toString());
      // The JVM knows the limits of a container; native code would see the CPUs alone, and
      // knows nothing of a heap.
      Bridge.setThreadCount(Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors()));
      Bridge.setNativeBytesBudget(MemoryBudget.forThisProcess(Bridge.nativeBytesBudget()));
      isLoaded = true;
    } catch (IOException | LinkageError | RuntimeException error) {
      throw new EspalierException(ErrorCode.NATIVE_LIBRARY, explain(error), error);
    }
  }

  private static String explain(Throwable error) {
    String reason = String.valueOf(error.getMessage());
    if (error instanceof FileNotFoundException) {
      return "espalier has no native library for this platform, "
          + UnpackedLibrary.platform()
          + "; "
          + reason;
    }
    if (reason.contains("already loaded in another classloader")) {
      return "the native library is in use by another class loader of this process: put espalier"
          + " into a class loader that both share; "
          + reason;
    }
    return "cannot load the native library from its cache: the folder has to be writable and not"
        + " mounted noexec; the system property "
        + UnpackedLibrary.CACHE_PROPERTY
        + " (now "
        + System.getProperty(UnpackedLibrary.CACHE_PROPERTY, "not set")
        + ") names another; "
        + reason;
  }
}
