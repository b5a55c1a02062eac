// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import org.bytedeco.javacpp.Loader;

/**
 * Tells native code where OpenBLAS is: the library of the bytedeco jar, unpacked into JavaCPP's
 * cache. Native code opens it when a training step first wants it; where it is missing everything
 * works without.
 */
public final class OpenBlas {
  private static final String FOLDER = "org/bytedeco/openblas/";
  private static final String LIBRARY = "libopenblas.so.0";

  /** What the library needs beside itself. */
  private static final String[] NEEDED = {"libgcc_s.so.1", "libquadmath.so.0", "libgfortran.so.5"};

  /**
   * The smallest size of a matrix product that OpenBLAS serves (cpp/kernels/blas.cc has the whole
   * rule); the batch is one of a training product's sizes.
   */
  private static final int LEAST_SIZE = 2048;

  private static boolean isProvided;

  private OpenBlas() {}

  /**
   * Unpacks the library, 40 MB, and tells native code, if a training with batches of this size may
   * want it and that has not been done.
   */
  public static synchronized void provideFor(int batchSize) {
    if (batchSize >= LEAST_SIZE && !isProvided) {
      isProvided = true;
      String path = unpack();
      if (path != null) {
        NativeCall.run(() -> Bridge.setOpenBlasPath(path));
      }
    }
  }

  /** Returns the path of the unpacked library; null if there is none, or no place for it. */
  private static String unpack() {
    try {
      for (String name : NEEDED) {
        unpack(name);
      }
      File library = unpack(LIBRARY);
      return library == null ? null : library.getAbsolutePath();
    } catch (IOException | RuntimeException unpackedNowhere) {
      return null;
    }
  }

  private static File unpack(String name) throws IOException {
    URL resource =
        OpenBlas.class.getClassLoader().getResource(FOLDER + Loader.getPlatform() + "/" + name);
    return resource == null ? null : Loader.cacheResource(resource);
  }
}
