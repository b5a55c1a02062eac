// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.spark.ml.util.DefaultParamsWriter;
import org.apache.spark.ml.util.MLWriter;

/** Writes a model: its file, then what Spark writes of all stages, without which nothing loads. */
final class EspalierModelWriter extends MLWriter {
  /** Name of the model's file in a stage's folder. */
  static final String FILE = "model.safetensors";

  private final EspalierModel model;

  EspalierModelWriter(EspalierModel model) {
    this.model = model;
  }

  @Override
  public void saveImpl(String path) {
    try {
      ModelFiles.write(sparkSession(), path + "/" + FILE, model.content().bytes());
    } catch (IOException error) {
      throw new UncheckedIOException(path + ": " + error.getMessage(), error);
    }
    DefaultParamsWriter settings = new DefaultParamsWriter(model);
    settings.session(sparkSession());
    settings.saveImpl(path);
  }
}
