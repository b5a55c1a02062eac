// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.StackReserve;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Ends submitted requests whose time is over, on a thread of its own. All have the same time-out,
 * so their times are over in the order in which they came.
 *
 * <p>{@code CompletableFuture.orTimeout} would do, but for the lock that its timer has before Java
 * 25: whoever answers a request takes it to cancel the timer, behind callers who take it to start
 * one. Here nobody takes a lock; see {@link RequestQueue}.
 */
final class RequestDeadlines {
  /** How long a request that has its answer may be kept. */
  private static final long SWEEP_NANOS = 10_000_000;

  /** Pause before another try with a full heap: each try makes the collector stop everybody. */
  private static final long FULL_HEAP_NANOS = 50_000_000;

  private final Duration timeout;
  private final long timeoutNanos;
  private final ConcurrentLinkedQueue<BatchingRequest> requests = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean isStarted = new AtomicBoolean();
  private final AtomicBoolean isIdle = new AtomicBoolean();
  private final Thread watcher = new Thread(this::watch, "espalier-deadlines");
  private volatile boolean isClosed;

  RequestDeadlines(Duration timeout) {
    this.timeout = timeout;
    timeoutNanos = timeout.toNanos();
    watcher.setDaemon(true);
  }

  /**
   * Makes sure that there is a thread.
   *
   * @throws NativeMemoryException if the system has none left
   */
  void start() {
    if (isStarted.get()) {
      return;
    }
    StackReserve.require(); // nobody would start it a second time
    if (!isStarted.compareAndSet(false, true)) {
      return;
    }
    try {
      watcher.start();
    } catch (OutOfMemoryError refused) {
      isStarted.set(false);
      throw new NativeMemoryException("the system has no thread left", refused);
    }
  }

  /** Ends the request when its time is over, unless it is done by then. */
  void add(BatchingRequest request) {
    requests.add(request);
    if (isIdle.get() && isIdle.compareAndSet(true, false)) {
      LockSupport.unpark(watcher);
    }
  }

  /** Lets the thread end once all requests have. */
  void close() {
    isClosed = true;
    LockSupport.unpark(watcher);
  }

  private void watch() {
    boolean goesOn = true;
    boolean hasFailed = false;
    while (goesOn) {
      try {
        if (hasFailed) {
          hasFailed = false;
          LockSupport.parkNanos(FULL_HEAP_NANOS);
        }
        goesOn = awaitOne();
      } catch (Throwable noMemory) {
        // As in the thread that runs the batches: nothing is called here.
        hasFailed = true;
      }
    }
  }

  /** Waits for the end of one request's time, or a little; false once all is over. */
  private boolean awaitOne() {
    BatchingRequest first = requests.peek();
    if (first == null) {
      isIdle.set(true);
      if (requests.isEmpty() && !isClosed) {
        LockSupport.park(this);
      }
      isIdle.set(false);
    } else if (first.isDone()) {
      requests.poll(); // nobody else takes any
    } else {
      long nanos = first.start() + timeoutNanos - System.nanoTime();
      if (nanos <= 0) {
        first.completeExceptionally(BatchingPredictor.expired(timeout));
        // One that is claimed, and so not done yet, has its answer in a moment; the next one's time
        // is over no later for that.
        requests.poll();
      } else {
        LockSupport.parkNanos(this, Math.min(nanos, SWEEP_NANOS));
        requests.removeIf(BatchingRequest::isDone);
      }
    }
    Thread.interrupted(); // nobody means this thread
    return !isClosed || !requests.isEmpty();
  }
}
