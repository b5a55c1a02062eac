// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.LayerSummary;
import dev.espalier.Network;
import dev.espalier.Shape;
import dev.espalier.Task;
import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;

/**
 * A model file in memory, on the driver: what it says of itself, and its way to the executors. Any
 * number of threads; copies of a model share one.
 */
final class ModelContent {
  private final byte[] bytes;
  private final String digest;
  private final List<Task> tasks;
  private final int inputSize;
  private final Map<String, Shape> layers;
  private final String lastLayer;
  private final Set<String> metadata;
  private final String report;
  private @Nullable SparkContext context;
  private @Nullable Broadcast<byte[]> broadcast;

  private ModelContent(byte[] bytes, Network network) {
    this.bytes = bytes;
    digest = digest(bytes);
    tasks = network.tasks();
    inputSize = network.inputShape().size();
    layers = new LinkedHashMap<>();
    String last = "";
    for (LayerSummary layer : network.layers()) {
      layers.put(layer.name(), layer.output());
      last = layer.head().isEmpty() ? layer.name() : last;
    }
    lastLayer = last;
    metadata = Set.copyOf(network.metadata().keySet());
    report = network.metadata().getOrDefault(HeadTraining.REPORT_KEY, "");
  }

  /**
   * Takes the content of a model file.
   *
   * @param bytes not to be changed any more
   * @throws dev.espalier.ModelFileException if they are no model, or a damaged one
   */
  static ModelContent of(byte[] bytes) {
    try (Network network = Network.load(bytes)) {
      return new ModelContent(bytes, network);
    }
  }

  /** Takes a network as it is now. */
  static ModelContent of(Network network) {
    return new ModelContent(bytes(network), network);
  }

  /** Returns what {@link Network#save} writes. */
  static byte[] bytes(Network network) {
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    network.save(stream);
    return stream.toByteArray();
  }

  private static String digest(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException error) {
      throw new IllegalStateException(error); // every Java has it
    }
  }

  /** Returns the file; not to be changed. */
  byte[] bytes() {
    return bytes;
  }

  /** Returns what tells this model from others. */
  String digest() {
    return digest;
  }

  List<Task> tasks() {
    return tasks;
  }

  /** Returns the number of values of one example. */
  int inputSize() {
    return inputSize;
  }

  /**
   * Returns what a layer makes.
   *
   * @param setting that names it
   * @throws IllegalArgumentException if there is no such layer
   */
  Shape layer(String setting, String name) {
    Shape shape = layers.get(name);
    if (shape == null) {
      throw new IllegalArgumentException(
          setting + ": expected one of " + layers.keySet() + ", got \"" + name + "\"");
    }
    return shape;
  }

  /** Returns the last layer below the heads; "" if there is none. */
  String lastLayer() {
    return lastLayer;
  }

  /** Returns what an estimator tried, and chose; "" if none made this model. */
  String report() {
    return report;
  }

  /** Returns whether the owner of the network keeps something under that key. */
  boolean hasMetadata(String key) {
    return metadata.contains(key);
  }

  /** Sends the file to the executors, once for each application. */
  synchronized Broadcast<byte[]> broadcast(SparkSession session) {
    SparkContext current = session.sparkContext();
    if (broadcast == null || context != current) {
      broadcast = JavaSparkContext.fromSparkContext(current).broadcast(bytes);
      context = current;
    }
    return broadcast;
  }
}
