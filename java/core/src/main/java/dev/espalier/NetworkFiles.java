// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.NativeCall;
import dev.espalier.internal.NativeHandle;
import dev.espalier.internal.StackReserve;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * The files of other programs that networks come from, the files that they become, and what their
 * owner keeps in those.
 *
 * @since 0.1
 */
public abstract sealed class NetworkFiles permits Network {
  private volatile Map<String, String> metadata = Map.of(); // changed while this is locked

  NetworkFiles() {}

  abstract NativeHandle handle();

  /** Takes the metadata over from a network's spec. */
  void readMetadata(Map<?, ?> spec) {
    Map<String, String> read = new TreeMap<>();
    if (spec.get("metadata") instanceof Map<?, ?> entries) {
      entries.forEach((key, value) -> read.put((String) key, (String) value));
    }
    metadata = Collections.unmodifiableMap(read);
  }

  /**
   * As {@link #importOnnx(Path, ImportOptions)}, where only the batch is open in the model.
   *
   * @param file a path of any file system
   * @return the network, to be closed by the caller
   */
  public static Network importOnnx(Path file) {
    return importOnnx(file, ImportOptions.defaults());
  }

  /**
   * Makes an ordinary network of an ONNX model: layers named as in the model, with its parameters,
   * and no heads. docs/import.md says what can be imported. Strict, as {@link Network#load(Path)}.
   *
   * @param file a path of any file system
   * @param options sizes that the model leaves open; limits
   * @return the network, to be closed by the caller
   * @throws ModelFileException if it is not a valid model, is past a limit, or has nodes that no
   *     layer computes, all of which it names
   * @throws IllegalArgumentException if options name what is not there, or leave a size open
   * @throws java.io.UncheckedIOException if it cannot be read
   */
  public static Network importOnnx(Path file, ImportOptions options) {
    return ForeignImport.read(ForeignImport.ONNX, file, options);
  }

  /**
   * As {@link #importOnnx(Path, ImportOptions)}, with its exceptions, from a stream up to its end.
   *
   * @param stream what an ONNX file holds, from its first byte; it is not closed
   * @param options sizes that the model leaves open; limits
   * @return the network, to be closed by the caller
   */
  public static Network importOnnx(InputStream stream, ImportOptions options) {
    return ForeignImport.read(ForeignImport.ONNX, stream, options);
  }

  /**
   * As {@link #importOnnx(Path, ImportOptions)}, with its exceptions, from the bytes of a file.
   *
   * @param bytes all bytes of the file; not kept
   * @param options sizes that the model leaves open; limits
   * @return the network, to be closed by the caller
   */
  public static Network importOnnx(byte[] bytes, ImportOptions options) {
    return importOnnx(new ByteArrayInputStream(Objects.requireNonNull(bytes, "bytes")), options);
  }

  /**
   * As {@link #importOnnx(Path, ImportOptions)}, with its exceptions, of a TensorFlow Lite model.
   * Its images, [height, width, channels] there, are [channels, height, width] here.
   *
   * @param file a path of any file system
   * @param options sizes to import for; limits
   * @return the network, to be closed by the caller
   */
  public static Network importTflite(Path file, ImportOptions options) {
    return ForeignImport.read(ForeignImport.TFLITE, file, options);
  }

  /**
   * As {@link #importTflite(Path, ImportOptions)}, from a stream up to its end.
   *
   * @param stream what such a file holds, from its first byte; it is not closed
   * @param options sizes to import for; limits
   * @return the network, to be closed by the caller
   */
  public static Network importTflite(InputStream stream, ImportOptions options) {
    return ForeignImport.read(ForeignImport.TFLITE, stream, options);
  }

  /**
   * As {@link #importTflite(Path, ImportOptions)}, from the bytes of a file.
   *
   * @param bytes all bytes of the file; not kept
   * @param options sizes to import for; limits
   * @return the network, to be closed by the caller
   */
  public static Network importTflite(byte[] bytes, ImportOptions options) {
    return importTflite(new ByteArrayInputStream(Objects.requireNonNull(bytes, "bytes")), options);
  }

  /**
   * Returns what the owner of the network keeps with it: in model files, copies, transfers and
   * predictors, and under the same keys in ONNX models. Nothing of it changes what the network
   * computes; who reads it from a file of somebody else's must check it.
   *
   * @return texts by key, in the order of keys
   */
  public Map<String, String> metadata() {
    return metadata;
  }

  /**
   * Keeps a text with the network, in place of what the key had: {@code setMetadata("owner", "ward
   * 3")}. Predictors made from now on know it.
   *
   * @param key of 1 to 256 bytes, not beginning with {@code "espalier."}; at most 256 of them
   * @param value any text; all keys and values together have at most 1 MiB
   * @throws IllegalArgumentException past one of these limits, or if one has a character NUL
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public void setMetadata(String key, String value) {
    NativeCall.text(key, "key");
    NativeCall.text(value, "value");
    StackReserve.require();
    changeMetadata(id -> Bridge.networkSetMetadata(id, key, value), map -> map.put(key, value));
  }

  /**
   * Keeps a text no longer.
   *
   * @param key of the text; one that there is not changes nothing
   * @throws IllegalStateException if this network is closed or in use by another thread
   */
  public void removeMetadata(String key) {
    NativeCall.text(key, "key");
    StackReserve.require();
    changeMetadata(id -> Bridge.networkRemoveMetadata(id, key), map -> map.remove(key));
  }

  private synchronized void changeMetadata(LongConsumer call, Consumer<Map<String, String>> same) {
    Map<String, String> changed = new TreeMap<>(metadata);
    same.accept(changed);
    handle().run(call);
    metadata = Collections.unmodifiableMap(changed);
  }

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
    save(file, SaveOptions.defaults());
  }

  /**
   * Writes the network as {@link #save(Path)} does, with its exceptions, in another form.
   *
   * @param file a path of any file system
   * @param options what is in the file
   * @throws NativeMemoryException if there is no room for the weights in 8 bits
   */
  public void save(Path file, SaveOptions options) {
    Objects.requireNonNull(options, "options");
    ModelPath.save(handle(), file, options);
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
    save(stream, SaveOptions.defaults());
  }

  /**
   * Writes what {@link #save(Path, SaveOptions)} writes to a stream, as {@link #save(OutputStream)}
   * does, with its exceptions.
   *
   * @param stream where to; it is flushed and not closed
   * @param options what is in the file
   * @throws NativeMemoryException if there is no room for the weights in 8 bits
   */
  public void save(OutputStream stream, SaveOptions options) {
    Objects.requireNonNull(stream, "stream");
    ModelStream.write(handle(), stream, Objects.requireNonNull(options, "options"));
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
