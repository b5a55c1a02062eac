// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;

/**
 * Joins requests of many threads into batches, which a thread of its own runs. Each answer has the
 * bits that {@link Predictor#predict(float[])} gives.
 *
 * <p>Use it where a batch costs much less than its examples one by one: for dense networks whose
 * weights the caches do not hold (100 MB of them: four times the throughput for 8 callers).
 * Elsewhere the hand-over costs more than it saves, a third and more of the throughput even for
 * networks of convolutions: call the predictor itself there, from any number of threads.
 * docs/benchmarks.md has the figures. It also bounds how many requests run and wait.
 *
 * <p><b>Threads.</b> Any number of platform or virtual threads may call every method. Waiting holds
 * no monitor, so a virtual thread that waits leaves its carrier.
 *
 * <p><b>Ownership.</b> The predictors given to it stay the caller's, who closes them after this
 * object, or after {@link #swap} has replaced them.
 */
public final class BatchingPredictor implements AutoCloseable {
  /** How long the worker waits for memory before it tries again. */
  private static final long PAUSE_NANOS = 1_000_000;

  private final BatchingOptions options;
  private final int mostJoined; // by a full queue as well: nobody else gets in
  private final Shape inputShape;
  private final List<Task> tasks;
  private final int inputSize;
  private final int outputSize;
  private final boolean isLogits;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrival = lock.newCondition();
  private final ArrayDeque<Request> queue = new ArrayDeque<>(); // guarded by lock
  private boolean isClosed; // guarded by lock
  private long giveUpsSought; // of giveUps, when the queue was last searched; guarded by lock
  private final AtomicLong giveUps = new AtomicLong(); // by others than the worker, so far
  private volatile Predictor predictor;

  private final LongAdder accepted = new LongAdder();
  private final LongAdder shed = new LongAdder();
  private final LongAdder answered = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final LongAdder givenUp = new LongAdder();
  private final LongAdder batches = new LongAdder();

  private final ByteBuffer inputMemory;
  private final ByteBuffer outputMemory;
  private final List<Request> batch; // the worker's alone; as large as it may get
  private final Thread worker;
  private final CountDownLatch isOver = new CountDownLatch(1); // joining a thread takes its monitor

  private BatchingPredictor(Predictor predictor, BatchingOptions options) {
    this.options = options;
    mostJoined = Math.min(options.maxBatchSize(), options.queueCapacity());
    this.predictor = predictor;
    inputShape = predictor.inputShape();
    tasks = predictor.tasks();
    inputSize = predictor.inputSize();
    outputSize = predictor.outputSize();
    isLogits = predictor.isLogits();
    inputMemory = DirectMemory.allocate((long) options.maxBatchSize() * inputSize, "inputs");
    outputMemory = DirectMemory.allocate((long) options.maxBatchSize() * outputSize, "outputs");
    batch = new ArrayList<>(mostJoined);
    worker = new Thread(this::work, "espalier-batching");
    worker.setDaemon(true);
  }

  /**
   * Starts joining requests for a predictor.
   *
   * @param predictor an open predictor, which stays the caller's
   * @param options limits of batches, waiting and time
   * @return the batching predictor, to be closed by the caller
   * @throws IllegalStateException if the predictor is closed
   * @throws NativeMemoryException if there is no direct memory for a batch, or no thread
   */
  public static BatchingPredictor of(Predictor predictor, BatchingOptions options) {
    requireOpen(Objects.requireNonNull(predictor, "predictor"));
    Objects.requireNonNull(options, "options");
    BatchingPredictor batching = new BatchingPredictor(predictor, options);
    try {
      batching.worker.start();
    } catch (OutOfMemoryError refused) {
      throw new NativeMemoryException("the system has no thread left", refused);
    }
    return batching;
  }

  /**
   * Predicts for one example within the default time-out, and waits for the answer.
   *
   * @param input {@code [input shape]}, row-major; not to be changed until this returns
   * @return {@code [outputSize]}, a new array
   * @throws ShapeException if the length is not the input size
   * @throws OverloadedException if too many requests wait
   * @throws PredictionTimeoutException if the time is over
   * @throws CancellationException if the thread is interrupted, which stays its state
   * @throws IllegalStateException if this object or its predictor is closed
   */
  public float[] predict(float[] input) {
    return await(enter(input), options.timeout());
  }

  /**
   * Predicts for one example within a time-out, and waits for the answer.
   *
   * @param input {@code [input shape]}, row-major; not to be changed until this returns
   * @param timeout above 0, at most a day
   * @return {@code [outputSize]}, a new array
   * @throws ShapeException if the length is not the input size
   * @throws IllegalArgumentException if the time-out is out of range
   * @throws OverloadedException if too many requests wait
   * @throws PredictionTimeoutException if the time is over
   * @throws CancellationException if the thread is interrupted, which stays its state
   * @throws IllegalStateException if this object or its predictor is closed
   */
  public float[] predict(float[] input, Duration timeout) {
    BatchingOptions.requireTimeout(timeout);
    return await(enter(input), timeout);
  }

  /**
   * Predicts for one example as {@link #predict(float[])} does, and answers by names, with the
   * thresholds of the predictor that computed the answer. What a future answers gets names from
   * {@link Predictor#named}.
   *
   * @param input {@code [input shape]}, row-major; not to be changed until this returns
   * @return the answers
   * @throws ShapeException if the length is not the input size
   * @throws OverloadedException if too many requests wait
   * @throws PredictionTimeoutException if the time is over
   * @throws CancellationException if the thread is interrupted, which stays its state
   * @throws IllegalStateException if this object or its predictor is closed
   */
  public Prediction predictNamed(float[] input) {
    Request request = enter(input);
    float[] answer = await(request, options.timeout());
    return request.answeredBy.named(answer).get(0);
  }

  /**
   * Asks for the answer to one example, within the default time-out. The future ends with what
   * {@link #predict(float[])} would throw. Cancelling it gives the request up. What depends on it
   * runs on the thread that runs the batches: leave long work to the {@code …Async} methods.
   *
   * @param input {@code [input shape]}, row-major; copied
   * @return a future of {@code [outputSize]}
   * @throws ShapeException if the length is not the input size
   * @throws OverloadedException if too many requests wait
   * @throws IllegalStateException if this object is closed
   */
  public CompletableFuture<float[]> submit(float[] input) {
    Objects.requireNonNull(input, "input");
    Request request = enter(input.clone());
    return request.orTimeout(options.timeout().toNanos(), TimeUnit.NANOSECONDS);
  }

  /**
   * Replaces the predictor. Batches that are running end with the former one; requests that wait
   * get the new one. No request is lost, even if the former predictor is closed at once.
   *
   * @param next an open predictor with the same input shape, the same tasks, thresholds apart, and
   *     the same kind of outputs: probabilities or logits
   * @return the former predictor, which the caller may close
   * @throws IllegalArgumentException if input shape, tasks or kind of outputs differ
   * @throws IllegalStateException if {@code next} or this object is closed
   */
  public Predictor swap(Predictor next) {
    requireOpen(Objects.requireNonNull(next, "next"));
    if (!next.inputShape().equals(inputShape) || !hasOutputsOf(next.tasks())) {
      throw new IllegalArgumentException(
          "next: expected a predictor for "
              + inputShape
              + " with the tasks "
              + tasks
              + ", got one for "
              + next.inputShape()
              + " with "
              + next.tasks());
    }
    if (next.isLogits() != isLogits) {
      throw new IllegalArgumentException(
          "next: expected a predictor of " + kind(isLogits) + ", got one of " + kind(!isLogits));
    }
    lock.lock();
    try {
      requireNotClosed();
      Predictor former = predictor;
      predictor = next;
      return former;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns what has been done so far.
   *
   * @return a snapshot, taken while others go on
   */
  public BatchingStatistics statistics() {
    lock.lock();
    try {
      return new BatchingStatistics(
          accepted.sum(),
          shed.sum(),
          answered.sum(),
          failed.sum(),
          givenUp.sum(),
          batches.sum(),
          queue.size());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns the figures of {@link #statistics()} for monitoring; they go on over {@link #swap} and
   * stay when this object is closed.
   *
   * @return counters and a gauge, whose names begin with {@code "espalier.batching."}
   */
  public List<Instrument> instruments() {
    return BatchingStatistics.instruments(this::statistics);
  }

  /**
   * Takes no more requests, answers those that wait, and returns when that is done. Called from
   * what depends on a future, on the thread that runs the batches, or by a thread that is
   * interrupted, it does not wait; the requests are answered all the same. Further calls only wait.
   */
  @Override
  public void close() {
    lock.lock();
    try {
      isClosed = true;
      arrival.signalAll();
    } finally {
      lock.unlock();
    }
    if (Thread.currentThread() != worker) {
      try {
        isOver.await();
      } catch (InterruptedException interruption) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private Request enter(float[] input) {
    if (Objects.requireNonNull(input, "input").length != inputSize) {
      throw new ShapeException(
          "input: expected " + inputSize + " values for " + inputShape + ", got " + input.length);
    }
    Request request = new Request(input, giveUps);
    lock.lock();
    try {
      requireNotClosed();
      if (queue.size() >= options.queueCapacity()) {
        dropGivenUp();
      }
      if (queue.size() >= options.queueCapacity()) {
        shed.increment();
        throw new OverloadedException(
            "expected at most " + options.queueCapacity() + " waiting requests, got one more");
      }
      queue.add(request);
      accepted.increment();
      if (queue.size() == 1 || queue.size() == mostJoined) {
        arrival.signal();
      }
    } finally {
      lock.unlock();
    }
    return request;
  }

  private static float[] await(Request request, Duration timeout) {
    try {
      return request.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException late) {
      if (request.cancel(false)) {
        throw expired(timeout);
      }
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
      if (request.cancel(false)) {
        CancellationException cancellation = new CancellationException("interrupted while waiting");
        cancellation.initCause(interruption);
        throw cancellation;
      }
    } catch (ExecutionException failure) {
      throw exceptionFor(failure.getCause());
    }
    // It could not be given up: it is being answered, and counted so.
    try {
      return request.join();
    } catch (CompletionException failure) {
      throw exceptionFor(failure.getCause());
    }
  }

  private static RuntimeException exceptionFor(Throwable cause) {
    return cause instanceof RuntimeException error
        ? error
        : new EspalierException(ErrorCode.INTERNAL, "a batch failed", cause);
  }

  private static PredictionTimeoutException expired(Duration timeout) {
    return new PredictionTimeoutException("expected an answer within " + timeout + ", got none");
  }

  private static void requireOpen(Predictor predictor) {
    if (predictor.isClosed()) {
      throw new ClosedException("the predictor is closed");
    }
  }

  private static String kind(boolean isLogits) {
    return isLogits ? "logits" : "probabilities";
  }

  private boolean hasOutputsOf(List<Task> others) {
    return others.size() == tasks.size()
        && IntStream.range(0, tasks.size()).allMatch(i -> tasks.get(i).hasOutputsOf(others.get(i)));
  }

  private void requireNotClosed() {
    if (isClosed) {
      throw new ClosedException("the batching predictor is closed");
    }
  }

  /** Requests that were given up need no place. Looks for them only if there may be some. */
  private void dropGivenUp() {
    long count = giveUps.get();
    if (count == giveUpsSought) {
      return;
    }
    giveUpsSought = count;
    int before = queue.size();
    queue.removeIf(Request::isGivenUp);
    givenUp.add(before - queue.size());
  }

  private void work() {
    boolean goesOn = true;
    boolean hasFailed = false;
    while (goesOn) {
      try {
        if (hasFailed) {
          hasFailed = false;
          LockSupport.parkNanos(PAUSE_NANOS);
        }
        if (batch.isEmpty()) { // what a failure left in it comes first
          goesOn = gather();
        }
        if (!batch.isEmpty()) {
          run();
          batch.clear();
        }
      } catch (Throwable failure) {
        // Most likely a full heap, which others may give back: requests have nobody else to wait
        // for, and stay in the queue or in the batch until they have an answer. Nothing is called
        // here: with a full heap the pause, too, may fail.
        hasFailed = true;
      }
    }
    isOver.countDown();
  }

  /** Waits for a batch; false once closed and nothing waits any more. */
  private boolean gather() {
    lock.lock();
    try {
      while (queue.isEmpty()) {
        if (isClosed) {
          return false;
        }
        arrival.awaitUninterruptibly();
      }
      awaitCompany();
      while (!queue.isEmpty() && batch.size() < options.maxBatchSize()) {
        Request request = queue.remove();
        if (request.isGivenUp()) {
          givenUp.increment();
        } else {
          batch.add(request);
        }
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void awaitCompany() {
    long deadline = queue.peek().start + options.maxWait().toNanos();
    while (!isClosed && queue.size() < mostJoined) {
      long nanos = deadline - System.nanoTime();
      if (nanos <= 0) {
        return;
      }
      try {
        arrival.awaitNanos(nanos);
      } catch (InterruptedException nobodyMeansThisThread) {
        return;
      }
    }
  }

  private void run() {
    batches.increment();
    int settled = 0;
    try {
      FloatBuffer inputs = inputMemory.asFloatBuffer();
      for (Request request : batch) {
        inputs.put(request.input);
      }
      Predictor answering = predict(batch.size());
      FloatBuffer outputs = outputMemory.asFloatBuffer();
      for (Request request : batch) {
        float[] answer = new float[outputSize];
        outputs.get(answer);
        settled++;
        // Counted first: who has the answer finds it counted.
        if (request.claim()) {
          answered.increment();
          request.answer(answer, answering);
        } else {
          givenUp.increment();
        }
      }
    } catch (Throwable error) {
      fail(settled, error);
    }
  }

  /** Ends the requests of the batch from that one on. Without memory to do so, it tries again. */
  private void fail(int first, Throwable error) {
    for (int i = first; i < batch.size(); i++) {
      Request request = batch.get(i);
      if (request.claim()) {
        failed.increment();
        boolean hasFailed = false;
        while (!request.isDone()) {
          try {
            if (hasFailed) {
              LockSupport.parkNanos(PAUSE_NANOS);
            }
            request.fail(error);
          } catch (OutOfMemoryError noMemory) {
            hasFailed = true; // and nothing else, as in work()
          }
        }
      } else {
        givenUp.increment();
      }
    }
  }

  /** Predicts for the first inputs; returns the predictor that did so. */
  private Predictor predict(int count) {
    while (true) {
      Predictor current = predictor;
      try {
        current.predictAt(
            count, DirectMemory.address(inputMemory), DirectMemory.address(outputMemory));
        return current;
      } catch (IllegalStateException closed) {
        // Replaced and closed since it was read: the next one is there already.
        if (current == predictor) {
          throw closed;
        }
      } finally {
        Reference.reachabilityFence(this);
      }
    }
  }

  /**
   * One example, and the answer to come. Who claims it ends it: the thread that runs the batches
   * knows before it answers that the answer will count, so no count has to be taken back.
   */
  private static final class Request extends CompletableFuture<float[]> {
    final float[] input;
    final long start = System.nanoTime();
    Predictor answeredBy; // written before the answer
    private final AtomicBoolean isClaimed = new AtomicBoolean();
    private final AtomicLong giveUps;

    Request(float[] input, AtomicLong giveUps) {
      this.input = input;
      this.giveUps = giveUps;
    }

    boolean claim() {
      return isClaimed.compareAndSet(false, true);
    }

    /** Claims it for somebody else than the worker; counted before anything can depend on it. */
    private boolean giveUp() {
      if (!claim()) {
        return false;
      }
      giveUps.incrementAndGet();
      return true;
    }

    /** Returns true if the worker need not answer it; asked while it is in the queue. */
    boolean isGivenUp() {
      return isClaimed.get() || isDone();
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
}
