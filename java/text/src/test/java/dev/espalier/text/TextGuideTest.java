// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Head;
import dev.espalier.ImportOptions;
import dev.espalier.Network;
import dev.espalier.TokenPooling;
import dev.espalier.testing.CompiledProgram;
import dev.espalier.testing.DocumentedCode;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/texts.md shows compiles, runs, and prints what is said there. */
class TextGuideTest {
  private static final String GUIDE = "docs/texts.md";

  @TempDir Path folder;

  @Test
  void embedsTexts() throws Exception {
    Files.writeString(folder.resolve("tokenizer.json"), PublishedFiles.miniLm());
    try (InputStream model = TextGuideTest.class.getResourceAsStream("/all-minilm-l6-v2.onnx")) {
      Files.copy(model, folder.resolve("model.onnx"));
    }
    String printed =
        CompiledProgram.of(folder, "Embed", DocumentedCode.program(GUIDE, "Embed"))
            .main(folder.toString());
    assertEquals("384 numbers, similarity 0.666\n", printed);
    assertTrue(DocumentedCode.text(GUIDE).contains("It prints `" + printed.strip() + "`"));
  }

  @Test
  void trainsHeadsOnFeatures() throws Exception {
    CompiledProgram heads =
        CompiledProgram.ofStatements(
            folder,
            "Heads",
            List.of("dev.espalier.*", "dev.espalier.text.*", "java.util.List"),
            "Network network, TextInputs inputs, List<String> texts, float[][] answers",
            DocumentedCode.of(GUIDE).get(1));
    Head mean =
        Head.layers(
                h ->
                    h.tokenPool(
                        "mean", TokenPooling.MEAN, "encoder.layer.5.output.LayerNorm", "lengths"))
            .values("none");
    List<String> texts = new ArrayList<>();
    float[][] answers = new float[20][];
    for (int i = 0; i < answers.length; i++) {
      texts.add((i % 2 == 0 ? "rain falls on " : "sun shines on ") + (i % 3 == 0 ? "a tree" : i));
      answers[i] = new float[] {1 - i % 2, i % 3 == 0 ? 1 : 0};
    }
    try (InputStream model = TextGuideTest.class.getResourceAsStream("/all-minilm-l6-v2.onnx");
        Network published =
            Network.importOnnx(
                model,
                ImportOptions.defaults()
                    .dimension("sequence_length", 16)
                    .outputs("last_hidden_state"));
        Network network = published.transfer().head("text", mean).build(1)) {
      TextInputs inputs =
          TextInputs.of(Tokenizer.ofJson(PublishedFiles.miniLm()), network.inputs());
      Class<?>[] types = {Network.class, TextInputs.class, List.class, float[][].class};
      String printed = heads.run(types, network, inputs, texts, answers);
      assertEquals(5, printed.split("macro_auc", -1).length - 1, printed);
    }
  }
}
