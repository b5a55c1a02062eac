// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Network;
import dev.espalier.data.PictureReader;
import dev.espalier.data.TableInputs;
import dev.espalier.text.TextInputs;
import java.nio.file.Path;
import java.util.Map;

/** What a saved model says of its inputs. */
enum ModelInputs {
  PICTURES("pictures"),
  TEXTS("texts"),
  ROWS("rows of a table"),
  NUMBERS("numbers");

  private final String words;

  ModelInputs(String words) {
    this.words = words;
  }

  static ModelInputs of(Map<String, String> metadata) {
    if (metadata.containsKey(PictureReader.METADATA_KEY)) {
      return PICTURES;
    }
    if (metadata.containsKey(TextInputs.METADATA_KEY)) {
      return TEXTS;
    }
    return metadata.containsKey(TableInputs.METADATA_KEY) ? ROWS : NUMBERS;
  }

  String words() {
    return words;
  }

  /** Returns what makes inputs of examples for a model, as it says itself. */
  static InputReader reader(
      Path model, Network network, Examples examples, PictureInputs.Limits limits) {
    ModelInputs inputs = of(network.metadata());
    if (!inputs.name().equals(examples.kind().name())) {
      throw new CommandFailure(
          model
              + " reads "
              + inputs.words()
              + ", expected a model for "
              + valueOf(examples.kind().name()).words()
              + (inputs == TEXTS ? " (--text names the column of the texts)" : ""));
    }
    return switch (examples.kind()) {
      case PICTURES -> new PictureInputs(PictureReader.of(network), examples, limits);
      case TEXTS -> new TextExamples(TextInputs.of(network), examples.column(), null);
      case ROWS -> new RowInputs(TableInputs.of(network));
    };
  }
}
