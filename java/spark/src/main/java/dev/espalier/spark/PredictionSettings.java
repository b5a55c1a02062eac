// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamValidators;
import org.apache.spark.ml.param.Params;
import org.apache.spark.ml.param.StringArrayParam;

/** Settings of how rows are predicted, which a model has and an estimator hands on to it. */
final class PredictionSettings {
  private PredictionSettings() {}

  static StringArrayParam inputCols(Params owner) {
    return new StringArrayParam(owner, "inputCols", "columns that an input is made of");
  }

  static Param<String> outputPrefix(Params owner) {
    return new Param<>(owner, "outputPrefix", "what names of columns of tasks begin with");
  }

  static Param<String> handleInvalid(Params owner) {
    return new Param<>(
        owner,
        "handleInvalid",
        "what becomes of rows without an answer: error, keep (null) or skip",
        ParamValidators.inArray(ProblemPolicy.names()));
  }

  static Param<String> problemCol(Params owner) {
    return new Param<>(owner, "problemCol", "column that says what is wrong with a row");
  }

  static IntParam batchSize(Params owner) {
    return new IntParam(
        owner, "batchSize", "rows at once, at most", ParamValidators.inRange(1, 65536));
  }
}
