// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a folder of pictures to a model, and what keeps it from that. */
class AdaptTest {
  @TempDir private Path folder;
  private Path pictures;
  private Path labels;
  private Path backbone;
  private Path model;

  @BeforeEach
  void write() throws IOException {
    pictures = Pictures.write(folder);
    labels = folder.resolve("labels.csv");
    backbone = Pictures.backbone(folder);
    model = folder.resolve("model.safetensors");
  }

  private Object[] adapt(Object... more) {
    List<Object> all =
        new ArrayList<>(List.of("adapt", pictures, labels, "--backbone", backbone, "-o", model));
    List<Object> given = Arrays.asList(more);
    all.addAll(List.of("--head-steps", 60));
    all.addAll(given.contains("--tuning-steps") ? List.of() : List.of("--tuning-steps", 30));
    all.addAll(given);
    return all.toArray();
  }

  @Test
  void picturesBecomeAModelThatAnswersPictures() throws IOException {
    Run run = Run.done(adapt("--json"));
    JsonNode json = run.json();
    assertEquals(5, json.get("trials").size());
    assertTrue(json.get("layers_tried").size() > 1, run.out());
    assertEquals(12, json.at("/test/examples").asInt());
    assertTrue(run.err().contains("36 examples to train on, 12 to choose by, 12 to judge"));
    assertEquals(json.get("sha256").asText(), Checksum.of(model));
    assertTrue(Run.done("inspect", model).out().contains("espalier pictures,1"));

    Run csv = Run.done("predict", model, pictures);
    String[] lines = csv.out().split("\\R");
    assertEquals("input,labels,labels/red,labels/bright", lines[0]);
    assertEquals(Pictures.COUNT + 1, lines.length);
    Path red = pictures.resolve("p4.png");
    Run one =
        Run.withInput(
            red + "\n" + folder.resolve("nothing.png") + "\n", "predict", model, "--json");
    assertEquals(1, one.code());
    String[] answers = one.out().split("\\R");
    JsonNode answer = new ObjectMapper().readTree(answers[0]);
    assertEquals(red.toString(), answer.get("input").asText());
    assertEquals(2, answer.at("/labels/probabilities").size());
    assertTrue(answers[1].contains("error"), one.out());

    JsonNode evaluation = Run.done("evaluate", model, pictures, labels, "--json").json();
    assertEquals(Pictures.COUNT, evaluation.get("examples").asInt());
    Path page = folder.resolve("page.html");
    Run.done("evaluate", model, pictures, labels, "--page", page);
    String html = Files.readString(page);
    assertTrue(html.contains("echarts") && html.contains("bright"), "a page of labels");
    Run.fails(1, "is there already", "evaluate", model, pictures, labels, "--page", page);
    requirePrecisions();
    Path onnx = folder.resolve("model.onnx");
    Run.done("export", model, "-o", onnx);
    assertTrue(Files.size(onnx) > 0);
    JsonNode exported = Run.done("export", model, "-o", onnx, "--force", "--json").json();
    assertEquals("onnx", exported.get("format").asText());
    assertEquals(Checksum.of(onnx), exported.get("sha256").asText());
    Run.fails(1, "is there already", "export", model, "-o", onnx);
    Run.done("export", model, "-o", onnx, "--force", "--opset", 22);
    Run.fails(1, "from 17 to 22, got 16", "export", model, "-o", onnx, "--force", "--opset", 16);
    Path weights = folder.resolve("weights.safetensors");
    Run.fails(
        2,
        "--opset and --int8-weights are for .onnx",
        "export",
        model,
        "-o",
        weights,
        "--opset",
        22);
    Run.fails(2, "called .onnx or .safetensors", "export", model, "-o", folder.resolve("x.pt"));
  }

  private void requirePrecisions() throws IOException {
    JsonNode json = Run.done("precision", model, pictures, labels, "--json").json();
    assertEquals(3, json.get("candidates").size());
    JsonNode inFloat = json.at("/candidates/0");
    assertEquals("FP32", inFloat.get("precision").asText());
    assertEquals(1, inFloat.get("times_fp32").asDouble());
    assertEquals(0, inFloat.get("loss_of_score").asDouble());
    String table = Run.done("precision", model, pictures, labels, "--tolerance", 1).out();
    assertTrue(table.contains("chosen") && table.contains("tolerance 1.0"), table);
    JsonNode layers = Run.done("precision", model, pictures, labels, "--json", "--layers").json();
    assertEquals("float", layers.at("/layers/0/form").asText());
    assertEquals(0, layers.at("/layers/0/error").asDouble());
    assertTrue(layers.get("effect").isNumber() && layers.get("keep_float").isArray());
    String report = Run.done("precision", model, pictures, labels, "--layers").out();
    assertTrue(report.contains("float: not 1 x 1") && report.contains("all of INT8"), report);
    Run.fails(2, "expected 0 to 1, got 1.5", precision("--tolerance", 1.5));
    Run.fails(2, "expected 0 to 1, got NaN", precision("--tolerance", "NaN"));
    Run.fails(2, "expected 1 at least, got 0", precision("--batch-size", 0));
    String plain = Run.done("predict", model, pictures).out();
    assertEquals(plain, Run.done("predict", model, pictures, "--precision", "fp32").out());
    String rounded = Run.done("predict", model, pictures, "--precision", "bf16_weights").out();
    assertEquals(plain.lines().count(), rounded.lines().count());
    String first = layers.at("/layers/0/name").asText();
    assertEquals(plain, Run.done("predict", model, pictures, "--keep-float", first).out());
    Run.fails(1, "which no layer has", "predict", model, pictures, "--keep-float", "no");
    Run.fails(2, "[FP32, BF16_WEIGHTS, INT8]", "predict", model, pictures, "--precision", "int4");
  }

  private Object[] precision(Object... options) {
    List<Object> all = new ArrayList<>(List.of("precision", model, pictures, labels));
    all.addAll(List.of(options));
    return all.toArray();
  }

  @Test
  void theSameSeedGivesTheSameFile() {
    Run.done(adapt("--heads-alone", "--layer", "three_relu"));
    String first = Checksum.of(model);
    Run.fails(1, "is there already", adapt("--heads-alone"));
    assertEquals(first, Checksum.of(model));
    Run.done(adapt("--heads-alone", "--layer", "three_relu", "--force"));
    assertEquals(first, Checksum.of(model));
    Object[] kept = {
      "--heads-alone", "--layer", "three_relu", "--force", "--checkpoints", folder.resolve("kept")
    };
    Run.done(adapt(kept));
    assertEquals(first, Checksum.of(model));
  }

  @Test
  void checkpointsOfAnotherCommandAreRefusedInWordsOfTheCommand() throws IOException {
    Path kept = folder.resolve("kept");
    Run.done(adapt("--heads-alone", "--layer", "three_relu", "--checkpoints", kept));
    Run other =
        Run.fails(
            1,
            "--checkpoints: expected checkpoints of this command",
            adapt(
                "--heads-alone",
                "--layer",
                "three_relu",
                "--force",
                "--checkpoints",
                kept,
                "--batch-size",
                7));
    assertTrue(other.err().contains("batchSize: 32 there, 7 here"), other.err());
    assertFalse(other.err().contains("mayDiffer"), other.err());
    Run.fails(
        1,
        "--checkpoints: expected a folder, or the name of a new one, got the file " + labels,
        adapt("--heads-alone", "--force", "--checkpoints", labels));
  }

  /** What takes long is not tried unasked, and said. */
  @Test
  void largeBackbonesTrainWhenAskedTo() {
    Run run = Run.done(adapt("--dry-run", "--tuning-steps", 100_000_000));
    assertTrue(run.err().contains("--fine-tune tries, too"), run.err());
    assertFalse(run.out().contains("all at once"), run.out());
    Run asked = Run.done(adapt("--dry-run", "--tuning-steps", 100_000_000, "--fine-tune"));
    assertTrue(asked.out().contains("all at once"), asked.out());
    Run.fails(2, "mutually exclusive", adapt("--dry-run", "--fine-tune", "--heads-alone"));
  }

  @Test
  void aDryRunWritesNothing() throws IOException {
    Run run = Run.done(adapt("--dry-run"));
    assertTrue(
        run.out().contains("heads stand on the layer that validation chooses of"), run.out());
    assertTrue(run.out().contains("tried, in this order"), run.out());
    JsonNode json = Run.done(adapt("--dry-run", "--json", "--heads-alone")).json();
    assertTrue(json.get("dry_run").asBoolean());
    assertTrue(json.get("plan").toString().contains("heads: at most"), json::toString);
    assertFalse(json.get("plan").toString().contains("then all"), json::toString);
    assertFalse(Files.exists(model));
  }

  @Test
  void subfoldersAreClasses() throws IOException {
    Path classes = folder.resolve("classes");
    for (int i = 0; i < Pictures.COUNT; i++) {
      Path of = Files.createDirectories(classes.resolve(i % 2 == 0 ? "red" : "grey"));
      Files.copy(pictures.resolve("p" + i + ".png"), of.resolve(i + ".png"));
    }
    Run.done(
        "adapt", classes, "--backbone", backbone, "-o", model, "--heads-alone", "--head-steps", 60);
    String out = Run.done("predict", model, classes.resolve("red")).out();
    assertTrue(out.startsWith("input,class,class/grey,class/red"), out);
    assertTrue(Run.done("evaluate", model, classes).out().contains("accuracy"));
    Run.fails(
        1,
        "pictures in subfolders",
        "adapt",
        pictures,
        "--backbone",
        backbone,
        "-o",
        folder.resolve("x"));
  }

  @Test
  void brokenInputsAreNamed() throws IOException {
    Object[] other = {"adapt", folder.resolve("nothing"), "--backbone", backbone, "-o", model};
    Run.fails(1, "there is no such file or folder", other);
    Path empty = Files.createDirectory(folder.resolve("empty"));
    Run.fails(1, "expected pictures", "adapt", empty, "--backbone", backbone, "-o", model);
    Run.fails(2, "Missing required option", "adapt", pictures, labels, "-o", model);
    Run.fails(1, "no such file", "adapt", pictures, labels, "--backbone", "none", "-o", model);
    Run.fails(1, "got a table", "adapt", pictures, labels, "--backbone", labels, "-o", model);
    Run.fails(1, "expected a layer of the backbone", adapt("--layer", "four"));
    Run.fails(1, "\"colour\"", adapt("--labels", "colour"));
    Run.fails(2, "--value-range: expected 2 numbers", adapt("--value-range", "1"));
    Run.fails(2, "expected a time as 90s", adapt("--time-limit", "soon"));
    Run.fails(2, "expected --validation above 0", adapt("--validation", "0"));
    Run.fails(
        1,
        "the folder",
        "adapt",
        pictures,
        labels,
        "--backbone",
        backbone,
        "-o",
        folder.resolve("none/model"));

    Files.write(pictures.resolve("p7.png"), new byte[] {1, 2, 3});
    Run.fails(1, "p7.png", adapt("--heads-alone"));
    Run skipped = Run.done(adapt("--heads-alone", "--skip-broken", 1));
    assertTrue(skipped.err().contains("left out:"), skipped.err());
    Files.delete(pictures.resolve("p7.png"));
    Run.fails(1, "got 1 that are not there: p7.png", adapt("--force"));
  }

  @Test
  void valuesNeedNoYesAndNo() throws IOException {
    List<String> lines = new ArrayList<>(List.of("file,share"));
    for (int i = 0; i < Pictures.COUNT; i++) {
      lines.add("p" + i + ".png," + (i % 2 == 0 ? "0.4" : i % 3 == 0 ? "" : "0.1"));
    }
    Files.write(labels, lines);
    Run run = Run.done(adapt("--values", "share", "--heads-alone"));
    assertFalse(run.err().contains("warning"), run.err());
    assertTrue(Run.done("predict", model, pictures).out().startsWith("input,values/share"));
  }

  @Test
  void answersThatTeachNothingAreRefused() throws IOException {
    List<String> lines = new ArrayList<>(List.of("file,red,bright"));
    List<String> odd = new ArrayList<>(List.of("file,red,who"));
    for (int i = 0; i < Pictures.COUNT; i++) {
      lines.add("p" + i + ".png,yes,");
      odd.add("p" + i + ".png,yes,Ann");
    }
    Files.write(labels, lines);
    Run.fails(1, "answer it by no; got none", adapt());
    Files.write(labels, odd);
    Run.fails(1, "column \"who\": expected yes or no, 1 or 0, or nothing, got \"Ann\"", adapt());
    Files.writeString(labels, "file,red\np1.png,yes,no\n");
    Run.fails(1, "labels.csv", adapt());
    Files.writeString(labels, "");
    Run.fails(1, "expected a header line", adapt());
  }
}
