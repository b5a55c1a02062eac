// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.util.function.BiConsumer;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.MLReader;

/** Reads what {@link StageWriter} wrote. */
final class StageReader<T> extends MLReader<T> {
  private final BiConsumer<T, ModelContent> setContent;

  StageReader(BiConsumer<T, ModelContent> setContent) {
    this.setContent = setContent;
  }

  @Override
  public T load(String path) {
    DefaultParamsReader<T> settings = new DefaultParamsReader<>();
    settings.session(sparkSession());
    T stage = settings.load(path);
    String file = path + "/" + StageWriter.FILE;
    setContent.accept(stage, ModelContent.of(ModelFiles.read(sparkSession(), file)));
    return stage;
  }
}
