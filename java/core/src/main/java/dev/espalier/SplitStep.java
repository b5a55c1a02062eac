// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.NativeHandle;
import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * A step in two halves, between which losses of a user's making are computed: native code never
 * calls back. Used by one thread.
 */
final class SplitStep {
  private final List<OwnLoss> losses;
  private final double[] sums;
  private final FloatBuffer exchanged; // logits that come, gradients that go
  private final long address;

  SplitStep(List<Task> tasks, Map<String, Loss> losses, int batchSize) {
    this.losses = OwnLoss.of(tasks, losses, true);
    sums = new double[this.losses.size()];
    long width = this.losses.stream().mapToLong(loss -> loss.task().width()).sum();
    exchanged =
        DirectMemory.allocate(batchSize * width, "logits of a batch of " + batchSize)
            .asFloatBuffer();
    address = DirectMemory.address(exchanged);
  }

  /** Returns whether all losses are native, so that no step need be split. */
  boolean isNeedless() {
    return losses.isEmpty();
  }

  /**
   * Does a step.
   *
   * @param trainer the native trainer
   * @param begin the first half: leaves logits at an address
   * @param batch the examples
   * @param results as of a step that is not split
   */
  void run(NativeHandle trainer, LongConsumer begin, Batch batch, double[] results) {
    begin.accept(address);
    int at = 0;
    for (int i = 0; i < sums.length; i++) {
      OwnLoss loss = losses.get(i);
      sums[i] = loss.compute(exchanged, at, loss.task().width(), batch, 0, batch.size());
      float[] gradients = loss.batch().gradients();
      exchanged.put(at, gradients);
      at += gradients.length;
    }
    trainer.run(id -> Bridge.trainerFinishStep(id, address, sums, results));
    Reference.reachabilityFence(exchanged);
  }
}
