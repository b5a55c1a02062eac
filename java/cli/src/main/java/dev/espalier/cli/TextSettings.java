// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Input;
import dev.espalier.Network;
import dev.espalier.text.TextInputs;
import dev.espalier.text.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** How texts become inputs of a network. */
final class TextSettings {
  private static final String USUAL_NAME = "tokenizer.json";

  @Option(
      names = "--tokenizer",
      paramLabel = "FILE",
      description =
          "The tokenizer.json that came with the network. Default: what its model file says, else"
              + " the"
              + " one beside it.")
  private Path tokenizer;

  /** Returns what makes inputs of texts for a network that was read from a file. */
  TextExamples inputs(Network network, Path file, Examples examples) {
    if (tokenizer == null && network.metadata().containsKey(TextInputs.METADATA_KEY)) {
      return new TextExamples(TextInputs.of(network), examples.column(), null);
    }
    if (network.inputs().stream().noneMatch(Input::isInteger)) {
      throw new CommandFailure(
          file
              + ": expected a network that reads texts, as numbers of tokens, got one that reads "
              + network.inputs());
    }
    Path json = tokenizer == null ? file.resolveSibling(USUAL_NAME) : tokenizer;
    if (!Files.isRegularFile(json)) {
      throw new CommandFailure(
          json + ": expected the tokenizer of " + file + "; name its file by --tokenizer");
    }
    TextInputs inputs = TextInputs.of(Tokenizer.load(json), network.inputs());
    return new TextExamples(inputs, examples.column(), read(json));
  }

  /** Returns a tokenizer's file. */
  static byte[] read(Path json) {
    if (!Files.isRegularFile(json)) {
      throw new CommandFailure(json + ": expected the file of a tokenizer, got none");
    }
    Tokenizer.load(json); // says what is wrong with which file
    try {
      return Files.readAllBytes(json);
    } catch (IOException error) {
      throw new UncheckedIOException(json + ": " + error.getMessage(), error);
    }
  }
}
