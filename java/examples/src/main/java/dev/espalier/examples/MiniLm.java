// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.Head;
import dev.espalier.HeadLayers;
import dev.espalier.ImportOptions;
import dev.espalier.Network;
import dev.espalier.TokenPooling;
import dev.espalier.text.TextInputs;
import dev.espalier.text.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** all-MiniLM-L6-v2 (Apache-2.0): published, trained on a billion pairs of sentences. */
final class MiniLm implements AutoCloseable {
  /** What makes a row of 384 numbers for each token. */
  static final String TOKENS = "encoder.layer.5.output.LayerNorm";

  private static final String NAME = "all-minilm-l6-v2";

  private final Network network;
  private final TextInputs inputs;

  private MiniLm(Network network, TextInputs inputs) {
    this.network = network;
    this.inputs = inputs;
  }

  /**
   * Reads network and tokenizer from LangChain4j's jar of them.
   *
   * @param places tokens of a text that are read, the first and the last of which stand for no word
   */
  static MiniLm load(Path jar, int places) throws IOException {
    ImportOptions options =
        ImportOptions.defaults().dimension("sequence_length", places).outputs("last_hidden_state");
    try (ZipFile files = new ZipFile(jar.toFile());
        InputStream model = open(files, NAME + ".onnx");
        InputStream json = open(files, NAME + "-tokenizer.json")) {
      Tokenizer tokenizer =
          Tokenizer.ofJson(new String(json.readAllBytes(), StandardCharsets.UTF_8));
      Network network = Network.importOnnx(model, options);
      return new MiniLm(network, TextInputs.of(tokenizer, network.inputs()));
    }
  }

  private static InputStream open(ZipFile files, String name) throws IOException {
    ZipEntry entry = files.getEntry(name);
    if (entry == null) {
      throw new IOException(files.getName() + ": expected an entry " + name + ", got none");
    }
    return files.getInputStream(entry);
  }

  /** How it reads texts. */
  TextInputs inputs() {
    return inputs;
  }

  /** Puts a head on the mean of what it makes of a text's tokens. */
  Network withHead(String task, Head head, long seed) {
    return network.transfer().head(task, head).build(seed);
  }

  /** The first layer of such a head. */
  static HeadLayers mean(HeadLayers layers) {
    return layers.tokenPool("mean", TokenPooling.MEAN, TOKENS, "lengths");
  }

  @Override
  public void close() {
    network.close();
  }
}
