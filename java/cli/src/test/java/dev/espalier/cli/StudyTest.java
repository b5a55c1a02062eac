// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StudyTest {
  @TempDir private Path folder;

  @Test
  void transferIsStudiedOnPictures() throws IOException {
    Path pictures = Pictures.write(folder);
    Object[] study = {
      "study",
      "transfer",
      pictures,
      folder.resolve("labels.csv"),
      "--backbone",
      Pictures.backbone(folder),
      "--folds",
      2,
      "--head-steps",
      10,
      "--tuning-steps",
      10,
      "--folder",
      folder.resolve("kept"),
      "--json"
    };
    Run first = Run.done(study);
    JsonNode json = first.json();
    assertTrue(json.get("complete").asBoolean());
    assertTrue(json.get("sentence").asText().length() > 10, first.out());
    assertEquals(0, json.get("scores").size() % 3, first.out());
    JsonNode again = Run.done(study).json();
    assertEquals(json.get("scores"), again.get("scores"));
  }

  @Test
  void sharingIsStudiedOnRows() throws IOException {
    List<String> lines = new ArrayList<>(List.of("size,large,even"));
    for (int i = 0; i < 60; i++) {
      lines.add(i + "," + (i > 30 ? 1 : 0) + "," + (i % 5 == 0 ? "" : i % 2));
    }
    Path rows = Files.write(folder.resolve("rows.csv"), lines);
    Object[] study = {
      "study",
      "sharing",
      rows,
      "--labels",
      "large,even",
      "--folds",
      2,
      "--steps",
      20,
      "--widths",
      "1,2",
      "--hidden",
      "4",
      "--json"
    };
    JsonNode json = Run.done(study).json();
    assertEquals(2, json.get("gains").size());
    assertEquals(2, json.get("questions").size());
    Run.fails(
        1, "rising numbers", "study", "sharing", rows, "--labels", "large,even", "--widths", "2,1");
    Run.fails(2, "Missing required subcommand", "study");
    Run.fails(
        1,
        "--folder: expected a folder, or the name of a new one, got the file " + rows,
        "study",
        "sharing",
        rows,
        "--labels",
        "large,even",
        "--folder",
        rows);
  }
}
