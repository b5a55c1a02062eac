// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import dev.espalier.EspalierException;
import org.bytedeco.javacpp.Loader;

/**
 * Loads the native library from the jar: JavaCPP extracts it into its cache and loads it from
 * there. OpenBLAS is not loaded by this.
 */
public final class NativeLibrary {
  private static final String CACHE_PROPERTY = "org.bytedeco.javacpp.cachedir";

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
      Loader.load(Bridge.class);
      // The JVM knows the limits of a container; native code would see the CPUs alone.
      Bridge.setThreadCount(Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors()));
      isLoaded = true;
    } catch (LinkageError | RuntimeException error) {
      throw new EspalierException("NATIVE_LIBRARY", explain(error), error);
    }
  }

  private static String explain(Throwable error) {
    String reason = String.valueOf(error.getMessage());
    String platform = Loader.getPlatform();
    if (reason.contains("already loaded in another classloader")) {
      return "the native library is in use by another class loader of this process: put espalier"
          + " and javacpp into a class loader that both share; "
          + reason;
    }
    if (Bridge.class.getResource(platform + "/" + System.mapLibraryName("jniEspalier")) == null) {
      return "espalier has no native library for this platform, " + platform + "; " + reason;
    }
    return "cannot load the native library from JavaCPP's cache: its folder has to be writable and"
        + " not mounted noexec; the system property "
        + CACHE_PROPERTY
        + " (now "
        + System.getProperty(CACHE_PROPERTY, "not set")
        + ") names another; "
        + reason;
  }
}
