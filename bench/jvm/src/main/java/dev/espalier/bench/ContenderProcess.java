// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import com.sun.management.ThreadMXBean;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.StringJoiner;
import java.util.concurrent.CountDownLatch;

/**
 * The process of one contender: {@code CLASS NAME THREADS}. Does what {@link ContenderClient} asks
 * for, a line each, and answers with a line that begins with {@link #ANSWER}; libraries may print
 * what they like in between.
 */
public final class ContenderProcess {
  static final String ANSWER = "@@ ";

  /** Steps of training whose losses are compared before anything is timed. */
  static final int CHECKED_STEPS = 4;

  private static final int MOST_SAMPLES = 1 << 20;

  private final Contender contender;
  private final long[] nanos = new long[MOST_SAMPLES];
  private final long[] sorted = new long[MOST_SAMPLES];
  private final double[] losses = new double[MOST_SAMPLES];
  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private Contender.Prediction prediction;
  private Contender.Training training;

  private ContenderProcess(Contender contender) {
    this.contender = contender;
  }

  /** Runs until the input ends. */
  public static void main(String[] arguments) throws Exception {
    PrintStream answers = System.out;
    System.setOut(System.err);
    Contender contender =
        (Contender)
            Class.forName(arguments[0]).getConstructor(String.class).newInstance(arguments[1]);
    contender.threads(Integer.parseInt(arguments[2]));
    ContenderProcess process = new ContenderProcess(contender);
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
    String line;
    while ((line = requests.readLine()) != null) {
      String answer;
      try {
        answer = "ok " + process.answer(line.split(" "));
      } catch (UnsupportedOperationException missing) {
        answer = "unsupported " + missing.getMessage();
      } catch (Exception | LinkageError error) {
        error.printStackTrace();
        answer = "error " + String.valueOf(error).replace('\n', ' ');
      }
      answers.println(ANSWER + answer);
      answers.flush();
    }
    System.exit(0); // some libraries leave threads behind
  }

  private String answer(String[] words) throws Exception {
    switch (words[0]) {
      case "version":
        return contender.version().replace('\n', ' ');
      case "predict":
        prediction = contender.prediction(work(words), Integer.parseInt(words[3]));
        prediction.run();
        Work.writeFloats(Path.of(words[4]), prediction.outputs());
        return "";
      case "load":
        return numbers(contender.load(work(words)));
      case "train":
        training = contender.training(work(words), Integer.parseInt(words[3]));
        training.steps(CHECKED_STEPS, nanos, losses);
        float[] first = new float[CHECKED_STEPS];
        for (int i = 0; i < first.length; i++) {
          first[i] = (float) losses[i];
        }
        Work.writeFloats(Path.of(words[4]), first);
        return "";
      case "peak":
        return numbers(PeakMemory.growthMegabytes());
      case "round":
        return round(Long.parseLong(words[1]), Integer.parseInt(words[2]));
      case "blocks":
        return blocks(Long.parseLong(words[1]), Integer.parseInt(words[2]));
      case "callers":
        return callers(Integer.parseInt(words[1]), Long.parseLong(words[2]));
      case "transfer":
        Contender.Transfer transfer = contender.transfer(work(words), words[3]);
        return numbers(transfer.seconds()) + " " + numbers(transfer.losses());
      case "close":
        if (prediction != null) {
          prediction.close();
        }
        if (training != null) {
          training.close();
        }
        prediction = null;
        training = null;
        return "";
      default:
        throw new IllegalArgumentException("unknown request " + words[0]);
    }
  }

  /** Times single calls or steps for so long, and at least so many: count, quantiles, bytes. */
  private String round(long millis, int least) {
    int count = 0;
    long allocated = allocatedBytes();
    long now = System.nanoTime();
    final long end = now + millis * 1_000_000;
    if (prediction != null) {
      while ((now < end || count < least) && count < MOST_SAMPLES) {
        long before = System.nanoTime();
        prediction.run();
        now = System.nanoTime();
        nanos[count++] = now - before;
      }
      allocated = allocatedBytes() - allocated;
    } else {
      int block = 1;
      long[] part = new long[1024];
      while ((now < end || count < least) && count + block <= MOST_SAMPLES) {
        training.steps(block, part, losses);
        System.arraycopy(part, 0, nanos, count, block);
        count += block;
        long taken = System.nanoTime() - now;
        now += taken;
        // Few hand-overs to the training thread, and yet no round much too long.
        block = taken < millis * 100_000 ? Math.min(2 * block, part.length) : block;
      }
      allocated = 0;
    }
    System.arraycopy(nanos, 0, sorted, 0, count);
    Arrays.sort(sorted, 0, count);
    return numbers(
        count,
        microseconds(count, 0.5, 1),
        microseconds(count, 0.99, 200),
        microseconds(count, 0.999, 2000),
        (double) allocated / count);
  }

  /** For calls that are hardly longer than reading the clock: the median of blocks, in ns. */
  private String blocks(long millis, int calls) {
    int count = 0;
    long now = System.nanoTime();
    final long end = now + millis * 1_000_000;
    while (now < end && count < MOST_SAMPLES) {
      long before = System.nanoTime();
      for (int i = 0; i < calls; i++) {
        prediction.run();
      }
      now = System.nanoTime();
      nanos[count++] = now - before;
    }
    System.arraycopy(nanos, 0, sorted, 0, count);
    Arrays.sort(sorted, 0, count);
    return numbers((double) Samples.quantile(sorted, count, 0.5) / calls);
  }

  /** So many threads call the same predictor without a pause: calls/s, p99, p99.9. */
  private String callers(int callers, long millis) throws InterruptedException {
    CountDownLatch ready = new CountDownLatch(callers);
    CountDownLatch go = new CountDownLatch(1);
    int room = MOST_SAMPLES / callers;
    int[] counts = new int[callers];
    Thread[] all = new Thread[callers];
    for (int c = 0; c < callers; c++) {
      final int caller = c;
      Contender.Prediction own = prediction.sharing();
      all[c] =
          new Thread(
              () -> {
                ready.countDown();
                awaitQuietly(go);
                long now = System.nanoTime();
                final long end = now + millis * 1_000_000;
                int count = 0;
                while (now < end && count < room) {
                  long before = System.nanoTime();
                  own.run();
                  now = System.nanoTime();
                  nanos[caller * room + count++] = now - before;
                }
                counts[caller] = count;
                own.close();
              });
      all[c].start();
    }
    ready.await();
    final long start = System.nanoTime();
    go.countDown();
    for (Thread thread : all) {
      thread.join();
    }
    final double seconds = (System.nanoTime() - start) * 1e-9;
    int total = 0;
    for (int c = 0; c < callers; c++) {
      System.arraycopy(nanos, c * room, sorted, total, counts[c]);
      total += counts[c];
    }
    Arrays.sort(sorted, 0, total);
    return numbers(
        total / seconds, microseconds(total, 0.99, 200), microseconds(total, 0.999, 2000));
  }

  private double microseconds(int count, double quantile, int least) {
    return count < least ? Double.NaN : Samples.quantile(sorted, count, quantile) / 1e3;
  }

  private long allocatedBytes() {
    return threads.getThreadAllocatedBytes(Thread.currentThread().getId());
  }

  private static Work work(String[] words) {
    return new Work(Path.of(words[1]), words[2]);
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
    }
  }

  private static String numbers(double... values) {
    StringJoiner text = new StringJoiner(" ");
    for (double value : values) {
      text.add(String.format(Locale.ROOT, "%.6g", value));
    }
    return text.toString();
  }
}
