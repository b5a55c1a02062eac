// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

/**
 * A loss L of one's own in place of that of a task's head: {@link Trainer#loss}.
 *
 * <p>With S = Σ<sub>i</sub> Σ<sub>j</sub> L(z<sub>ij</sub>, y<sub>ij</sub>), where j runs over the
 * labelled entries of example i (of a task of classes: i over the examples whose class is known),
 * the task's share of the cost J is
 *
 * <pre>  weight/m · S,   m examples in the batch, labelled or not,</pre>
 *
 * or weight/n · S with n labelled entries where the head says {@link
 * LossNormalization#LABELLED_ENTRIES}; {@link LossNormalization#PER_LABEL} needs a sum for each
 * label and is refused. Weight and division are the trainer's: a loss computes S and dL/dz alone.
 * The head's own settings (positive and class weights, smoothing, gamma, alpha, delta) have no
 * effect.
 *
 * <p>An example's loss and gradients depend on that example alone: they are the same in any batch.
 * {@link LossCheck} holds a loss to this, and to its differences, in a test.
 *
 * <p><b>When.</b> Once a batch, on the thread that trains or evaluates, where at least one entry is
 * labelled; for evaluations, whose gradients nobody reads, a part of the data at a time. A loss
 * that is given to several trainers must bear their calls at once. While it runs nothing of the
 * step is done yet: it may predict, evaluate and save, but for writing parameters and freezing,
 * after which the step is refused. An exception ends training and comes out of {@code fit}; the
 * network is as before the step.
 *
 * <p>All logits of the head are computed, however few entries are labelled. The loss is no part of
 * the network: copies and model files do not have it.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface Loss {
  /**
   * Returns S, and writes dL/dz of labelled entries to {@link LossBatch#gradients}, which holds
   * zeros: those of other entries must stay.
   *
   * @param batch logits, and what is known of the answers
   * @return the sum over labelled entries, neither weighted nor divided
   */
  double compute(LossBatch batch);
}
