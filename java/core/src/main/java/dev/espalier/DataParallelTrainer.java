// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Arguments;
import dev.espalier.internal.Bridge;
import dev.espalier.internal.NativeHandle;
import dev.espalier.internal.OpenBlas;
import dev.espalier.internal.StackReserve;
import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * Takes a trainer's steps together with others, in other processes: each computes the gradients of
 * some shards of a batch, somebody adds them up, and each applies the sum to its own copy of the
 * network. Where all add in one order (a tree over the shards' numbers, say), all have the same
 * bits after each step, whoever computed which shard; other numbers of shards differ by rounding
 * where nothing is drawn and no layer normalizes by batch.
 *
 * <pre>{@code
 * Trainer settings = Trainer.of(network).steps(1000);
 * try (DataParallelTrainer trainer = DataParallelTrainer.of(settings, data, 8)) {
 *   long[] totals = new long[trainer.totalsSize()];
 *   trainer.addTotals(first, totals);                 // of all shards; elsewhere, for the others
 *   trainer.addTotals(second, totals);
 *   float[] sum = trainer.gradients(totals, 0, first);
 *   float[] other = trainer.gradients(totals, first.length, second);
 *   for (int i = 0; i < sum.length; i++) {
 *     sum[i] += other[i];
 *   }
 *   trainer.apply(totals, sum);
 * }
 * }</pre>
 *
 * <p><b>What is added up</b>: gradients of the parameters that train, each as {@link
 * Network#parameter} gives them, in the order of {@link Network#parameters}; running statistics of
 * batch norms that train, in that order too, as the shard would leave them, times its share of the
 * examples; a loss for each task. Losses are divided by what the whole batch holds, so the sum is
 * the gradient of the batch, whatever answers are missing where.
 *
 * <p><b>Batch norm</b> that trains takes mean and variance of a shard, not of the batch; its
 * running statistics become the mean of what the shards would have left. <b>Dropout</b> draws by
 * seed, step and the shard's place in the batch.
 *
 * <p>Belongs to the platform thread that made it, and takes the network for training until closed.
 *
 * @since 0.1
 */
public final class DataParallelTrainer implements AutoCloseable {
  private final FitSettings settings;
  private final NativeHandle trainer;
  private final Dataset data;
  private final TargetBinding binding;
  private final int shardSize;
  private final Batch examples;
  private final Batch answers;
  private final FloatBuffer gradients;
  private final long gradientAddress;
  private final int totalsSize;
  private final StepNumbers numbers;
  private Dataset view;
  private int epoch;
  private long steps;

  private DataParallelTrainer(FitSettings settings, Dataset data, int shardSize) {
    this.settings = settings;
    this.data = data;
    this.shardSize = shardSize;
    Network network = settings.network();
    binding = TargetBinding.of(network.tasks(), network.networkInputs(), data);
    examples = new Batch(binding, shardSize, true);
    answers = new Batch(binding, shardSize, false);
    numbers = new StepNumbers(network.tasks());
    long perEpoch = (data.size() + settings.batchSize() - 1L) / settings.batchSize();
    String spec =
        TrainerSpec.ofShards(settings, shardSize, settings.mostSteps(Stage.asItIs(), perEpoch));
    OpenBlas.provideFor(shardSize);
    trainer = network.handle().get(id -> NativeHandle.create(() -> Bridge.trainerCreate(id, spec)));
    boolean isMade = false;
    try {
      gradients =
          DirectMemory.allocate(trainer.getLong(Bridge::trainerGradientFloats), "gradients")
              .asFloatBuffer();
      gradientAddress = DirectMemory.address(gradients);
      totalsSize = (int) (1 + trainer.getLong(Bridge::trainerTargetCount));
      atEpoch(0);
      isMade = true;
    } finally {
      if (!isMade) {
        trainer.close();
      }
    }
  }

  /**
   * Begins with what a trainer is set to: optimizer, schedule, clipping, decay and seed. A schedule
   * ends with {@link Trainer#steps}, or with the epochs of the data in batches of {@link
   * Trainer#batchSize}.
   *
   * @param trainer without what only a fit does: stages, validation, checkpoints, listeners, a time
   *     limit, averages, losses of one's own or a balance
   * @param data what shards are made of, at least one example; each process may have its own
   * @param shardSize the most examples of a shard, 1 to 2^20
   * @return a trainer of the network as it is; to be closed
   * @throws IllegalArgumentException if tasks or targets do not fit the network
   * @throws ShapeException if inputs or targets have the wrong shape
   * @throws IllegalStateException if the trainer is set to something of a fit; or the network is
   *     closed, trained by another trainer or has no layer to train
   * @throws NativeMemoryException if the memory budget is too small for the shard's size
   */
  public static DataParallelTrainer of(Trainer trainer, Dataset data, int shardSize) {
    Objects.requireNonNull(trainer, "trainer");
    Objects.requireNonNull(data, "data");
    Arguments.inRange("shardSize", shardSize, 1, 1 << 20);
    StackReserve.require();
    FitSettings settings = trainer.settings();
    requireNothingOfFits(settings);
    return new DataParallelTrainer(settings, data, shardSize);
  }

  private static void requireNothingOfFits(FitSettings settings) {
    refuse("stages", !settings.stages().equals(List.of(Stage.asItIs())));
    refuse("validation", settings.validation().data().isPresent());
    refuse("checkpoints", settings.checkpoints().isPresent());
    refuse("listener", !settings.listeners().isEmpty());
    refuse("timeLimit", settings.timeLimit() != null);
    refuse("averageWeights", settings.updates().averageDecay().isPresent());
    refuse("groupByLength", settings.lengthInput().isPresent());
    refuse("loss", !settings.losses().isEmpty());
    refuse("balance", !settings.balance().equals(Balance.plain()));
  }

  private static void refuse(String setting, boolean isSet) {
    if (isSet) {
      throw new IllegalStateException(
          setting + ": expected a trainer without it, as steps in shards are no fit; got one");
    }
  }

  /**
   * Reads the examples of an epoch from now on: {@link Dataset#atEpoch}. At first it is epoch 0.
   *
   * @param epoch at least 0
   */
  public void atEpoch(int epoch) {
    if (epoch < 0) {
      throw new IllegalArgumentException("epoch: expected at least 0, got " + epoch);
    }
    Dataset next = data.atEpoch(epoch);
    binding.requireView(next, epoch);
    view = next;
    this.epoch = epoch;
  }

  /**
   * Returns the length of what {@link #addTotals} adds to: the examples, then how many of them have
   * an answer, for each output of a task of labels or values, and once for a task of classes.
   *
   * @return at least 2
   */
  public int totalsSize() {
    return totalsSize;
  }

  /**
   * Returns the length of what {@link #gradients} returns.
   *
   * @return at least 2
   */
  public int gradientsSize() {
    return gradients.capacity();
  }

  /**
   * Counts a shard, before the gradients of any: what a batch holds is what its shards hold.
   *
   * @param shard places of its examples in the data
   * @param totals the counts are added to these
   * @throws IllegalArgumentException if there are no examples or too many, or a target is out of
   *     range; or {@code totals} have another length than {@link #totalsSize}
   * @throws IndexOutOfBoundsException if a place is none of the data's
   * @throws IllegalStateException after {@link #close}, or on another thread
   */
  public void addTotals(int[] shard, long[] totals) {
    requireShard(shard);
    requireTotals(totals);
    long[] own = new long[totalsSize];
    try {
      answers.read(view, shard.clone(), 0, shard.length);
      trainer.run(
          id ->
              Bridge.trainerCountLabelled(
                  id,
                  shard.length,
                  answers.targetAddresses(),
                  answers.maskAddresses(),
                  own,
                  own.length));
    } catch (IllegalArgumentException error) {
      answers.requireTargetsInRange(); // names the example
      throw error;
    } finally {
      Reference.reachabilityFence(answers);
    }
    Arrays.setAll(totals, i -> totals[i] + own[i]);
  }

  /**
   * Computes the gradients of a shard. The network stays as it is.
   *
   * @param totals of all shards of the batch
   * @param first place in the batch of the shard's first example
   * @param shard places of its examples in the data
   * @return what is to be added to that of the other shards; the caller's
   * @throws IllegalArgumentException as {@link #addTotals}; or if the batch of these totals can't
   *     have this shard
   * @throws IndexOutOfBoundsException if a place is none of the data's
   * @throws NonFiniteException if an input is not finite, naming the example; or a loss, or a
   *     statistic of a batch norm
   * @throws IllegalStateException after {@link #close}, on another thread, or if what is frozen has
   *     changed
   */
  public float[] gradients(long[] totals, int first, int[] shard) {
    requireTotals(totals);
    requireShard(shard);
    try {
      examples.read(view, shard.clone(), 0, shard.length);
      trainer.run(
          id ->
              Bridge.trainerComputeGradients(
                  id,
                  totals,
                  totals.length,
                  first,
                  shard.length,
                  examples.inputAddress(),
                  examples.targetAddresses(),
                  examples.maskAddresses(),
                  gradientAddress));
    } catch (NonFiniteException error) {
      examples.requireFiniteInputs(); // names the example if that was it
      throw error;
    } catch (IllegalArgumentException error) {
      examples.requireTargetsInRange(); // as above
      throw error;
    } finally {
      Reference.reachabilityFence(this);
    }
    float[] copy = new float[gradients.capacity()];
    gradients.get(0, copy);
    return copy;
  }

  /**
   * Takes a step.
   *
   * @param totals of all shards of the batch
   * @param sum of what {@link #gradients} returned for them
   * @return what happened; its losses have the precision of a float
   * @throws IllegalArgumentException if a length is another one, or the totals are those of no
   *     batch
   * @throws NonFiniteException if a gradient, loss or statistic is not finite, or the update would
   *     make a parameter so; nothing has changed then
   * @throws IllegalStateException after {@link #close}, on another thread, or if what is frozen has
   *     changed
   */
  public StepResult apply(long[] totals, float[] sum) {
    requireTotals(totals);
    if (Objects.requireNonNull(sum, "sum").length != gradientsSize()) {
      throw new IllegalArgumentException(
          "sum: expected " + gradientsSize() + " numbers, got " + sum.length);
    }
    gradients.put(0, sum);
    try {
      trainer.run(
          id ->
              Bridge.trainerApplyGradients(
                  id, totals, totals.length, gradientAddress, numbers.results()));
    } finally {
      Reference.reachabilityFence(this);
    }
    steps++;
    return numbers.step(epoch, steps - 1, (int) Math.min(totals[0], Integer.MAX_VALUE));
  }

  /**
   * Writes down parameters and the optimizer's state, as one file that is there as a whole or not
   * at all. It says nothing of the data, whose place is the caller's to keep.
   *
   * @param file of the default file system; replaced if it is there
   * @throws java.io.UncheckedIOException if it can't be written
   * @throws IllegalStateException after {@link #close} or on another thread
   */
  public void save(Path file) {
    String path = ModelPath.ofDefaultFileSystem("save", Objects.requireNonNull(file, "file"));
    trainer.run(id -> Bridge.trainerSaveCheckpoint(id, path, Long.toString(steps)));
  }

  /**
   * Goes on from what {@link #save} wrote, of a trainer with the same settings and a network of the
   * same structure.
   *
   * @param file of the default file system
   * @return how many steps there were
   * @throws ModelFileException if it is no such file, or is damaged
   * @throws java.io.UncheckedIOException if it can't be read
   * @throws IllegalArgumentException if it is of another network or optimizer
   * @throws IllegalStateException after {@link #close} or on another thread
   */
  public long resume(Path file) {
    String path = ModelPath.ofDefaultFileSystem("resume", Objects.requireNonNull(file, "file"));
    long noted;
    try {
      noted = Long.parseLong(CheckpointFolder.notes(file));
    } catch (NumberFormatException others) {
      throw new IllegalArgumentException(
          file + ": expected a checkpoint of a DataParallelTrainer, got one of a fit", others);
    }
    trainer.run(id -> Bridge.trainerLoadCheckpoint(id, path));
    steps = noted;
    return noted;
  }

  /**
   * Returns how many steps there were.
   *
   * @return at least 0
   */
  public long steps() {
    return steps;
  }

  /** Gives the network free. Once more does nothing. */
  @Override
  public void close() {
    trainer.close();
  }

  /** Returns for example {@code "DataParallelTrainer[AdamW[…], 12 steps]"}. */
  @Override
  public String toString() {
    return "DataParallelTrainer[" + settings.optimizer() + ", " + steps + " steps]";
  }

  private void requireTotals(long[] totals) {
    if (Objects.requireNonNull(totals, "totals").length != totalsSize) {
      throw new IllegalArgumentException(
          "totals: expected " + totalsSize + " numbers, got " + totals.length);
    }
  }

  private void requireShard(int[] shard) {
    int count = Objects.requireNonNull(shard, "shard").length;
    if (count < 1 || count > shardSize) {
      throw new IllegalArgumentException(
          "shard: expected 1 to " + shardSize + " examples, got " + count);
    }
    for (int example : shard) {
      Arguments.index("shard", example, binding.size());
    }
  }
}
