// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.StackReserve;
import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import java.time.Duration;
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
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
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
 * <p><b>Threads.</b> Any number of platform or virtual threads may call every method. None takes a
 * lock: being turned away, {@link #swap} and {@link #statistics} wait for nobody. A virtual thread
 * that waits for an answer leaves its carrier.
 *
 * <p><b>Ownership.</b> The predictors given to it stay the caller's, who closes them after this
 * object, or after {@link #swap} has replaced them.
 *
 * @since 0.1
 */
public final class BatchingPredictor implements AutoCloseable {
  /** How long the worker waits for memory before it tries again. */
  private static final long PAUSE_NANOS = 1_000_000;

  private final BatchingOptions options;
  private final Shape inputShape;
  private final List<Task> tasks;
  private final int inputSize;
  private final int outputSize;
  private final boolean isLogits;

  private final RequestQueue queue;
  private final RequestDeadlines deadlines; // of what is submitted
  private final AtomicReference<Predictor> predictor;
  private final LongAdder answered = new LongAdder();
  private final LongAdder batches = new LongAdder();

  // All that the worker needs is made here: it runs with what others leave of the memory.
  private final FloatBuffer inputs;
  private final FloatBuffer outputs;
  private final long inputAddress;
  private final long outputAddress;
  private final float[] pixelValues = new float[256]; // what a pixel means; the worker's alone
  private Predictor pixelValuesOf;
  private final List<BatchingRequest> batch;
  private final Thread worker;
  private final CountDownLatch isOver = new CountDownLatch(1); // joining a thread takes its monitor

  private BatchingPredictor(Predictor predictor, BatchingOptions options) {
    this.options = options;
    this.predictor = new AtomicReference<>(predictor);
    inputShape = predictor.inputShape();
    tasks = predictor.tasks();
    inputSize = predictor.inputSize();
    outputSize = predictor.outputSize();
    isLogits = predictor.isLogits();
    queue = new RequestQueue(options);
    deadlines = new RequestDeadlines(options.timeout());
    long examples = options.maxBatchSize();
    inputs = DirectMemory.allocate(examples * inputSize, "inputs").asFloatBuffer();
    outputs = DirectMemory.allocate(examples * outputSize, "outputs").asFloatBuffer();
    inputAddress = DirectMemory.address(inputs);
    outputAddress = DirectMemory.address(outputs);
    batch = new ArrayList<>(options.maxBatchSize());
    worker = new Thread(this::work, "espalier-batching");
    worker.setDaemon(true);
  }

  /**
   * Starts joining requests for a predictor.
   *
   * @param predictor an open predictor, which stays the caller's
   * @param options limits of batches, waiting and time
   * @return the batching predictor, to be closed by the caller
   * @throws ClosedException if the predictor is closed
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
   * Predicts for one example, or for several that stay together, within the default time-out, and
   * waits for the answer.
   *
   * @param inputs {@code [n, input shape]}, row-major; not to be changed until this returns
   * @return {@code [n, outputSize]}, a new array
   * @throws ShapeException if the length is not a multiple of the input size, at least one
   * @throws IllegalArgumentException if a batch does not hold so many examples
   * @throws OverloadedException if too many examples wait
   * @throws PredictionTimeoutException if the time is over
   * @throws CancellationException if the thread is interrupted, which stays its state
   * @throws ClosedException if this object or its predictor is closed
   */
  public float[] predict(float[] inputs) {
    return await(enter(inputs, false), options.timeout());
  }

  /**
   * Predicts for one example, or for several that stay together, within a time-out, and waits for
   * the answer.
   *
   * @param inputs {@code [n, input shape]}, row-major; not to be changed until this returns
   * @param timeout above 0, at most a day
   * @return {@code [n, outputSize]}, a new array
   * @throws ShapeException if the length is not a multiple of the input size, at least one
   * @throws IllegalArgumentException if a batch does not hold so many examples, or the time-out is
   *     out of range
   * @throws OverloadedException if too many examples wait
   * @throws PredictionTimeoutException if the time is over
   * @throws CancellationException if the thread is interrupted, which stays its state
   * @throws ClosedException if this object or its predictor is closed
   */
  public float[] predict(float[] inputs, Duration timeout) {
    BatchingOptions.requireTimeout(timeout);
    return await(enter(inputs, false), timeout);
  }

  /**
   * Predicts from pixels of a byte each, as {@link Predictor#predictPixels(byte[])} does, for one
   * example or for several that stay together, within the default time-out, and waits for the
   * answer. Pixels mean what they mean to the predictor that computes the answer.
   *
   * @param pixels {@code [n, input shape]}, row-major; not to be changed until this returns
   * @return {@code [n, outputSize]}, a new array
   * @throws ShapeException if the length is not a multiple of the input size, at least one
   * @throws IllegalArgumentException if a batch does not hold so many examples
   * @throws OverloadedException if too many examples wait
   * @throws PredictionTimeoutException if the time is over
   * @throws CancellationException if the thread is interrupted, which stays its state
   * @throws ClosedException if this object or its predictor is closed
   */
  public float[] predictPixels(byte[] pixels) {
    return await(enter(pixels, false), options.timeout());
  }

  /**
   * Predicts from pixels as {@link #predictPixels(byte[])} does, within a time-out.
   *
   * @param pixels {@code [n, input shape]}, row-major; not to be changed until this returns
   * @param timeout above 0, at most a day
   * @return {@code [n, outputSize]}, a new array
   * @throws ShapeException if the length is not a multiple of the input size, at least one
   * @throws IllegalArgumentException if a batch does not hold so many examples, or the time-out is
   *     out of range
   * @throws OverloadedException if too many examples wait
   * @throws PredictionTimeoutException if the time is over
   * @throws CancellationException if the thread is interrupted, which stays its state
   * @throws ClosedException if this object or its predictor is closed
   */
  public float[] predictPixels(byte[] pixels, Duration timeout) {
    BatchingOptions.requireTimeout(timeout);
    return await(enter(pixels, false), timeout);
  }

  /**
   * Predicts for one example as {@link #predict(float[])} does, and answers by names, with the
   * thresholds of the predictor that computed the answer. What a future answers, or a batch, gets
   * names from {@link Predictor#named}.
   *
   * @param input {@code [input shape]}, row-major; not to be changed until this returns
   * @return the answers
   * @throws ShapeException if the length is not the input size
   * @throws OverloadedException if too many examples wait
   * @throws PredictionTimeoutException if the time is over
   * @throws CancellationException if the thread is interrupted, which stays its state
   * @throws ClosedException if this object or its predictor is closed
   */
  public Prediction predictNamed(float[] input) {
    ExampleCounts.requireOne(Objects.requireNonNull(input, "input").length, inputSize, inputShape);
    return named(enter(input, false));
  }

  /**
   * Predicts for one example from pixels as {@link #predictPixels(byte[])} does, and answers by
   * names, with the thresholds of the predictor that computed the answer.
   *
   * @param pixels {@code [input shape]}, row-major; not to be changed until this returns
   * @return the answers
   * @throws ShapeException if the length is not the input size
   * @throws OverloadedException if too many examples wait
   * @throws PredictionTimeoutException if the time is over
   * @throws CancellationException if the thread is interrupted, which stays its state
   * @throws ClosedException if this object or its predictor is closed
   */
  public Prediction predictNamed(byte[] pixels) {
    ExampleCounts.requireOne(
        Objects.requireNonNull(pixels, "pixels").length, inputSize, inputShape);
    return named(enter(pixels, false));
  }

  /**
   * Asks for the answer to one example, or to several that stay together, within the default
   * time-out. The future ends with what {@link #predict(float[])} would throw. Cancelling it gives
   * the request up. What depends on it runs on the thread that runs the batches: leave long work to
   * the {@code …Async} methods.
   *
   * @param inputs {@code [n, input shape]}, row-major; copied
   * @return a future of {@code [n, outputSize]}
   * @throws ShapeException if the length is not a multiple of the input size, at least one
   * @throws IllegalArgumentException if a batch does not hold so many examples
   * @throws OverloadedException if too many examples wait
   * @throws NativeMemoryException if the system has no thread left for time-outs, at the first call
   * @throws ClosedException if this object is closed
   */
  public CompletableFuture<float[]> submit(float[] inputs) {
    deadlines.start();
    BatchingRequest request = enter(inputs, true);
    deadlines.add(request);
    return request;
  }

  /**
   * Asks for the answer to pixels of a byte each, as {@link #submit} does.
   *
   * @param pixels {@code [n, input shape]}, row-major; copied
   * @return a future of {@code [n, outputSize]}
   * @throws ShapeException if the length is not a multiple of the input size, at least one
   * @throws IllegalArgumentException if a batch does not hold so many examples
   * @throws OverloadedException if too many examples wait
   * @throws NativeMemoryException if the system has no thread left for time-outs, at the first call
   * @throws ClosedException if this object is closed
   */
  public CompletableFuture<float[]> submitPixels(byte[] pixels) {
    deadlines.start();
    BatchingRequest request = enter(pixels, true);
    deadlines.add(request);
    return request;
  }

  /**
   * Replaces the predictor. Batches that are running end with the former one; requests that wait
   * get the new one. No request is lost, even if the former predictor is closed at once.
   *
   * @param next an open predictor with the same input shape, the same tasks, thresholds apart, and
   *     the same kind of outputs: probabilities or logits
   * @return the former predictor, which the caller may close
   * @throws IllegalArgumentException if input shape, tasks or kind of outputs differ
   * @throws ClosedException if {@code next} or this object is closed
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
    queue.requireOpen();
    return predictor.getAndSet(next);
  }

  /**
   * Returns what has been done so far.
   *
   * @return a snapshot, taken while others go on
   */
  public BatchingStatistics statistics() {
    return new BatchingStatistics(
        queue.accepted(),
        queue.shed(),
        answered.sum(),
        queue.failed(),
        queue.givenUp(),
        batches.sum(),
        queue.waiting());
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

  /** Returns what is joined, and how much waits. */
  @Override
  public String toString() {
    return "BatchingPredictor["
        + options
        + ", "
        + queue.waiting()
        + " waiting"
        + (queue.isClosed() ? ", closed]" : "]");
  }

  /**
   * Takes no more requests, answers those that wait, and returns when that is done. Called from
   * what depends on a future, on the thread that runs the batches, or by a thread that is
   * interrupted, it does not wait; the requests are answered all the same. Further calls only wait.
   */
  @Override
  public void close() {
    StackReserve.require(); // a class that lacks it when waiting loads it is lost to the JVM
    queue.close(worker);
    if (Thread.currentThread() != worker) {
      try {
        isOver.await();
      } catch (InterruptedException interruption) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private BatchingRequest enter(float[] inputs, boolean isCopied) {
    int count = reserve(Objects.requireNonNull(inputs, "inputs").length);
    BatchingRequest request;
    try {
      float[] own = isCopied ? inputs.clone() : inputs;
      request = BatchingRequest.ofInputs(queue, worker, own, count);
    } catch (Throwable noMemory) {
      queue.release(count, worker);
      throw noMemory;
    }
    queue.add(request, worker);
    return request;
  }

  private BatchingRequest enter(byte[] pixels, boolean isCopied) {
    int count = reserve(Objects.requireNonNull(pixels, "pixels").length);
    BatchingRequest request;
    try {
      byte[] own = isCopied ? pixels.clone() : pixels;
      request = BatchingRequest.ofPixels(queue, worker, own, count);
    } catch (Throwable noMemory) {
      queue.release(count, worker);
      throw noMemory;
    }
    queue.add(request, worker);
    return request;
  }

  /** Takes places for as many examples as that are; returns how many. */
  private int reserve(int length) {
    int count = ExampleCounts.of(length, inputSize, inputShape);
    if (count > queue.mostJoined()) {
      throw new IllegalArgumentException(
          "inputs: expected at most " + queue.mostJoined() + " examples, got " + count);
    }
    StackReserve.require(); // a request that lacks it keeps its places for ever
    queue.reserve(count);
    return count;
  }

  private Prediction named(BatchingRequest request) {
    float[] answer = await(request, options.timeout());
    return request.answeredBy().named(answer).get(0);
  }

  private static float[] await(BatchingRequest request, Duration timeout) {
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

  static PredictionTimeoutException expired(Duration timeout) {
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
          goesOn = queue.gather(batch);
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
    deadlines.close(); // every request is done
    isOver.countDown();
  }

  private void run() {
    batches.increment();
    int settled = 0;
    try {
      Predictor answering = predict();
      int position = 0;
      for (BatchingRequest request : batch) {
        float[] answer = new float[request.count() * outputSize];
        outputs.get(position, answer);
        position += answer.length;
        settled++;
        // Counted first: who has the answer finds it counted.
        if (request.claim()) {
          answered.increment();
          request.answer(answer, answering);
        }
      }
    } catch (Throwable error) {
      fail(settled, error);
    }
  }

  /** Ends the requests of the batch from that one on. Without memory to do so, it tries again. */
  private void fail(int first, Throwable error) {
    for (int i = first; i < batch.size(); i++) {
      BatchingRequest request = batch.get(i);
      if (request.claim()) {
        queue.countFailed();
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
      }
    }
  }

  /** Predicts for the batch; returns the predictor that did so. */
  private Predictor predict() {
    while (true) {
      Predictor current = predictor.get();
      int count = writeInputs(current);
      try {
        current.predictAt(count, inputAddress, outputAddress);
        return current;
      } catch (IllegalStateException closed) {
        // Replaced and closed since it was read: the next one is there already.
        if (current == predictor.get()) {
          throw closed;
        }
      } finally {
        Reference.reachabilityFence(this);
      }
    }
  }

  /** Writes the batch's inputs, pixels as the predictor reads them; returns the examples. */
  private int writeInputs(Predictor predictor) {
    if (pixelValuesOf != predictor) {
      for (int pixel = 0; pixel < pixelValues.length; pixel++) {
        pixelValues[pixel] = pixel * predictor.pixelScale() + predictor.pixelOffset();
      }
      pixelValuesOf = predictor;
    }
    int count = 0;
    for (BatchingRequest request : batch) {
      request.writeInputs(inputs, count * inputSize, pixelValues);
      count += request.count();
    }
    return count;
  }
}
