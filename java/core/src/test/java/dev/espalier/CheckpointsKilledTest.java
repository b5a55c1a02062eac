// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A JVM that is killed again and again, and trains the network that one trains in peace. */
class CheckpointsKilledTest {
  private static final int MOST_KILLS = 60;
  private static final int KILLED = 128 + 9;

  @TempDir Path folder;

  /** Trains, writes the model, and has checkpoints in a folder. */
  static final class Program {
    public static void main(String[] arguments) {
      Path folder = Path.of(arguments[0]);
      try (Network network = Dots.classifier(1)) {
        network.unfreeze("*");
        Trainer.of(network)
            .batchSize(8)
            .epochs(40)
            .schedule(Schedule.cosine().warmup(5))
            .averageWeights(0.9)
            .checkpoints(Checkpoints.in(folder).everySteps(3).resuming())
            .fit(new Dots(64, 1).classes());
        network.save(Path.of(arguments[1]));
      }
    }
  }

  @Test
  void trainsTheSameNetwork() throws Exception {
    Path whole = folder.resolve("whole.safetensors");
    ChildJvm.Result result =
        ChildJvm.run(
            Program.class, List.of(), folder.resolve("whole").toString(), whole.toString());
    assertEquals(0, result.exitCode(), result.output());
    Path killed = folder.resolve("killed.safetensors");
    int kills = 0;
    while (true) {
      // Longer each time, so that a slow machine gets there as well.
      String seconds = String.format(Locale.ROOT, "%.2f", 0.3 + 0.05 * kills);
      result =
          ChildJvm.runBy(
              List.of("timeout", "-s", "KILL", seconds),
              Program.class,
              List.of(),
              folder.resolve("killed").toString(),
              killed.toString());
      if (result.exitCode() == 0) {
        break;
      }
      assertEquals(KILLED, result.exitCode(), result.output());
      assertTrue(++kills < MOST_KILLS, result.output());
    }
    assertTrue(kills > 0);
    assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(killed));
  }
}
