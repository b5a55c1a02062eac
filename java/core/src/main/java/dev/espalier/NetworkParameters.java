// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.Bridge;
import dev.espalier.internal.JsonWriter;
import dev.espalier.internal.NativeCall;
import dev.espalier.internal.NativeHandle;
import java.util.List;
import java.util.Objects;

/** A network's parameters, and which of them train how fast, in native memory. */
final class NetworkParameters {
  private final NativeHandle network;

  NetworkParameters(NativeHandle network) {
    this.network = network;
  }

  List<ParameterSummary> list() {
    return Descriptions.parameters(network.get(Bridge::networkParameters));
  }

  float[] read(String path) {
    float[] values = new float[size(path)];
    network.run(id -> Bridge.networkReadParameter(id, path, values, values.length));
    return values;
  }

  void write(String path, float[] values) {
    Objects.requireNonNull(values, "values");
    int size = size(path);
    if (values.length != size) {
      throw new ShapeException(
          "parameter " + path + ": expected " + size + " values, got " + values.length);
    }
    network.run(id -> Bridge.networkWriteParameter(id, path, values, values.length));
  }

  private int size(String path) {
    NativeCall.text(path, "path");
    return Math.toIntExact(network.getLong(id -> Bridge.networkParameterSize(id, path)));
  }

  void freeze(boolean isThrough, BatchNormStatistics statistics, String... patterns) {
    boolean adapts = Objects.requireNonNull(statistics, "statistics") == BatchNormStatistics.ADAPT;
    String json = JsonWriter.write(List.of(TransferBuilder.patterns(patterns)));
    network.run(id -> Bridge.networkFreeze(id, json, isThrough, adapts));
  }

  void unfreeze(boolean isThrough, String... patterns) {
    String json = JsonWriter.write(List.of(TransferBuilder.patterns(patterns)));
    network.run(id -> Bridge.networkUnfreeze(id, json, isThrough));
  }

  void scaleRate(String pattern, double scale) {
    NativeCall.text(pattern, "pattern");
    Arguments.notNegative("scale", scale);
    network.run(id -> Bridge.networkSetLearningRateScale(id, pattern, scale));
  }
}
