// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A JVM that is killed again and again, and trains the network that one trains in peace. */
class CheckpointsKilledTest {
  private static final int KILLS = 12;
  private static final int KILLED = 128 + 9;
  private static final int MOST_MILLISECONDS = 30;
  private static final int EPOCHS = 200;

  /** Of one that is killed: of all of them together fewer than the training has. */
  private static final int MOST_STEPS = 130;

  @TempDir Path folder;

  /**
   * Trains, writes the model, and has checkpoints in a folder; with a third argument it kills
   * itself, a moment after the first checkpoint of its own that the argument is the seed of. It
   * trains a few steps further, where it waits for that.
   */
  static final class Program {
    public static void main(String[] arguments) {
      Path folder = Path.of(arguments[0]);
      if (arguments.length > 2) {
        int milliseconds = new Random(Long.parseLong(arguments[2])).nextInt(MOST_MILLISECONDS);
        Set<String> before = names(folder);
        Thread killer = new Thread(() -> killAfterCheckpoint(folder, before, milliseconds));
        killer.setDaemon(true);
        killer.start();
      }
      AtomicInteger left = new AtomicInteger(arguments.length > 2 ? MOST_STEPS : Integer.MAX_VALUE);
      TrainingListener waiting =
          new TrainingListener() {
            @Override
            public void onStep(StepResult step) {
              if (left.decrementAndGet() == 0) {
                Latches.awaitQuietly(new CountDownLatch(1));
              }
            }

            @Override
            public void onEpoch(EpochResult epoch) {}
          };
      try (Network network = Dots.classifier(1)) {
        network.unfreeze("*");
        Trainer.of(network)
            .listener(waiting)
            .batchSize(8)
            .epochs(EPOCHS)
            .schedule(Schedule.cosine().warmup(5))
            .averageWeights(0.9)
            .checkpoints(Checkpoints.in(folder).everySteps(3).resuming())
            .fit(new Dots(64, 1).classes());
        network.save(Path.of(arguments[1]));
      }
    }

    private static Set<String> names(Path folder) {
      String[] names = folder.toFile().list();
      return names == null ? Set.of() : Set.of(names);
    }

    private static void killAfterCheckpoint(Path folder, Set<String> before, int milliseconds) {
      try {
        while (before.containsAll(names(folder))) {
          Thread.sleep(1);
        }
        Thread.sleep(milliseconds);
        // The signal that no program can handle, which Java does not send to its own process.
        new ProcessBuilder("kill", "-KILL", Long.toString(ProcessHandle.current().pid())).start();
      } catch (IOException | InterruptedException error) {
        throw new AssertionError(error);
      }
    }
  }

  @Test
  void trainsTheSameNetwork() throws Exception {
    Path whole = folder.resolve("whole.safetensors");
    Path killed = folder.resolve("killed.safetensors");
    train("whole", whole, 0);
    for (int seed = 0; seed < KILLS; ++seed) {
      train("killed", killed, KILLED, Integer.toString(seed));
      assertFalse(Files.exists(killed), "not killed");
    }
    train("killed", killed, 0);
    assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(killed));
  }

  private void train(String checkpoints, Path model, int exitCode, String... seed) {
    List<String> arguments = new ArrayList<>();
    arguments.add(folder.resolve(checkpoints).toString());
    arguments.add(model.toString());
    arguments.addAll(List.of(seed));
    ChildJvm.Result result =
        ChildJvm.run(Program.class, List.of(), arguments.toArray(String[]::new));
    assertEquals(exitCode, result.exitCode(), result.output());
  }
}
