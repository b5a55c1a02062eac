// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How data sets of users, slow enough to be read ahead, are read. */
@Timeout(60)
class BatchReaderTest {
  private static final int EXAMPLES = 100;

  /** Takes its time for each example, as a disk does. */
  private abstract static class Slow implements Dataset {
    @Override
    public int size() {
      return EXAMPLES;
    }

    @Override
    public Shape inputShape() {
      return Shape.vector(1);
    }

    @Override
    public void readInput(int index, float[] destination, int offset) {
      LockSupport.parkNanos(100_000);
      destination[offset] = read(index);
    }

    abstract float read(int index);

    @Override
    public List<Target> targets() {
      return List.of(Target.classes(""));
    }

    @Override
    public boolean readTarget(String task, int index, float[] destination, int offset) {
      destination[offset] = index % 2;
      return true;
    }
  }

  private static Network network() {
    return Network.builder(Shape.vector(1)).head("odd", Head.classes(2)).build(1);
  }

  @Test
  void aFileIsStillOpenAfterANormalEnd(@TempDir Path folder) throws IOException {
    Path file = Files.write(folder.resolve("bytes"), new byte[EXAMPLES]);
    try (FileChannel channel = FileChannel.open(file);
        Network network = network()) {
      Dataset data =
          new Slow() {
            @Override
            float read(int index) {
              ByteBuffer pixel = ByteBuffer.allocate(1);
              try {
                assertEquals(1, channel.read(pixel, index));
              } catch (IOException error) {
                throw new UncheckedIOException(error);
              }
              return pixel.get(0);
            }
          };
      for (int fit = 0; fit < 3; fit++) {
        // The third of ten batches is being read when it ends.
        assertEquals(2, Trainer.of(network).batchSize(10).steps(2).fit(data).steps());
        assertTrue(channel.isOpen());
      }
    }
  }

  /** Two readers at once are an error, as in most files and caches. */
  private static final class Exclusive extends Slow {
    private final AtomicInteger readers = new AtomicInteger();
    private final AtomicInteger conflicts = new AtomicInteger();

    @Override
    float read(int index) {
      if (readers.incrementAndGet() > 1) {
        conflicts.incrementAndGet();
      }
      LockSupport.parkNanos(100_000);
      readers.decrementAndGet();
      return index;
    }
  }

  @Test
  void oneThreadAtATimeReadsWhateverEndsTraining() {
    for (History.StopReason reason :
        List.of(
            History.StopReason.EPOCHS,
            History.StopReason.STEPS,
            History.StopReason.CANCELLED,
            History.StopReason.INTERRUPTED)) {
      Exclusive data = new Exclusive();
      Split split = Datasets.split(data, 0.6, 1);
      try (Network network = network()) {
        Trainer trainer = Trainer.of(network).batchSize(6).epochs(2).validation(split.second());
        if (reason == History.StopReason.STEPS) {
          trainer.steps(5);
        }
        trainer.listener(
            new TrainingListener() {
              @Override
              public void onStep(StepResult step) {
                if (step.step() == 4 && reason == History.StopReason.CANCELLED) {
                  trainer.cancel();
                }
                if (step.step() == 4 && reason == History.StopReason.INTERRUPTED) {
                  Thread.currentThread().interrupt();
                }
              }

              @Override
              public void onEpoch(EpochResult epoch) {
                network.evaluate(Datasets.range(data, 0, 20));
              }
            });
        assertEquals(reason, trainer.fit(split.first()).stopReason());
        assertEquals(reason == History.StopReason.INTERRUPTED, Thread.interrupted());
        assertEquals(0, data.conflicts.get(), reason::toString);
      }
    }
  }
}
