// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import dev.espalier.Predictor;
import dev.espalier.data.PictureReader;
import dev.espalier.data.TableInputs;
import dev.espalier.text.TextInputs;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * What a model takes, as its file says: files of pictures where {@link PictureReader#storeIn} was
 * called for the network, texts where {@link TextInputs#storeIn} was, rows where {@link
 * TableInputs#storeIn} was; numbers anyway.
 *
 * @since 0.1
 */
public sealed interface InputForm {
  /**
   * Numbers as the network reads them, and nothing else.
   *
   * @param size values of an input
   */
  record Numbers(int size) implements InputForm {}

  /**
   * Files of pictures.
   *
   * @param reader makes inputs of them
   */
  record Pictures(PictureReader reader) implements InputForm {}

  /**
   * Texts.
   *
   * @param inputs makes inputs of them
   */
  record Texts(TextInputs inputs) implements InputForm {}

  /**
   * Rows of a table: values by the names of columns.
   *
   * @param inputs makes inputs of them
   */
  record Rows(TableInputs inputs) implements InputForm {}

  /**
   * Finds out what a predictor takes.
   *
   * @param predictor from a file or not
   * @return the form
   * @throws IllegalArgumentException if what its file says is damaged, or does not fit the network
   */
  static InputForm of(Predictor predictor) {
    Map<String, String> metadata = Objects.requireNonNull(predictor, "predictor").metadata();
    if (metadata.containsKey(PictureReader.METADATA_KEY)) {
      return new Pictures(PictureReader.of(predictor).maxPixels(Questions.MOST_PIXELS));
    } else if (metadata.containsKey(TableInputs.METADATA_KEY)) {
      return new Rows(TableInputs.of(predictor));
    } else if (metadata.containsKey(TextInputs.METADATA_KEY)) {
      return new Texts(TextInputs.of(predictor));
    }
    return new Numbers(predictor.inputSize());
  }

  /**
   * Tells what callers may send beside numbers, and rely on.
   *
   * @return for example {@code rows of [age NUMBER, sex CATEGORY]}
   */
  default String describe() {
    if (this instanceof Pictures) {
      return "pictures";
    } else if (this instanceof Texts) {
      return "texts";
    } else if (this instanceof Rows rows) {
      List<String> names = rows.inputs().columnNames();
      return names.stream()
          .map(name -> name + " " + rows.inputs().role(name))
          .collect(Collectors.joining(", ", "rows of [", "]"));
    }
    return "numbers";
  }
}
