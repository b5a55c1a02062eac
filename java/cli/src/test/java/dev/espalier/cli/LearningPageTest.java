// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pages of what was learned, and pictures that training sees changed. */
class LearningPageTest {
  @TempDir private Path folder;
  private Path pictures;
  private Path labels;
  private Path model;
  private Path page;

  @BeforeEach
  void write() throws IOException {
    pictures = Pictures.write(folder);
    labels = folder.resolve("labels.csv");
    model = folder.resolve("model.safetensors");
    page = folder.resolve("page.html");
  }

  private Object[] train(Object... more) {
    List<Object> words = new ArrayList<>(List.of("train", pictures, labels, "-o", model));
    words.addAll(List.of("--size", 16, "--tuning-steps", 6, "--force"));
    words.addAll(List.of(more));
    return words.toArray();
  }

  @Test
  void augmentedPicturesTrainAnotherNetworkAndStandOnThePage() throws IOException {
    Run.done(train("--page", page));
    String plain = Checksum.of(model);
    String without = Files.readString(page);
    assertTrue(without.contains("Chosen by the loss"), "what was tried");
    assertTrue(without.contains("\"title\":\"Test examples\""), "how it answers");
    assertFalse(without.contains("\"kind\":\"sheet\""), "nothing is augmented");
    Run.done(train("--page", page, "--augment"));
    String augmented = Checksum.of(model);
    assertNotEquals(plain, augmented);
    String sheet = Files.readString(page);
    assertTrue(sheet.contains("\"name\":\"example 0, epoch 5\""), "a contact sheet");
    Run.done(train("--augment"));
    assertEquals(augmented, Checksum.of(model));
  }

  @Test
  void adaptWritesOne() throws IOException {
    Object[] adapt = {
      "adapt",
      pictures,
      labels,
      "--backbone",
      Pictures.backbone(folder),
      "-o",
      model,
      "--test",
      0,
      "--heads-alone",
      "--layer",
      "three_relu",
      "--head-steps",
      10,
      "--page",
      page
    };
    Run.done(adapt);
    String written = Files.readString(page);
    assertTrue(written.contains("head alone at 0.003"), "what was tried");
    assertTrue(written.contains("\"title\":\"Validation examples\""), "nothing was held out");
    Files.delete(model);
    Run.fails(1, "page.html is there already", adapt);
    assertFalse(Files.exists(model));
  }

  @Test
  void whatCannotBeIsRefusedBeforeAnyWork() throws IOException {
    Path rows = Files.writeString(folder.resolve("rows.csv"), "size,large\n1,0\n9,1\n2,0\n8,1\n");
    Object[] augmented = {"train", rows, "--labels", "large", "-o", model, "--augment"};
    Run.fails(1, "--augment: expected pictures, got " + rows, augmented);
    Run.fails(1, "expected two files to write", train("--page", model));
    assertFalse(Files.exists(model));
  }
}
