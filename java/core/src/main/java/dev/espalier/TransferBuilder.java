// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.Bridge;
import dev.espalier.internal.JsonWriter;
import dev.espalier.internal.NativeCall;
import dev.espalier.internal.NativeHandle;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongFunction;

/**
 * Plans how a network becomes another: {@link Network#transfer()}. The plan is applied to a copy;
 * the original stays as it is. The order of calls does not matter: layers are dropped, then new
 * heads put on, then layers of what came out, new heads included, frozen, then unfrozen. Belongs to
 * one thread.
 *
 * <p><b>Inputs of other shapes</b> ({@link #inputShape(Shape)}): a network whose layers don't fix
 * the size of its pictures, or the length of its texts, takes others with the weights that it has.
 *
 * <p><b>What trains:</b> every layer that is not frozen. Kept layers stay frozen or trainable as
 * they were, new heads are trainable unless a pattern freezes them ({@code "*"} does); so a plan
 * that freezes nothing of a network that had nothing frozen fine-tunes all of it. After {@code
 * freezeThrough} of the layer that a new head stands on, that head alone trains, and other heads
 * where the data set has targets of them. {@link #explain} shows it layer by layer.
 *
 * <p><b>What is computed once:</b> layers from the input on that are frozen or have no parameters.
 * For an example they give the same in every epoch, its <i>features</i>, so {@link Trainer#fit}
 * runs them once for each example, if the data set is stable (arrays, files and {@code map} are,
 * {@code augment} is not; {@link Dataset#isStable}) and there is room ({@link
 * Trainer#featureCacheBudget}). Dropout that is not frozen, and a frozen batch norm whose
 * statistics adapt, end that stretch of layers. The bits of the result are the same either way;
 * {@link History#cacheNote} tells what was done, and why.
 *
 * <p>Patterns are names or globs ({@code *} any run of characters, {@code ?} one) of layers. A
 * pattern that matches nothing is an error that lists near names.
 *
 * @since 0.1
 */
public final class TransferBuilder {
  private final Source source;
  private final List<String> droppedHeads = new ArrayList<>();
  private final List<String> droppedFrom = new ArrayList<>();
  private final List<Map<String, Object>> inputShapes = new ArrayList<>();
  private final List<Map<String, Object>> frozen = new ArrayList<>();
  private final List<Map<String, Object>> unfrozen = new ArrayList<>();
  private final List<Map<String, Object>> rates = new ArrayList<>();
  private final List<Map<String, Object>> heads = new ArrayList<>();
  private boolean isReinitialized;

  private TransferBuilder(Source source) {
    this.source = source;
  }

  static TransferBuilder of(NativeHandle network) {
    return new TransferBuilder(new OpenSource(network));
  }

  /** Plans from a file, which is read once now, to check it, and again by build and explain. */
  static TransferBuilder ofFile(Path file) {
    TransferBuilder plan = new TransferBuilder(new FileSource(file));
    try (Network network = Network.load(file)) {
      network.tasks().forEach(task -> plan.droppedHeads.add(task.name()));
    }
    return plan;
  }

  /**
   * Drops a head with all its layers.
   *
   * @param head name of the head
   * @return this
   */
  public TransferBuilder dropHead(String head) {
    droppedHeads.add(NativeCall.text(head, "head"));
    return this;
  }

  /**
   * Drops a layer and every layer computed from it; heads that stand on a dropped layer go too.
   *
   * @param layer name of the layer
   * @return this
   */
  public TransferBuilder dropFrom(String layer) {
    droppedFrom.add(NativeCall.text(layer, "layer"));
    return this;
  }

  /**
   * Gives the network's only input another shape: larger pictures, say, for a network that pools
   * before its dense layers. All parameters that are kept must have the shapes that they had;
   * {@code build} and {@code explain} name one that has not.
   *
   * @param shape shape of one example
   * @return this
   */
  public TransferBuilder inputShape(Shape shape) {
    return addInputShape("", shape);
  }

  /**
   * Gives an input another shape, as {@link #inputShape(Shape)}.
   *
   * @param input name of the input
   * @param shape shape of one example
   * @return this
   */
  public TransferBuilder inputShape(String input, Shape shape) {
    return addInputShape(NativeCall.text(input, "input"), shape);
  }

  private TransferBuilder addInputShape(String input, Shape shape) {
    Objects.requireNonNull(shape, "shape");
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("name", input);
    entry.put("shape", Arrays.stream(shape.dims()).boxed().toList());
    inputShapes.add(entry);
    return this;
  }

  /**
   * Freezes layers, running statistics of batch norms among them included.
   *
   * @param patterns names or globs
   * @return this
   */
  public TransferBuilder freeze(String... patterns) {
    for (String pattern : patterns(patterns)) {
      addFrozen(pattern, false, BatchNormStatistics.KEEP);
    }
    return this;
  }

  /**
   * Freezes layers, deciding about the statistics of the batch norms among them. Where patterns
   * decide differently about a layer, its statistics adapt.
   *
   * @param pattern name or glob; to adapt, it has to match a batch norm
   * @param statistics whether running statistics still adapt
   * @return this
   */
  public TransferBuilder freeze(String pattern, BatchNormStatistics statistics) {
    addFrozen(pattern, false, statistics);
    return this;
  }

  /**
   * Freezes a layer and everything that it is computed from, running statistics of batch norms
   * among them included.
   *
   * @param layer name or glob
   * @return this
   */
  public TransferBuilder freezeThrough(String layer) {
    addFrozen(layer, true, BatchNormStatistics.KEEP);
    return this;
  }

  /**
   * Freezes a layer and everything that it is computed from, deciding about the statistics of the
   * batch norms among them. Where patterns decide differently about a layer, its statistics adapt.
   *
   * @param layer name or glob; to adapt, one of the layers has to be a batch norm
   * @param statistics whether running statistics still adapt
   * @return this
   */
  public TransferBuilder freezeThrough(String layer, BatchNormStatistics statistics) {
    addFrozen(layer, true, statistics);
    return this;
  }

  /**
   * Unfreezes layers; wins over freezing.
   *
   * @param patterns names or globs
   * @return this
   */
  public TransferBuilder unfreeze(String... patterns) {
    for (String pattern : patterns(patterns)) {
      unfrozen.add(pattern(pattern, false));
    }
    return this;
  }

  /**
   * Unfreezes a layer and everything that it is computed from; wins over freezing.
   *
   * @param layer name or glob
   * @return this
   */
  public TransferBuilder unfreezeThrough(String layer) {
    unfrozen.add(pattern(layer, true));
    return this;
  }

  /**
   * Scales the optimizer's learning rate in some layers. A layer's own name goes before globs; two
   * globs that give a layer different scales are an error of {@code build} and {@code explain}.
   *
   * @param pattern name or glob
   * @param scale finite, not negative; 1 at first
   * @return this
   */
  public TransferBuilder learningRateScale(String pattern, double scale) {
    Map<String, Object> rate = new LinkedHashMap<>();
    rate.put("pattern", NativeCall.text(pattern, "pattern"));
    rate.put("scale", Arguments.notNegative("scale", scale));
    rates.add(rate);
    return this;
  }

  /**
   * Puts a new head on the last layer of the backbone that is kept.
   *
   * @param name name of the head and its task
   * @param head what it answers
   * @return this
   */
  public TransferBuilder head(String name, Head head) {
    heads.add(Objects.requireNonNull(head, "head").settings().spec(name, ""));
    return this;
  }

  /**
   * Puts a new head on any layer.
   *
   * @param name name of the head and its task
   * @param from name of the layer whose output are its features; a network where that is the output
   *     of another head can be served, but not trained
   * @param head what it answers
   * @return this
   */
  public TransferBuilder head(String name, String from, Head head) {
    heads.add(
        Objects.requireNonNull(head, "head").settings().spec(name, NativeCall.text(from, "from")));
    return this;
  }

  /**
   * Keeps of the network its form alone: all of its layers start anew, as if it had just been
   * built. Trained from there, it is what a transfer has to be better than. Constants and the
   * normalization of inputs stay, and so does what is frozen.
   *
   * @return this
   */
  public TransferBuilder reinitialize() {
    isReinitialized = true;
    return this;
  }

  /**
   * Returns the rows of the plan's table: kept, new and dropped layers.
   *
   * @return one entry a layer
   * @throws IllegalArgumentException if a name or pattern matches nothing, or a head is wrong
   * @throws ClosedException if the network is closed
   * @throws BusyException if another thread trains it
   */
  public List<LayerSummary> layers() {
    String json = json();
    return source.with(id -> Descriptions.layers(Bridge.networkExplainTransfer(id, json)));
  }

  /**
   * Returns the plan as a table: layer, kind, output, parameters, trainable or frozen, learning
   * rate, kept, new or dropped.
   *
   * @return lines for people
   * @throws IllegalArgumentException if a name or pattern matches nothing, or a head is wrong
   * @throws ClosedException if the network is closed
   * @throws BusyException if another thread trains it
   */
  public String explain() {
    return Descriptions.table(layers(), true);
  }

  /**
   * Applies the plan to a copy.
   *
   * @param seed of the initial parameters of new heads, or of all layers ({@link #reinitialize})
   * @return the new network, to be closed by the caller
   * @throws IllegalArgumentException if a name or pattern matches nothing, or a head is wrong
   * @throws ClosedException if the network is closed
   * @throws BusyException if another thread trains it
   */
  public Network build(long seed) {
    String json = json();
    Network made =
        source.with(
            id -> new Network(NativeHandle.create(() -> Bridge.networkTransfer(id, json, seed))));
    return isReinitialized ? anew(made, seed) : made;
  }

  /** Builds a network of the same spec, with the same constants; closes the one given. */
  private static Network anew(Network made, long seed) {
    try (made) {
      String spec = made.handle().networkSpec();
      Network anew = new Network(NativeHandle.create(() -> Bridge.networkBuild(spec, seed)));
      try {
        for (String path : constants(anew)) {
          anew.setParameter(path, made.parameter(path));
        }
        return anew;
      } catch (RuntimeException | Error error) {
        anew.close();
        throw error;
      }
    }
  }

  private static List<String> constants(Network network) {
    List<String> prefixes =
        network.layers().stream()
            .filter(layer -> layer.kind().equals("constant"))
            .map(layer -> layer.name() + ".")
            .toList();
    return network.parameters().stream()
        .map(ParameterSummary::path)
        .filter(path -> prefixes.contains(path.substring(0, path.lastIndexOf('.') + 1)))
        .toList();
  }

  /** Returns what was asked for so far, unchecked; {@link #explain} tells what comes of it. */
  @Override
  public String toString() {
    return (isReinitialized ? "reinitialized transfer " : "transfer ") + json();
  }

  private String json() {
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("drop_heads", droppedHeads);
    spec.put("drop_from", droppedFrom);
    spec.put("input_shapes", inputShapes);
    spec.put("freeze", frozen);
    spec.put("unfreeze", unfrozen);
    spec.put("learning_rates", rates);
    spec.put("heads", heads);
    return JsonWriter.write(spec);
  }

  private void addFrozen(String pattern, boolean isThrough, BatchNormStatistics statistics) {
    Map<String, Object> entry = pattern(pattern, isThrough);
    boolean adapts = Objects.requireNonNull(statistics, "statistics") == BatchNormStatistics.ADAPT;
    entry.put("adapt_statistics", adapts);
    frozen.add(entry);
  }

  private static Map<String, Object> pattern(String pattern, boolean isThrough) {
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("pattern", NativeCall.text(pattern, "pattern"));
    entry.put("through", isThrough);
    return entry;
  }

  static String[] patterns(String... patterns) {
    Objects.requireNonNull(patterns, "patterns");
    if (patterns.length == 0) {
      throw new IllegalArgumentException("patterns: expected at least one, got none");
    }
    for (String pattern : patterns) {
      NativeCall.text(pattern, "pattern");
    }
    return patterns;
  }

  /** Where the network to start from is. */
  private interface Source {
    <R> R with(LongFunction<R> call);
  }

  /** A network in memory. */
  private record OpenSource(NativeHandle network) implements Source {
    @Override
    public <R> R with(LongFunction<R> call) {
      return network.get(call);
    }
  }

  /** A network in a file. */
  private record FileSource(Path file) implements Source {
    @Override
    public <R> R with(LongFunction<R> call) {
      try (NativeHandle network = ModelPath.open(file, LoadOptions.defaults())) {
        return network.get(call);
      }
    }
  }
}
