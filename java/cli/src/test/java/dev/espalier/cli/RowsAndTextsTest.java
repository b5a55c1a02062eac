// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.Head;
import dev.espalier.Input;
import dev.espalier.LayerOptions;
import dev.espalier.Network;
import dev.espalier.Shape;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RowsAndTextsTest {
  private static final String TOKENIZER =
      "{\"version\":\"1.0\",\"added_tokens\":[],\"normalizer\":null,"
          + "\"pre_tokenizer\":{\"type\":\"Whitespace\"},\"post_processor\":null,\"decoder\":null,"
          + "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"?\","
          + "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,"
          + "\"vocab\":{\"?\":0,\"tree\":1,\"rain\":2,\"the\":3,\"in\":4}}}";

  @TempDir private Path folder;

  private Path rows() throws IOException {
    Random random = new Random(3);
    List<String> lines = new ArrayList<>(List.of("age,sex,ill,tired,id"));
    for (int i = 0; i < 120; i++) {
      int age = random.nextInt(90);
      String ill = i % 4 == 0 ? "" : age > 45 ? "yes" : "no";
      lines.add(
          (i % 10 == 0 ? "" : age)
              + ","
              + (i % 2 == 0 ? "f" : "m")
              + ","
              + ill
              + ","
              + age % 2
              + ",r"
              + i);
    }
    return Files.write(folder.resolve("rows.csv"), lines);
  }

  @Test
  void rowsBecomeAModelThatAnswersRows() throws IOException {
    Path rows = rows();
    Path model = folder.resolve("model.safetensors");
    Run.fails(2, "say what to learn", "train", rows, "-o", model);
    Object[] train = {
      "train",
      rows,
      "--labels",
      "ill",
      "--ignore",
      "id,tired",
      "--hidden",
      "8",
      "--tuning-steps",
      60,
      "-o",
      model,
      "--json"
    };
    JsonNode json = Run.done(train).json();
    assertEquals(3, json.get("trials").size());
    Run run = Run.withInput("age,sex\n80,f\n5,m\nold,m\n", "predict", model, "--json");
    assertEquals(1, run.code(), run.err());
    String[] lines = run.out().split("\\R");
    double old = new ObjectMapper().readTree(lines[0]).at("/labels/probabilities/ill").asDouble();
    double young = new ObjectMapper().readTree(lines[1]).at("/labels/probabilities/ill").asDouble();
    assertTrue(old > young, run.out());
    assertTrue(lines[2].contains("column \\\"age\\\": expected"), run.out());
    String byId = Run.done("predict", model, rows, "--id", "id").out();
    assertTrue(byId.contains("\nr7,") || byId.contains("\r\nr7,"), byId);
    Run.done("evaluate", model, rows);
    requirePlaces(model);
    Run.fails(1, "reads rows of a table", "evaluate", model, rows, "--text", "sex");

    Path adapted = folder.resolve("adapted.safetensors");
    Run.done(
        "adapt",
        rows,
        "--labels",
        "tired",
        "--backbone",
        model,
        "-o",
        adapted,
        "--heads-alone",
        "--head-steps",
        30,
        "--ignore",
        "id,ill");
    Run.fails(
        1,
        "expected a model of rows",
        "adapt",
        rows,
        "--labels",
        "ill",
        "--backbone",
        Pictures.backbone(folder),
        "-o",
        folder.resolve("x"));
  }

  private Run trained(Path rows, String rule, String... more) {
    Path model = folder.resolve(rule + ".safetensors");
    List<Object> words = new ArrayList<>(List.of("train", rows, "--labels", "ill"));
    words.addAll(List.of("--ignore", "id,tired", "--tuning-steps", 20, "--json", "-o", model));
    words.addAll(List.of("--balance", rule));
    words.addAll(List.of(more));
    return Run.of(words.toArray());
  }

  @Test
  void tasksAreWeighedByTheRuleThatIsNamed() throws IOException {
    Path rows = rows();
    Run one = trained(rows, "famo");
    assertEquals(1, one.code());
    assertTrue(
        one.err().contains("--balance: expected two tasks at least, got \"labels\" alone"),
        one.err());
    Run unknown = trained(rows, "fame", "--classes", "sex");
    assertEquals(2, unknown.code());
    assertTrue(unknown.err().contains("[PLAIN, UNCERTAINTY, UWSO, FAMO, PCGRAD]"), unknown.err());
    List<JsonNode> losses = new ArrayList<>();
    for (String rule : List.of("plain", "famo", "FAMO")) {
      losses.add(trained(rows, rule, "--classes", "sex").json().at("/validation/loss"));
    }
    assertNotEquals(losses.get(0), losses.get(1));
    assertEquals(losses.get(1), losses.get(2));
  }

  /** What can't be read of a CSV is told with the file and the line. */
  private void requirePlaces(Path model) throws IOException {
    Path file = folder.resolve("new.csv");
    Files.writeString(file, "age,sex\n80,f\nold,m\n");
    Run.fails(1, "new.csv, line 3: row: column \"age\"", "predict", model, file);
    Files.writeString(file, "age,sex\n80,f\n5\n");
    Run.fails(1, "new.csv: Record 3 has 1 field", "predict", model, file);
    Files.writeString(file, "years,city\n80,x\n5,y\n");
    Run other = Run.fails(1, "new.csv: expected the columns [age, sex]", "predict", model, file);
    assertTrue(other.err().contains("missing: [sex]; unknown: [years, city]"), other.err());
    assertEquals(1, other.err().lines().count(), other.err());
    Files.writeString(file, "age,age\n80,f\n");
    Run.fails(1, "new.csv: Header contains duplicate fields", "predict", model, file);
    Files.writeString(file, "");
    Run.fails(1, "rows of a table, got nothing: the file is empty", "predict", model, file);
    Files.write(file, "age,sex\n80,\u00fc\n".getBytes(StandardCharsets.ISO_8859_1));
    Run.fails(1, "got something else; save it as UTF-8", "predict", model, file);
    String whole = "age,sex\n" + "80,f\n".repeat(2000) + "80,\u00fc\n";
    Files.write(file, whole.getBytes(StandardCharsets.ISO_8859_1));
    Run late = Run.fails(1, "expected text in UTF-8, got other bytes", "predict", model, file);
    assertTrue(late.err().contains("new.csv: "), late.err());
    Run trained =
        Run.fails(
            1,
            "new.csv, line 2002: expected UTF-8, got the byte 0xfc",
            "data",
            file,
            "--labels",
            "age");
    assertEquals(1, trained.err().split("UTF-8, got").length - 1, trained.err());
  }

  private Path picture() throws IOException {
    return Files.write(folder.resolve("p.jpg"), new byte[] {(byte) 0xff, (byte) 0xd8, (byte) 0xff});
  }

  /** A row says whether it has rain, and whether it has a tree, a fifth of the latter blank. */
  private Path texts() throws IOException {
    List<String> lines = new ArrayList<>(List.of("text,rain,tree"));
    for (int i = 0; i < 60; i++) {
      String rain = i % 2 == 0 ? "rain" : "the";
      String tree = i / 2 % 2 == 0 ? "tree" : "in";
      lines.add(
          "the "
              + rain
              + " "
              + tree
              + ","
              + (i % 2 == 0 ? 1 : 0)
              + ","
              + (i % 5 == 0 ? "" : i / 2 % 2 == 0 ? "yes" : "no"));
    }
    return Files.write(folder.resolve("texts.csv"), lines);
  }

  @Test
  void textsBecomeAModelThatAnswersTexts() throws IOException {
    Path backbone = folder.resolve("backbone.safetensors");
    try (Network network =
        Network.builder(
                Input.integers("ids", Shape.vector(8)), Input.integers("length", Shape.vector(1)))
            .embedding("words", 5, 6, LayerOptions.defaults())
            .build(1)) {
      network.save(backbone);
    }
    Path texts = texts();
    Path model = folder.resolve("model.safetensors");
    Object[] adapt = {
      "adapt", texts, "--text", "text", "--backbone", backbone, "-o", model, "--tuning-steps", 40
    };
    Run.fails(1, "name its file by --tokenizer", adapt);
    Files.writeString(folder.resolve("tokenizer.json"), TOKENIZER);
    Run.done(adapt);
    Run run = Run.withInput("the rain in the\nthe tree\n", "predict", model);
    assertEquals(0, run.code(), run.err());
    assertEquals(3, run.out().split("\\R").length, run.out());
    assertTrue(Run.done("predict", model, texts, "--column", "text").out().contains("labels/tree"));
    Run.done("evaluate", model, texts, "--text", "text");
    Run.fails(1, "expected a column \"words\"", "predict", model, texts, "--column", "words");
  }

  @Test
  void textsTrainANetworkFromScratch() throws IOException {
    Path texts = texts();
    Path model = folder.resolve("model.safetensors");
    Object[] train = {
      "train", texts, "--text", "text", "-o", model, "--tokens", 8, "--tuning-steps", 60, "--json"
    };
    Run trained = Run.done(train);
    assertTrue(trained.err().contains("5 tokens in the tokenizer; 8 are read"), trained.err());
    assertEquals(1, trained.json().at("/test/macro_auc").asDouble(1), trained.out());
    Run run =
        Run.withInput(
            "text\nThe RAIN in\nthe words here\n\"\"\n", "predict", model, "--text", "text");
    assertEquals(0, run.code(), run.err());
    List<String> lines = run.out().lines().toList();
    assertEquals(4, lines.size(), run.out());
    assertTrue(lines.get(1).startsWith("2,rain,"), run.out());
    Run.fails(1, "expected a file of texts, got a picture", "predict", model, picture());
    Path latin = Files.write(folder.resolve("latin.txt"), new byte[] {'a', (byte) 0xe9, 'b', '\n'});
    Run.fails(1, "expected a file of texts, got something else", "predict", model, latin);
    Run.fails(1, "got a folder", "predict", model, folder);
    Path onnx = folder.resolve("words.onnx");
    Run.done("export", model, "-o", onnx);
    Run.fails(1, "'length'; --dimension or --input-shape say it", "inspect", onnx);
    Run.done("inspect", onnx, "--dimension", "length=8");
    Run.fails(
        1,
        "expected a network that reads texts, as numbers of tokens, got",
        "adapt",
        texts,
        "--text",
        "text",
        "--backbone",
        Pictures.backbone(folder),
        "-o",
        folder.resolve("x"));
    Run.done("evaluate", model, texts, "--text", "text");
    Run.done(
        "study", "sharing", texts, "--text", "text", "--steps", 20, "--widths", 1, "--folds", 2);
    Files.writeString(folder.resolve("tokenizer.json"), TOKENIZER);
    Path other = folder.resolve("other.safetensors");
    Run own =
        Run.done(
            "train",
            texts,
            "--text",
            "text",
            "-o",
            other,
            "--tokenizer",
            folder.resolve("tokenizer.json"),
            "--dry-run");
    assertTrue(own.err().contains("5 tokens in the tokenizer"), own.err());
    assertTrue(own.out().contains("steps"), own.out());
    Run.fails(
        1,
        "expected the file of a tokenizer, got none",
        "train",
        texts,
        "--text",
        "text",
        "-o",
        other,
        "--tokenizer",
        folder.resolve("none.json"));
    Run.fails(
        1,
        "expected words that two texts",
        "train",
        Files.write(
            folder.resolve("few.csv"), List.of("text,a", "b,1", "c,0", "d,1", "e,0", "f,1")),
        "--text",
        "text",
        "-o",
        other);
  }

  @Test
  void modelsOfNumbersAnswerNumbers() {
    Path model = folder.resolve("model.safetensors");
    try (Network network =
        Network.builder(Shape.vector(3)).head("kind", Head.classes("a", "b")).build(1)) {
      network.save(model);
    }
    Run run = Run.withInput("1,2,3\n\n1,2\n1,x,3\n", "predict", model);
    assertEquals(1, run.code());
    assertTrue(run.err().contains("standard input, line 3: expected 3 numbers, got 2"), run.err());
    assertTrue(run.err().contains("expected a number in field 2, got \"x\""), run.err());
    assertTrue(run.out().startsWith("input,kind,kind/a,kind/b"), run.out());
    Run.fails(
        1, "there is no such CSV file", "evaluate", model, folder, folder.resolve("none.csv"));
  }

  @Test
  void dataSaysWhatIsThere() throws IOException {
    Path pictures = Pictures.write(folder);
    Path labels = folder.resolve("labels.csv");
    Files.write(pictures.resolve("p3.png"), new byte[] {1, 2, 3});
    Path sheet = folder.resolve("sheet.png");
    String out = Run.done("data", pictures, labels, "--sheet", sheet).out();
    assertTrue(out.contains("red") && out.contains("blank") && out.contains("p3.png"), out);
    assertTrue(out.contains("59 pictures can be read"), out);
    assertTrue(javax.imageio.ImageIO.read(sheet.toFile()).getWidth() > 500);
    Run.fails(1, "is there already", "data", pictures, labels, "--sheet", sheet);
    JsonNode json = Run.done("data", rows(), "--labels", "ill", "--json").json();
    assertEquals(120, json.get("examples").asInt());
    assertEquals("ill", json.at("/labels/0/name").asText());
    assertEquals(30, json.at("/labels/0/blank").asInt());
  }
}
