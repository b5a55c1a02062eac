// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class NetworkSummaryTest {
  private static final LayerOptions WORDS = LayerOptions.defaults().set("count", 9).set("width", 4);

  private static NetworkBuilder text() {
    return Network.builder(
            Input.integers("ids", Shape.vector(5)), Input.integers("lengths", Shape.vector(1)))
        .layer("words", "embedding", WORDS);
  }

  private static List<String> notes(NetworkBuilder builder) {
    try (Network network = builder.build(1)) {
      return network.summary().lines().filter(line -> line.startsWith("head \"")).toList();
    }
  }

  @Test
  void aHeadOnAllPositionsIsNoted() {
    List<String> notes = notes(text().head("wide", Head.classes(2)));
    assertEquals(1, notes.size());
    assertTrue(notes.get(0).contains("\"wide\" reads all 5 positions of \"words\""), notes.get(0));
    assertEquals(1, notes(text().head("a", Head.layers(h -> h.dense(3)).classes(2))).size());
  }

  @Test
  void headsThatPoolOrReadImagesAreNot() {
    Head pooled =
        Head.layers(h -> h.tokenPool("", TokenPooling.MEAN, "words", "lengths")).classes(2);
    assertEquals(List.of(), notes(text().head("a", pooled)));
    NetworkBuilder rows = Network.builder(Shape.of(5, 4)).relu("r");
    assertEquals(List.of(), notes(rows.head("a", Head.classes(2))));
  }
}
