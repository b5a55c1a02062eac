// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What networks from scratch are made of. */
final class ScratchOptions {
  @Option(
      names = "--hidden",
      split = ",",
      paramLabel = "UNITS",
      description =
          "Rows: sizes of the dense layers; in a study, at width 1. Default: ${DEFAULT-VALUE}.")
  private List<Integer> hidden = List.of(64, 64);

  @Option(
      names = "--tokenizer",
      paramLabel = "FILE",
      description = "Texts: a tokenizer.json. Default: one of the words of the texts to train on.")
  private Path tokenizer;

  @Option(
      names = "--tokens",
      paramLabel = "COUNT",
      description = "Texts: tokens that are read of each. Default: ${DEFAULT-VALUE}.")
  private int tokens = 128;

  @Mixin private PictureSettings pictures;

  List<Integer> hidden() {
    return hidden;
  }

  /** Returns the file of the tokenizer, or null. */
  Path tokenizer() {
    return tokenizer;
  }

  int tokens() {
    if (tokens < 1) {
      throw new CommandFailure("--tokens: expected at least 1, got " + tokens);
    }
    return tokens;
  }

  PictureSettings pictures() {
    return pictures;
  }
}
