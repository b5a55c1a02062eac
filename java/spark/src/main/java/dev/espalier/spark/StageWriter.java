// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.Supplier;
import org.apache.spark.ml.param.Params;
import org.apache.spark.ml.util.DefaultParamsWriter;
import org.apache.spark.ml.util.MLWriter;

/** Writes a stage: its model, then what Spark writes of all stages, without which nothing loads. */
final class StageWriter extends MLWriter {
  /** Name of the model's file in a stage's folder. */
  static final String FILE = "model.safetensors";

  private final Params stage;
  private final Supplier<ModelContent> content;

  StageWriter(Params stage, Supplier<ModelContent> content) {
    this.stage = stage;
    this.content = content;
  }

  @Override
  public void saveImpl(String path) {
    try {
      ModelFiles.write(sparkSession(), path + "/" + FILE, content.get().bytes());
    } catch (IOException error) {
      throw new UncheckedIOException(path + ": " + error.getMessage(), error);
    }
    DefaultParamsWriter settings = new DefaultParamsWriter(stage);
    settings.session(sparkSession());
    settings.saveImpl(path);
  }
}
