// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.Network;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A dry run says what would be done, refuses what the command would refuse, and writes nothing. */
class DryRunTest {
  @TempDir private Path folder;
  private Path pictures;
  private Path labels;
  private Path backbone;

  @BeforeEach
  void write() throws IOException {
    pictures = Pictures.write(folder);
    labels = folder.resolve("labels.csv");
    backbone = Pictures.backbone(folder);
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.sorted().toList();
    }
  }

  /** Returns what is said; nothing may be there that was not before. */
  private String dry(Object... command) throws IOException {
    List<Object> words = new ArrayList<>(List.of(command));
    words.add("--dry-run");
    List<Path> before = files();
    String out = Run.done(words.toArray()).out();
    words.add("--json");
    JsonNode json = Run.done(words.toArray()).json();
    assertEquals(before, files());
    assertTrue(json.get("dry_run").asBoolean());
    List<String> plan = new ArrayList<>();
    json.get("plan").forEach(line -> plan.add(line.asText()));
    assertEquals(out.lines().toList(), plan);
    return out;
  }

  @Test
  void studiesCountTheirTrainings() throws IOException {
    Object[] transfer = {
      "study",
      "transfer",
      pictures,
      labels,
      "--backbone",
      backbone,
      "--folder",
      folder.resolve("kept"),
      "--folds",
      2
    };
    String out = dry(transfer);
    assertTrue(out.contains(Pictures.COUNT + " examples in 2 folds"), out);
    assertTrue(out.contains("from scratch: one of [all at once at 0.003, "), out);
    assertTrue(out.contains("the raw input and the layers [one_relu, "), out);
    Path rows = folder.resolve("rows.csv");
    List<String> lines = new ArrayList<>(List.of("size,large,even"));
    for (int i = 0; i < 60; i++) {
      lines.add(i + "," + (i > 30 ? 1 : 0) + "," + i % 2);
    }
    Files.write(rows, lines);
    String sharing =
        dry("study", "sharing", rows, "--labels", "large,even", "--widths", "1,3", "--steps", 7);
    assertTrue(sharing.contains("one network, width 3"), sharing);
    assertTrue(sharing.contains("20 trainings of 7 steps"), sharing); // (1 + 2 + 1) · 5 folds
    Run.fails(
        1,
        "folds, got",
        "study",
        "sharing",
        rows,
        "--labels",
        "large,even",
        "--folds",
        30,
        "--dry-run");
  }

  @Test
  void labelSaysWhatItWouldAskFor() throws IOException {
    Path next = folder.resolve("next.csv");
    Path wrong = folder.resolve("wrong.csv");
    String out =
        dry(
            "label",
            pictures,
            labels,
            "--backbone",
            backbone,
            "--next",
            next,
            "--wrong",
            wrong,
            "--count",
            3);
    assertTrue(out.contains("layer three_relu makes of " + Pictures.COUNT + " examples"), out);
    assertTrue(out.contains("ask for 3 examples at most in " + next), out);
    assertTrue(out.contains("doubt 3 answers at most in " + wrong), out);
  }

  @Test
  void importAndExportSayWhatWouldBeWritten() throws IOException {
    Path onnx = folder.resolve("backbone.onnx");
    String out = dry("export", backbone, "-o", onnx, "--layers", "three_relu");
    Run.done("export", backbone, "-o", onnx, "--layers", "three_relu");
    String size = String.format(java.util.Locale.ROOT, "%,d bytes", Files.size(onnx));
    String what = "ONNX model of probabilities, layers [three_relu], operator set 17, ";
    assertTrue(out.contains(what + size), out);
    assertTrue(
        dry("export", backbone, "-o", folder.resolve("w.safetensors")).contains(": weights, "));
    Run.fails(
        1,
        "four",
        "export",
        backbone,
        "-o",
        folder.resolve("x.onnx"),
        "--layers",
        "four",
        "--dry-run");
    Path target = folder.resolve("imported.safetensors");
    String imported = dry("import", onnx, "-o", target);
    assertTrue(imported.contains("would be saved as " + target), imported);
    try (Network network = Network.load(backbone)) {
      assertTrue(imported.contains(network.inputShape().toString()), imported);
    }
    Run.fails(1, "is there already", "import", onnx, "-o", backbone, "--dry-run");
  }
}
