// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.NativeHandle;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Objects;

/**
 * The files that a network becomes.
 *
 * @since 0.1
 */
public abstract sealed class NetworkFiles permits Network {
  NetworkFiles() {}

  abstract NativeHandle handle();

  /**
   * Writes the network to a safetensors file with the graph in its metadata. A file that is there
   * already is replaced as a whole, or stays as it was if writing fails; in the default file
   * system, a crash or a loss of power changes nothing of that.
   *
   * @param file a path of any file system
   * @throws java.io.UncheckedIOException if it cannot be written
   * @throws IllegalStateException if this network is closed or another thread changes it
   */
  public void save(Path file) {
    ModelPath.save(handle(), file);
  }

  /**
   * Writes what {@link #save(Path)} writes to a stream. The network can be read meanwhile, but not
   * changed or trained.
   *
   * @param stream where to; it is flushed and not closed
   * @throws java.io.UncheckedIOException if it cannot be written
   * @throws IllegalStateException if this network is closed or another thread changes it
   */
  public void save(OutputStream stream) {
    ModelStream.write(handle(), Objects.requireNonNull(stream, "stream"));
  }

  /**
   * Writes the network as an ONNX model whose outputs, named after the heads, are what a {@link
   * Predictor} answers; as {@link #exportOnnx(Path, OnnxExportOptions)} does, with its exceptions.
   *
   * @param file a path of the default file system
   */
  public void exportOnnx(Path file) {
    exportOnnx(file, OnnxExportOptions.defaults());
  }

  /**
   * Writes the network as an ONNX model; {@link OnnxExportOptions} says what is in it. A file that
   * is there already is replaced as a whole, or stays as it was, as by {@link #save(Path)}.
   *
   * @param file a path of the default file system
   * @param options what the model answers
   * @throws IllegalArgumentException if the path is of another file system, the options name a head
   *     or layer that there is not, or ONNX can't express some layers: all are listed
   * @throws java.io.UncheckedIOException if it cannot be written
   * @throws IllegalStateException if this network is closed or another thread changes it
   */
  public void exportOnnx(Path file, OnnxExportOptions options) {
    ModelPath.exportOnnx(handle(), file, Objects.requireNonNull(options, "options"));
  }

  /**
   * Reads parameters and buffers, frozen ones too, from a safetensors file of any program: float32,
   * float16, bfloat16 or float64, rounded to float32. All of them or, if an exception is thrown,
   * none.
   *
   * @param file a path of the default file system
   * @param map which tensor is which parameter
   * @return what was read and what was not
   * @throws IllegalArgumentException if the path is of another file system or a rule is wrong
   * @throws ModelFileException if the file is damaged or has values that are not finite, or if
   *     parameters or tensors are left over that the map does not allow, or do not fit: all are
   *     listed
   * @throws java.io.UncheckedIOException if it cannot be read
   * @throws IllegalStateException if this network is closed or others use it
   */
  public WeightReport loadWeights(Path file, WeightMap map) {
    return ModelPath.loadWeights(handle(), file, Objects.requireNonNull(map, "map"));
  }

  /**
   * Writes all parameters and buffers as float32 to a safetensors file under the names that a map
   * gives them, for other programs. {@link #loadWeights} with the same map reads them back to the
   * same bits. A file that is there already is replaced as a whole, or stays as it was, as by
   * {@link #save(Path)}.
   *
   * @param file a path of the default file system
   * @param map which tensor is which parameter
   * @throws IllegalArgumentException if the path is of another file system, or a rule is wrong or
   *     only says {@link WeightMap#reshape}
   * @throws java.io.UncheckedIOException if it cannot be written
   * @throws IllegalStateException if this network is closed or another thread changes it
   */
  public void exportSafetensors(Path file, WeightMap map) {
    ModelPath.exportSafetensors(handle(), file, Objects.requireNonNull(map, "map"));
  }
}
