// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import dev.espalier.ShapeException;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PictureReaderTextTest {
  private static final PictureReader USUAL =
      PictureReader.of(Shape.image(3, 8, 6))
          .normalize(new float[] {0.485f, 0.456f, 0.406f}, new float[] {0.229f, 0.224f, 0.225f})
          .fit(PictureFit.PAD)
          .scaling(PictureScaling.AREA)
          .background(new Color(1, 20, 255));
  private static final String TEXT = PictureReaderText.write(USUAL);

  @TempDir private Path folder;

  private static Network network(Shape shape) {
    return Network.builder(shape).flatten().head("pet", Head.labels("cat", "dog")).build(1);
  }

  @Test
  void modelFileReadsPicturesAsTrainingDid() {
    BufferedImage picture = PictureFiles.noise(11, 9, 3);
    Path file = folder.resolve("pets.safetensors");
    for (PictureReader reader :
        List.of(
            USUAL,
            PictureReader.of(Shape.image(1, 5, 4)).valueRange(-1, 1).fit(PictureFit.CROP),
            PictureReader.of(Shape.image(1, 5, 4)).valueRange(255, 0))) {
      try (Network network = network(reader.inputShape())) {
        reader.storeIn(network);
        network.save(file);
      }
      try (Network network = Network.load(file);
          Predictor predictor = Predictor.load(file)) {
        assertEquals(reader.toString(), PictureReader.of(network).toString());
        assertArrayEquals(reader.read(picture), PictureReader.of(predictor).read(picture));
      }
    }
  }

  @Test
  void otherNetworksAreRefused() {
    try (Network network = network(Shape.image(3, 8, 8))) {
      String none =
          assertThrows(IllegalArgumentException.class, () -> PictureReader.of(network))
              .getMessage();
      assertTrue(none.contains("storeIn"), none);
      assertThrows(ShapeException.class, () -> USUAL.storeIn(network));
      network.setMetadata(PictureReader.METADATA_KEY, TEXT);
      String other =
          assertThrows(ShapeException.class, () -> PictureReader.of(network)).getMessage();
      assertTrue(other.contains("[3, 8, 8]") && other.contains("[3, 8, 6]"), other);
    }
  }

  @Test
  void eachRuleOfTheTextIsHeld() {
    Map<String, String> cases = new LinkedHashMap<>();
    cases.put("", "expected a record \"espalier pictures\", got the end");
    cases.put(TEXT.replace("pictures,1", "pictures,2"), "line 1: expected version 1");
    cases.put(TEXT.replace("shape,3,", "shape,2,"), "line 2: expected 1 or 3 channels");
    cases.put(TEXT.replace("3,8,6", "3,8"), "line 2: expected \"shape\" and 3 values");
    cases.put(TEXT.replace("3,8,6", "3,0,6"), "line 2: expected a number from 1 to");
    cases.put(TEXT.replace("3,8,6", "3,65536,65536"), "line 2: expected a picture of fewer than");
    cases.put(TEXT.replace("PAD", "pad"), "line 3: expected one of [STRETCH, CROP, PAD]");
    cases.put(TEXT.replace(",255", ",256"), "line 5: expected a number from 0 to 255 in field 4");
    cases.put(TEXT.replace("mean,", "mean,NaN"), "line 6: expected a finite number in field 2");
    cases.put(
        TEXT.replaceAll("deviation,[^,]*", "deviation,1e-40"), "line 7: expected numbers that are");
    cases.put(TEXT + "more,1\r\n", "line 8: expected the end");
    cases.forEach(
        (text, message) -> {
          String error =
              assertThrows(IllegalArgumentException.class, () -> PictureReaderText.read(text), text)
                  .getMessage();
          assertTrue(error.contains(message), error);
        });
  }

  /** Whatever text a model file has there, it is read, or refused in words. */
  @Test
  void damagedTextsAreRefused() {
    SplittableRandom random = new SplittableRandom(7);
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      StringBuilder mutated = new StringBuilder(TEXT);
      for (int edits = 1 + random.nextInt(3); edits > 0 && mutated.length() > 0; edits--) {
        int at = random.nextInt(mutated.length());
        switch (random.nextInt(4)) {
          case 0 -> mutated.deleteCharAt(at);
          case 1 -> mutated.insert(at, "\",\n01-9.eENaN\u0000x".charAt(random.nextInt(15)));
          case 2 -> mutated.setCharAt(at, "\",\n01-9.eENaN\uffffx".charAt(random.nextInt(15)));
          default -> mutated.setLength(at + 1);
        }
      }
      try {
        PictureReader read = PictureReaderText.read(mutated.toString());
        if (read.inputShape().size() < 10_000) {
          for (float value : read.read(PictureFiles.noise(3, 2, 1))) {
            assertTrue(Float.isFinite(value), mutated.toString());
          }
        }
      } catch (IllegalArgumentException error) {
        assertTrue(
            error.getMessage().startsWith("metadata \"dev.espalier.data.PictureReader\""),
            error.getMessage());
        refused++;
      }
    }
    assertTrue(refused > 10_000, refused + " refused");
  }
}
