// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What to label next, and which answers look wrong, as files to fill in. */
class LabelTest {
  @TempDir private Path folder;

  @Test
  void sheetsNameThePicturesToLookAt() throws IOException {
    Path pictures = Pictures.write(folder);
    Path labels = folder.resolve("labels.csv");
    Path backbone = Pictures.backbone(folder);
    Path next = folder.resolve("next.csv");
    Path wrong = folder.resolve("wrong.csv");
    Object[] label = {
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
      4
    };
    Run run = Run.done(label);
    assertTrue(run.out().contains("LabelAdvice[" + Pictures.COUNT + " examples"), run.out());
    List<String> sheet = Files.readAllLines(next);
    assertEquals("example,id,red,bright", sheet.get(0));
    assertTrue(sheet.size() > 1 && sheet.size() <= 5, sheet::toString);
    assertTrue(sheet.get(1).contains(".png") && sheet.get(1).contains("?"), sheet::toString);
    List<String> suspects = Files.readAllLines(wrong);
    assertEquals(5, suspects.size());
    assertTrue(suspects.get(0).startsWith("example,id,label,given"), suspects::toString);
    String before = Files.readString(next);
    Run refused = Run.fails(1, "is there already: name another file", label);
    assertFalse(refused.err().contains("--force"), refused.err());
    assertEquals(before, Files.readString(next));
    JsonNode json = Run.done("label", pictures, labels, "--backbone", backbone, "--json").json();
    assertEquals(0, json.get("asked").asInt());
    Run.fails(1, "at least 1", "label", pictures, labels, "--backbone", backbone, "--count", 0);
  }

  @Test
  void aModelIsAskedByWhatItsHeadSees() throws IOException {
    Path pictures = Pictures.write(folder);
    Path labels = folder.resolve("labels.csv");
    Path model = folder.resolve("model.safetensors");
    Path backbone = Pictures.backbone(folder);
    Run.done(
        "adapt",
        pictures,
        labels,
        "--backbone",
        backbone,
        "-o",
        model,
        "--heads-alone",
        "--layer",
        "three_relu",
        "--head-steps",
        20);
    Run run = Run.done("label", pictures, labels, "--backbone", model);
    assertTrue(run.out().contains("LabelAdvice[" + Pictures.COUNT + " examples"), run.out());
  }
}
