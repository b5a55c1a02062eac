// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Where predictors come from when there is no network yet: model files, wherever they lie.
 *
 * @since 0.1
 */
@CheckReturnValue
public abstract sealed class PredictorFiles permits Predictor {
  PredictorFiles() {}

  /**
   * Loads a model for serving as {@link #load(Path, PredictorOptions)} does, with {@link
   * PredictorOptions#defaults()}.
   *
   * @param model a file that {@link Network#save} wrote
   * @return the predictor, to be closed by the caller
   */
  public static Predictor load(Path model) {
    return load(model, PredictorOptions.defaults());
  }

  /**
   * Loads a model for serving. The network is closed before this returns; if this throws, too.
   *
   * @param model a file that {@link Network#save} wrote
   * @param options batch size, kind of output, heads, threads
   * @return the predictor, to be closed by the caller
   * @throws ModelFileException if it is no model, damaged, or beyond {@link LoadOptions#defaults()}
   * @throws IllegalArgumentException if the options name a head that there is not
   * @throws UncheckedIOException if it cannot be read
   * @throws NativeMemoryException if the memory budget is too small
   */
  public static Predictor load(Path model, PredictorOptions options) {
    return load(model, options, LoadOptions.defaults());
  }

  /**
   * Loads a model for serving as {@link #load(Path, PredictorOptions)} does, within other limits:
   * lower ones where strangers hand in models, higher ones for a large model of one's own.
   *
   * <pre>{@code
   * LoadOptions limits = LoadOptions.defaults().maxLayers(100).maxNativeBytes(100 << 20);
   * Predictor predictor = Predictor.load(file, PredictorOptions.defaults(), limits);
   * }</pre>
   *
   * @param model a file that {@link Network#save} wrote
   * @param options batch size, kind of output, heads, threads
   * @param limits on what the model may ask of the machine, here and in {@link Predictor#forShape}
   * @return the predictor, to be closed by the caller
   * @throws ModelFileException if it is no model, damaged, or beyond the limits
   */
  public static Predictor load(Path model, PredictorOptions options, LoadOptions limits) {
    Objects.requireNonNull(options, "options");
    return predictor(Network.load(model, limits), options);
  }

  /** Makes a predictor of a network that nobody else has. */
  private static Predictor predictor(Network network, PredictorOptions options) {
    try (network) {
      return network.predictor(options);
    }
  }

  /**
   * Loads a model from memory for serving, with the exceptions of {@link #load(Path,
   * PredictorOptions)}.
   *
   * @param model what {@link Network#save} wrote; not kept
   * @param options as for a file
   * @return the predictor, to be closed by the caller
   */
  public static Predictor load(byte[] model, PredictorOptions options) {
    return load(model, options, LoadOptions.defaults());
  }

  /**
   * Loads a model from memory for serving, as {@link #load(Path, PredictorOptions, LoadOptions)}
   * does from a file.
   *
   * @param model what {@link Network#save} wrote; not kept
   * @param options batch size, kind of output, heads, threads
   * @param limits on what the model may ask of the machine
   * @return the predictor, to be closed by the caller
   */
  public static Predictor load(byte[] model, PredictorOptions options, LoadOptions limits) {
    Objects.requireNonNull(options, "options");
    return predictor(Network.load(model, limits), options);
  }

  /**
   * Loads a model from a stream for serving, as {@link #load(Path, PredictorOptions)} does from a
   * file.
   *
   * @param model of what {@link Network#save} wrote, to its end; stays the caller's to close
   * @param options batch size, kind of output, heads, threads
   * @return the predictor, to be closed by the caller
   * @throws UncheckedIOException if the stream cannot be read
   */
  public static Predictor load(InputStream model, PredictorOptions options) {
    return load(model, options, LoadOptions.defaults());
  }

  /**
   * Loads a model from a stream for serving, as {@link #load(Path, PredictorOptions, LoadOptions)}
   * does from a file.
   *
   * @param model of what {@link Network#save} wrote, to its end; stays the caller's to close
   * @param options batch size, kind of output, heads, threads
   * @param limits on what the model may ask of the machine
   * @return the predictor, to be closed by the caller
   * @throws UncheckedIOException if the stream cannot be read
   */
  public static Predictor load(InputStream model, PredictorOptions options, LoadOptions limits) {
    Objects.requireNonNull(options, "options");
    return predictor(Network.load(model, limits), options);
  }

  /**
   * Loads a model that lies on the class path, beside the classes that use it, for serving, with
   * the exceptions of {@link #load(Path, PredictorOptions)}.
   *
   * @param owner a class in the module of the resource
   * @param name as for {@link Class#getResourceAsStream}: relative to the class's package, or with
   *     a leading slash
   * @param options batch size, kind of output, heads, threads
   * @return the predictor, to be closed by the caller
   * @throws IllegalArgumentException if there is no such resource, or the options name a head that
   *     there is not
   */
  public static Predictor loadResource(Class<?> owner, String name, PredictorOptions options) {
    return loadResource(owner, name, options, LoadOptions.defaults());
  }

  /**
   * Loads a model that lies on the class path as {@link #loadResource(Class, String,
   * PredictorOptions)} does, with its exceptions, within other limits.
   *
   * @param owner a class in the module of the resource
   * @param name as for {@link Class#getResourceAsStream}
   * @param options batch size, kind of output, heads, threads
   * @param limits on what the model may ask of the machine
   * @return the predictor, to be closed by the caller
   */
  public static Predictor loadResource(
      Class<?> owner, String name, PredictorOptions options, LoadOptions limits) {
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(limits, "limits");
    Objects.requireNonNull(name, "name");
    try (InputStream stream = Objects.requireNonNull(owner, "owner").getResourceAsStream(name)) {
      if (stream == null) {
        throw new IllegalArgumentException(
            "name: expected a resource beside " + owner.getName() + ", got \"" + name + "\"");
      }
      return load(stream, options, limits);
    } catch (IOException error) {
      throw new UncheckedIOException(name + ": " + error.getMessage(), error);
    }
  }
}
