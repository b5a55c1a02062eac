// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;
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

  /** No machine has room for a stack of this size, so no such thread ever starts. */
  private static final long IMPOSSIBLE_STACK = 1L << 46;

  @Test
  void withoutAThreadTheCallerReads() throws InterruptedException {
    Exclusive data = new Exclusive();
    try (Network network = network()) {
      TargetBinding binding = TargetBinding.of(network.tasks(), network.networkInputs(), data);
      ThreadFactory threads = task -> new Thread(null, task, "huge", IMPOSSIBLE_STACK);
      assertThrows(OutOfMemoryError.class, () -> threads.newThread(() -> {}).start());
      try (BatchReader reader = new BatchReader(binding, 30, true, true, threads)) {
        for (int epoch = 0; epoch < 2; epoch++) {
          reader.start(data, Shuffle.identity(EXAMPLES));
          for (int expected : new int[] {30, 30, 30, 10}) {
            assertEquals(expected, reader.next().size());
          }
          assertNull(reader.next());
        }
      }
    }
  }

  /** Fits in a process that may have no more threads than it has. */
  static final class NoThreadsLeft {
    private NoThreadsLeft() {}

    public static void main(String[] arguments) throws IOException {
      Path group = Path.of(arguments[0]);
      Exclusive data = new Exclusive();
      try (Network network = network()) {
        Trainer trainer = Trainer.of(network).batchSize(10).epochs(1);
        network.evaluate(Datasets.range(data, 0, 1));
        Files.writeString(group.resolve("cgroup.procs"), "" + ProcessHandle.current().pid());
        Files.writeString(group.resolve("pids.max"), "0");
        try {
          new Thread(() -> {}).start();
          System.out.println("a thread started");
        } catch (OutOfMemoryError expected) {
          System.out.println(trainer.fit(data).steps() + " steps");
        }
      }
    }
  }

  @Test
  void fitsWhereTheProcessMayHaveNoMoreThreads() throws IOException {
    Optional<Path> group = processGroup();
    assumeTrue(group.isPresent(), "SKIPPED: no control group for processes can be made here");
    try {
      ChildJvm.Result result =
          ChildJvm.run(NoThreadsLeft.class, List.of("-Xmx256m"), group.get().toString());
      assertEquals(0, result.exitCode(), result.output());
      assertTrue(result.output().contains("10 steps"), result.output());
    } finally {
      Files.delete(group.get());
    }
  }

  /**
   * Makes a control group that limits processes, of version 1 or 2; empty where that may not be.
   */
  private static Optional<Path> processGroup() {
    for (String parent : List.of("/sys/fs/cgroup/pids", "/sys/fs/cgroup")) {
      Path group = Path.of(parent, "espalier-test-" + ProcessHandle.current().pid());
      try {
        Files.createDirectory(group);
        if (Files.isWritable(group.resolve("pids.max"))) {
          return Optional.of(group);
        }
        Files.delete(group);
      } catch (IOException notAllowed) {
        // The other one may be.
      }
    }
    return Optional.empty();
  }
}
