// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Requests on their way from any number of threads to the one that runs them, the worker. Nobody
 * takes a lock: a virtual thread that holds one, or is next to get it, may be without a carrier for
 * as long as others keep all carriers busy, and whoever waits for it would stand still so long.
 *
 * <p>A request takes a place for each of its examples before it is made, and gives them back when
 * the worker joins it to a batch or somebody gives it up. So who finds no place is turned away by
 * one look at a number, and closing, which is a bit of the same number, lets nobody slip in.
 */
final class RequestQueue {
  /** Above all places: nobody gets in, and nobody is waited for. */
  private static final long CLOSED = 1L << 32;

  /** The worker does not want to be woken. */
  private static final int NEVER = Integer.MAX_VALUE;

  private final int capacity;
  private final int maxBatchSize;
  private final int mostJoined;
  private final long maxWaitNanos;

  private final ConcurrentLinkedQueue<BatchingRequest> requests = new ConcurrentLinkedQueue<>();
  private final AtomicLong places = new AtomicLong(); // taken, and CLOSED
  private final AtomicInteger wanted = new AtomicInteger(NEVER); // places that wake the worker
  private final AtomicInteger abandoned = new AtomicInteger(); // since requests was last searched
  private BatchingRequest next; // out of requests and still waiting; the worker's alone

  // Not adders, which allocate: with a full heap a request would lose its places, or its answer.
  private final AtomicLong accepted = new AtomicLong();
  private final AtomicLong shed = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private final AtomicLong givenUp = new AtomicLong();

  RequestQueue(BatchingOptions options) {
    capacity = options.queueCapacity();
    maxBatchSize = options.maxBatchSize();
    mostJoined = Math.min(maxBatchSize, capacity); // by a full queue as well: nobody else gets in
    maxWaitNanos = options.maxWait().toNanos();
  }

  /** Returns how many examples a batch, and so a request, may have. */
  int mostJoined() {
    return mostJoined;
  }

  /**
   * Takes places for a request to come.
   *
   * @throws OverloadedException if there are not as many
   * @throws ClosedException if closed
   */
  void reserve(int count) {
    long taken;
    do {
      taken = places.get();
      requireOpen(taken);
      if (taken + count > capacity) {
        shed.incrementAndGet();
        throw new OverloadedException(
            "expected at most " + capacity + " waiting examples, got " + (taken + count));
      }
    } while (!places.compareAndSet(taken, taken + count));
  }

  /** Gives places back. */
  void release(int count, Thread worker) {
    if (places.addAndGet(-count) == CLOSED) {
      LockSupport.unpark(worker);
    }
  }

  /** Adds a request that has its places; gives them back where there is no memory for it. */
  void add(BatchingRequest request, Thread worker) {
    accepted.incrementAndGet(); // before it can be answered
    try {
      requests.add(request);
    } catch (Throwable noMemory) {
      failed.incrementAndGet();
      release(request.count(), worker);
      throw noMemory;
    }
    int enough = wanted.get();
    if (places.get() >= enough && wanted.compareAndSet(enough, NEVER)) {
      LockSupport.unpark(worker);
    }
    int gone = abandoned.get();
    if (gone > capacity && abandoned.compareAndSet(gone, 0)) {
      requests.removeIf(BatchingRequest::isGivenUp);
    }
  }

  /** Counts a request that somebody else than the worker ended. */
  void countGivenUp() {
    givenUp.incrementAndGet();
  }

  /** Counts a request that ended in an exception. */
  void countFailed() {
    failed.incrementAndGet();
  }

  /** Takes note that there is a request of which the worker wants nothing. */
  void abandon() {
    abandoned.incrementAndGet();
  }

  /**
   * Waits for a batch: from a first request on for others, until enough wait or its time is over.
   * Called by the worker alone; allocates nothing unless {@code batch} grows.
   *
   * @param batch gets requests with at most as many examples as a batch may have; maybe none
   * @return false once closed and nothing waits any more
   */
  boolean gather(List<BatchingRequest> batch) {
    while (!hasNext()) {
      if (places.get() == CLOSED) {
        return false;
      }
      wanted.set(1);
      if (requests.isEmpty() && places.get() != CLOSED) {
        LockSupport.park(this);
      }
      wanted.set(NEVER);
      Thread.interrupted(); // nobody means this thread
    }
    awaitCompany();
    int count = 0;
    while (count < maxBatchSize && hasNext() && count + next.count() <= maxBatchSize) {
      BatchingRequest request = next;
      next = null;
      if (request.take()) {
        batch.add(request);
        count += request.count();
      }
    }
    return true;
  }

  /** Makes {@code next} a request that is not given up; false if there is none. */
  private boolean hasNext() {
    while (next == null || next.isGivenUp()) {
      next = requests.poll();
      if (next == null) {
        return false;
      }
    }
    return true;
  }

  private void awaitCompany() {
    while (maxWaitNanos > 0 && places.get() < mostJoined) {
      long nanos = next.start() + maxWaitNanos - System.nanoTime();
      if (nanos <= 0) {
        return;
      }
      wanted.set(mostJoined);
      if (places.get() < mostJoined) {
        LockSupport.parkNanos(this, nanos);
      }
      wanted.set(NEVER);
      Thread.interrupted();
    }
  }

  /** Takes no more requests; what waits is still for the worker. */
  void close(Thread worker) {
    long taken;
    do {
      taken = places.get();
    } while (taken < CLOSED && !places.compareAndSet(taken, taken + CLOSED));
    LockSupport.unpark(worker);
  }

  /**
   * Checks that this is open.
   *
   * @throws ClosedException if closed
   */
  void requireOpen() {
    requireOpen(places.get());
  }

  private static void requireOpen(long places) {
    if (places >= CLOSED) {
      throw new ClosedException("the batching predictor is closed");
    }
  }

  boolean isClosed() {
    return places.get() >= CLOSED;
  }

  /** Returns how many examples wait. */
  int waiting() {
    return (int) places.get();
  }

  long accepted() {
    return accepted.get();
  }

  long shed() {
    return shed.get();
  }

  long failed() {
    return failed.get();
  }

  long givenUp() {
    return givenUp.get();
  }
}
