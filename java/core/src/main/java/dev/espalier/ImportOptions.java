// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.JsonWriter;
import dev.espalier.internal.NativeCall;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * What a foreign model leaves open, and what it may ask of the machine, for {@link
 * Network#importOnnx}. Immutable: each method returns changed options.
 *
 * @since 0.1
 */
@CheckReturnValue
public final class ImportOptions {
  private static final ImportOptions DEFAULTS = new ImportOptions();

  private final Map<String, Object> settings;
  private final Consumer<ImportReport> report;

  private ImportOptions() {
    this(Map.of(), ignored -> {});
  }

  private ImportOptions(Map<String, Object> settings, Consumer<ImportReport> report) {
    this.settings = settings;
    this.report = report;
  }

  /**
   * Returns the defaults: the first dimension of each input is the batch, all outputs, files of at
   * most 4 GiB, networks within {@link LoadOptions#defaults}.
   *
   * @return the options
   */
  public static ImportOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Gives a dimension that the model names its size: {@code dimension("sequence", 128)}. Each that
   * is neither the batch nor fixed needs one; importing without lists them.
   *
   * @param name of the dimension, in the model
   * @param size at least 1
   * @return changed options
   * @throws IllegalArgumentException if the size is out of range
   */
  public ImportOptions dimension(String name, long size) {
    NativeCall.text(name, "name");
    if (size < 1) {
      throw new IllegalArgumentException(
          "dimension " + name + ": expected a size of at least 1, got " + size);
    }
    return withEntry("dimensions", name, Map.of("name", name, "size", size));
  }

  /**
   * Gives an input its shape: for dimensions that have no name, or for another size than the model
   * says.
   *
   * @param input name of the input, in the model
   * @param shape shape of one example
   * @return changed options
   */
  public ImportOptions inputShape(String input, Shape shape) {
    NativeCall.text(input, "input");
    List<Integer> dimensions =
        Arrays.stream(Objects.requireNonNull(shape, "shape").dims()).boxed().toList();
    return withEntry("input_shapes", input, Map.of("name", input, "shape", dimensions));
  }

  /**
   * Says which dimension of an input is the batch, where it is not the first: {@code
   * batchAxis("sequence", 1)} for one of {@code [length, batch, features]}, as PyTorch's recurrent
   * layers have them by default. The network takes examples of {@code [length, features]} all the
   * same.
   *
   * @param input name of the input, in the model
   * @param axis counted from 0
   * @return changed options
   * @throws IllegalArgumentException if the axis is negative; importing says so if the input has no
   *     such dimension
   */
  public ImportOptions batchAxis(String input, int axis) {
    NativeCall.text(input, "input");
    if (axis < 0) {
      throw new IllegalArgumentException(
          "batchAxis of " + input + ": expected at least 0, got " + axis);
    }
    return withEntry("batch_axes", input, Map.of("name", input, "axis", axis));
  }

  /**
   * Takes a whole run of the model for one example: no dimension of its inputs is the batch.
   *
   * @return changed options
   */
  public ImportOptions withoutBatch() {
    return with("has_batch", false);
  }

  /**
   * Chooses what the network computes; all that is computed from it in the model is left out.
   *
   * @param values outputs, or other values, by their names in the model; none: the model's outputs
   * @return changed options
   */
  public ImportOptions outputs(String... values) {
    List<String> names = new ArrayList<>();
    for (String value : Objects.requireNonNull(values, "values")) {
      names.add(NativeCall.text(value, "value"));
    }
    return with("outputs", List.copyOf(names));
  }

  /**
   * Reads weights that lie in other files, in the folder of the model and below, as PyTorch writes
   * them beside large models. Without it, and for models that are no files of the default file
   * system, a model that has some is refused.
   *
   * @return changed options
   */
  public ImportOptions externalData() {
    return with("external_data", true);
  }

  /**
   * Limits what the network may ask of the machine.
   *
   * @param limits as for model files
   * @return changed options
   */
  public ImportOptions limits(LoadOptions limits) {
    return with("limits", Objects.requireNonNull(limits, "limits").limits());
  }

  /**
   * Limits the size of the model's file.
   *
   * @param limit at least 1
   * @return changed options
   * @throws IllegalArgumentException if the number is out of range
   */
  public ImportOptions maxFileBytes(long limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("maxFileBytes: expected at least 1, got " + limit);
    }
    return with("file_bytes", limit);
  }

  /**
   * Hands a report to {@code consumer} once the network is made: {@code report(r ->
   * log(r.toString()))} says what became of the model.
   *
   * @param consumer called once by the thread that imports; what it throws, importing throws
   * @return changed options
   */
  public ImportOptions report(Consumer<ImportReport> consumer) {
    return new ImportOptions(settings, Objects.requireNonNull(consumer, "consumer"));
  }

  private ImportOptions with(String key, Object value) {
    Map<String, Object> changed = new TreeMap<>(settings);
    changed.put(key, value);
    return new ImportOptions(changed, report);
  }

  /** Adds an entry to a list of those with different names. */
  private ImportOptions withEntry(String key, String name, Map<String, Object> entry) {
    Map<String, Object> entries = new LinkedHashMap<>();
    for (Object known : (List<?>) settings.getOrDefault(key, List.of())) {
      entries.put((String) ((Map<?, ?>) known).get("name"), known);
    }
    entries.put(name, entry);
    return with(key, List.copyOf(entries.values()));
  }

  String toJson() {
    return JsonWriter.write(settings);
  }

  void accept(ImportReport made) {
    report.accept(made);
  }

  @Override
  public String toString() {
    return "ImportOptions" + (settings.isEmpty() ? "[defaults]" : settings);
  }
}
