// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.MLReader;

/** Reads what {@link EspalierModelWriter} wrote. */
final class EspalierModelReader extends MLReader<EspalierModel> {
  @Override
  public EspalierModel load(String path) {
    DefaultParamsReader<EspalierModel> settings = new DefaultParamsReader<>();
    settings.session(sparkSession());
    EspalierModel model = settings.load(path);
    String file = path + "/" + EspalierModelWriter.FILE;
    model.setContent(ModelContent.of(ModelFiles.read(sparkSession(), file)));
    return model;
  }
}
