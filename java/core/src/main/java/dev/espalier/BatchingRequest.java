// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.nio.FloatBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;

/**
 * One example or several, and the answer to come. Who claims it ends it: the thread that runs the
 * batches knows before it answers that the answer will count, so no count has to be taken back.
 */
final class BatchingRequest extends CompletableFuture<float[]> {
  private static final int WAITING = 0;
  private static final int JOINED = 1;
  private static final int SETTLED = 2; // claimed by the worker
  private static final int GIVEN_UP = 3; // claimed by somebody else

  private static final AtomicIntegerFieldUpdater<BatchingRequest> STATE =
      AtomicIntegerFieldUpdater.newUpdater(BatchingRequest.class, "state");

  private final RequestQueue queue;
  private final Thread worker;
  private final float[] inputs; // or null
  private final byte[] pixels; // or null
  private final int count;
  private final long start = System.nanoTime();
  private Predictor answeredBy; // written before the answer
  private volatile int state = WAITING;

  private BatchingRequest(
      RequestQueue queue, Thread worker, float[] inputs, byte[] pixels, int count) {
    this.queue = queue;
    this.worker = worker;
    this.inputs = inputs;
    this.pixels = pixels;
    this.count = count;
  }

  /** Makes a request that has places in the queue. */
  static BatchingRequest ofInputs(RequestQueue queue, Thread worker, float[] inputs, int count) {
    return new BatchingRequest(queue, worker, inputs, null, count);
  }

  /** Makes a request that has places in the queue. */
  static BatchingRequest ofPixels(RequestQueue queue, Thread worker, byte[] pixels, int count) {
    return new BatchingRequest(queue, worker, null, pixels, count);
  }

  /** Returns the number of examples. */
  int count() {
    return count;
  }

  /** Returns when it was made, by {@link System#nanoTime}. */
  long start() {
    return start;
  }

  /** Returns the predictor that computed the answer; once there is one. */
  Predictor answeredBy() {
    return answeredBy;
  }

  /** Writes the inputs from a position on; pixels as what {@code values} has for them. */
  void writeInputs(FloatBuffer destination, int position, float[] values) {
    if (inputs != null) {
      destination.put(position, inputs, 0, inputs.length);
      return;
    }
    for (int i = 0; i < pixels.length; i++) {
      destination.put(position + i, values[pixels[i] & 0xff]);
    }
  }

  /** Takes it out of the waiting ones, on the worker; false if it was given up. */
  boolean take() {
    if (isDone()) { // by a way around those below
      giveUp();
    }
    if (!STATE.compareAndSet(this, WAITING, JOINED)) {
      return false;
    }
    queue.release(count, worker);
    return true;
  }

  /** Claims it for the worker, which has joined it. */
  boolean claim() {
    return STATE.compareAndSet(this, JOINED, SETTLED);
  }

  /**
   * Claims it for somebody else than the worker; counted before anything can depend on it. Whoever
   * found no memory to end what was given up, or another, may try again.
   */
  private boolean giveUp() {
    if (STATE.compareAndSet(this, WAITING, GIVEN_UP)) {
      queue.countGivenUp();
      queue.abandon();
      queue.release(count, worker);
      return true;
    }
    if (STATE.compareAndSet(this, JOINED, GIVEN_UP)) {
      queue.countGivenUp();
      return true;
    }
    return state == GIVEN_UP;
  }

  /** Returns true if the worker need not answer it. */
  boolean isGivenUp() {
    return state == GIVEN_UP;
  }

  /** Ends a claimed request. */
  void answer(float[] outputs, Predictor predictor) {
    answeredBy = predictor;
    super.complete(outputs);
  }

  /** Ends a claimed request. */
  void fail(Throwable error) {
    super.completeExceptionally(error);
  }

  @Override
  public boolean complete(float[] outputs) {
    return giveUp() && super.complete(outputs);
  }

  /** What {@link #orTimeout} ends it with becomes the exception that callers know. */
  @Override
  public boolean completeExceptionally(Throwable error) {
    return giveUp()
        && super.completeExceptionally(
            error instanceof TimeoutException
                ? new PredictionTimeoutException("expected an answer in time, got none")
                : error);
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    return giveUp() ? super.cancel(mayInterruptIfRunning) : isCancelled();
  }
}
