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
    boolean isDefault = isOfDefaultFileSystem(file);
    String path = isDefault ? file.toAbsolutePath().toString() : file.toUri().toString();
    if (FlightRecording.isInUse()) {
      return FlightRecording.modelLoad(path, () -> open(file, isDefault, path, options));
    }
    return open(file, isDefault, path, options);
  }

  private static NativeHandle open(Path file, boolean isDefault, String path, LoadOptions options) {
    return isDefault
        ? NativeHandle.loadNetwork(path, options.toJson())
        : ModelStream.read(file, options);
  }

  static void save(NativeHandle network, Path file, SaveOptions options) {
    if (!isOfDefaultFileSystem(file)) {
      ModelStream.write(network, file, options);
      return;
    }
    String path = file.toAbsolutePath().toString();
    network.run(id -> Bridge.networkSave(id, path, options.isInt8Weights()));
  }

  static void exportOnnx(NativeHandle network, Path file, OnnxExportOptions options) {
    String path = ofDefaultFileSystem("exportOnnx", file);
    network.run(id -> Bridge.networkExportOnnx(id, path, options.toJson()));
  }

  static WeightReport loadWeights(NativeHandle network, Path file, WeightMap map) {
    String path = ofDefaultFileSystem("loadWeights", file);
    return new WeightReport(network.get(id -> Bridge.networkLoadWeights(id, path, map.toJson())));
  }

  static void exportSafetensors(NativeHandle network, Path file, WeightMap map) {
    String path = ofDefaultFileSystem("exportSafetensors", file);
    network.run(id -> Bridge.networkExportSafetensors(id, path, map.toJson()));
  }

  static String ofDefaultFileSystem(String call, Path file) {
    if (!isOfDefaultFileSystem(file)) {
      throw new IllegalArgumentException(
          call + ": expected a path of the default file system, got " + file.toUri());
    }
    return file.toAbsolutePath().toString();
  }

  private static boolean isOfDefaultFileSystem(Path file) {
    return Objects.requireNonNull(file, "file").getFileSystem() == FileSystems.getDefault();
  }
}
