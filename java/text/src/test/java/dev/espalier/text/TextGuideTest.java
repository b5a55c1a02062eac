// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Head;
import dev.espalier.ImportOptions;
import dev.espalier.Network;
import dev.espalier.TokenPooling;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/texts.md shows compiles, runs, and prints what is said there. */
class TextGuideTest {
  private static final Pattern CODE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @TempDir Path folder;

  @Test
  void embedsTexts() throws Exception {
    Files.writeString(folder.resolve("tokenizer.json"), PublishedFiles.miniLm());
    try (InputStream model = TextGuideTest.class.getResourceAsStream("/all-minilm-l6-v2.onnx")) {
      Files.copy(model, folder.resolve("model.onnx"));
    }
    Object[] arguments = {new String[] {folder.toString()}};
    String printed =
        printed(
            code(0),
            "Embed",
            type -> type.getMethod("main", String[].class).invoke(null, arguments));
    assertEquals("384 numbers, similarity 0.666\n", printed);
    assertTrue(guide().contains("It prints `" + printed.strip() + "`"));
  }

  @Test
  void trainsHeadsOnFeatures() throws Exception {
    String source =
        "import dev.espalier.*;\nimport dev.espalier.text.*;\nimport java.util.List;\n"
            + "public class Heads {\n"
            + "  public static void run(\n"
            + "      Network network, TextInputs inputs, List<String> texts, float[][] answers) {\n"
            + code(1)
            + "  }\n}\n";
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
      String printed =
          printed(
              source,
              "Heads",
              type ->
                  type.getMethod(
                          "run", Network.class, TextInputs.class, List.class, float[][].class)
                      .invoke(null, network, inputs, texts, answers));
      assertEquals(5, printed.split("macro_auc", -1).length - 1, printed);
    }
  }

  private interface Call {
    Object of(Class<?> type) throws ReflectiveOperationException;
  }

  /** Returns what a class prints. */
  private String printed(String source, String name, Call call) throws Exception {
    Path file = Files.writeString(folder.resolve(name + ".java"), source);
    String[] options = {
      "-Xlint:all,-path",
      "-Werror",
      "-proc:none",
      "-cp",
      System.getProperty("java.class.path"),
      "-d",
      folder.toString(),
      file.toString()
    };
    assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, options));
    PrintStream console = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (URLClassLoader loader =
        new URLClassLoader(
            new URL[] {folder.toUri().toURL()}, TextGuideTest.class.getClassLoader())) {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      call.of(loader.loadClass(name));
    } finally {
      System.setOut(console);
    }
    return printed.toString(StandardCharsets.UTF_8);
  }

  private static String guide() throws IOException {
    return Files.readString(Path.of(System.getProperty("espalier.root"), "docs/texts.md"));
  }

  /** Returns one of the guide's examples. */
  private static String code(int which) throws IOException {
    Matcher code = CODE.matcher(guide());
    for (int i = 0; i <= which; i++) {
      assertTrue(code.find(), "no example " + i);
    }
    return code.group(1);
  }
}
