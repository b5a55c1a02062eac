// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.FlightRecording;
import dev.espalier.internal.NativeHandle;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.Objects;

/** Model files by path: native code reads and writes those of the default file system itself. */
final class ModelPath {
  private ModelPath() {}

  static NativeHandle open(Path file, LoadOptions options) {
    if (!isOfDefaultFileSystem(file)) {
      return FlightRecording.modelLoad(
          file.toUri().toString(), () -> ModelStream.read(file, options));
    }
    String limits = options.toJson();
    String path = file.toAbsolutePath().toString();
    return FlightRecording.modelLoad(
        path, () -> NativeHandle.create(() -> Bridge.networkLoad(path, limits)));
  }

  static void save(NativeHandle network, Path file) {
    if (!isOfDefaultFileSystem(file)) {
      ModelStream.write(network, file);
      return;
    }
    String path = file.toAbsolutePath().toString();
    network.run(id -> Bridge.networkSave(id, path));
  }

  private static boolean isOfDefaultFileSystem(Path file) {
    return Objects.requireNonNull(file, "file").getFileSystem() == FileSystems.getDefault();
  }
}
