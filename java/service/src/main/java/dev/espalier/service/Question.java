// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import java.util.Map;

/** What a request asks about, not yet an input of the network where that takes work. */
sealed interface Question {
  /** Values as the network reads them; of a picture if the model takes such. */
  record Values(float[] values) implements Question {}

  /** A byte for each value. */
  record Pixels(byte[] pixels) implements Question {}

  /** A text. */
  record Text(String text) implements Question {}

  /** Values by columns; null: not known. */
  record Row(Map<String, Object> row) implements Question {}

  /**
   * Answers.
   *
   * @throws RequestException if a row is not what the model's columns ask for
   */
  default Engine.Answer answer(Engine.Model model) {
    return this instanceof Pixels pixels
        ? model.predictPixels(pixels.pixels())
        : model.predict(input(model.form()));
  }

  /**
   * Returns the input of the network.
   *
   * @throws RequestException if a row is not what the model's columns ask for
   */
  default float[] input(InputForm form) {
    if (this instanceof Values values) {
      return values.values();
    } else if (this instanceof Text text && form instanceof InputForm.Texts texts) {
      return texts.inputs().rows(text.text());
    } else if (this instanceof Row row && form instanceof InputForm.Rows rows) {
      try {
        return rows.inputs().row(row.row());
      } catch (IllegalArgumentException error) {
        throw new RequestException(400, error.getMessage());
      }
    }
    throw new IllegalStateException("a question of another form: " + this);
  }
}
