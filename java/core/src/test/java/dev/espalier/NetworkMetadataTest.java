// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What its owner keeps with a network. */
class NetworkMetadataTest {
  private static final String VALUE = "line 1\n\"line\" 2\t模型 🌳 \\ \u0001";

  @TempDir Path folder;

  @Test
  void goesWhereTheNetworkGoes() {
    Path file = folder.resolve("model");
    try (Network network = Dots.rich(1);
        Predictor before = network.predictor()) {
      assertEquals(Map.of(), network.metadata());
      network.setMetadata("owner", "ward 3");
      network.setMetadata("owner", VALUE);
      network.setMetadata("empty", "");
      Map<String, String> expected = Map.of("empty", "", "owner", VALUE);
      assertEquals(expected, network.metadata());
      assertEquals(List.of("empty", "owner"), List.copyOf(network.metadata().keySet()));
      assertEquals(Map.of(), before.metadata());
      network.save(file);
      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      network.save(stream);
      try (Network loaded = Network.load(file);
          Network streamed = Network.load(stream.toByteArray());
          Network copy = network.copy();
          Network grafted =
              network.transfer().dropHead("side").head("other", Head.classes(2)).build(3);
          Network fromFile = Network.transferFrom(file).head("new", Head.classes(2)).build(1);
          Predictor predictor = Predictor.load(file)) {
        for (Network each : List.of(loaded, streamed, copy, grafted, fromFile)) {
          assertEquals(expected, each.metadata());
        }
        assertEquals(expected, predictor.metadata());
        network.removeMetadata("owner");
        network.removeMetadata("never there");
        assertEquals(Map.of("empty", ""), network.metadata());
        assertEquals(expected, copy.metadata());
      }
    }
  }

  private static String refusal(Network network, String key, String value) {
    return assertThrows(IllegalArgumentException.class, () -> network.setMetadata(key, value))
        .getMessage();
  }

  @Test
  void hasLimits() {
    Network closed = Dots.labeller(1);
    closed.close();
    assertThrows(ClosedException.class, () -> closed.setMetadata("a", "b"));
    assertEquals(Map.of(), closed.metadata());
    try (Network network = Dots.labeller(1)) {
      network.setMetadata("kept", "x");
      assertTrue(refusal(network, "", "x").contains("keys of 1 to 256 bytes, got 0"));
      assertTrue(refusal(network, "k".repeat(257), "x").contains("got 257"));
      assertTrue(refusal(network, "espalier.graph", "x").contains("do not begin with 'espalier.'"));
      assertTrue(refusal(network, "a\0b", "x").contains("NUL"));
      assertTrue(refusal(network, "a", "\ud800").contains("surrogate"));
      assertTrue(refusal(network, "a", "x".repeat(1 << 20)).contains("at most 1048576 bytes"));
      assertEquals(Map.of("kept", "x"), network.metadata());
      assertThrows(UnsupportedOperationException.class, () -> network.metadata().put("b", "c"));
    }
  }
}
