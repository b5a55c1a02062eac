// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.data.PictureReader;
import dev.espalier.data.TableInputs;
import dev.espalier.text.TextInputs;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The predictor that all tasks of a process use which predict by the same model in the same way.
 * Each task counts as a user. One that nobody uses is kept, as the next task comes soon; but of
 * those only the {@value #MAX_IDLE} that were used last.
 */
final class SharedPredictor {
  private static final int MAX_IDLE = 2;

  /** All that are open or being opened, those first that were used longest ago. */
  private static final Map<Key, SharedPredictor> ALL = new LinkedHashMap<>(16, 0.75f, true);

  private final Deque<BatchBuffers> freeBuffers = new ArrayDeque<>();
  private int users; // guarded by ALL
  private @Nullable Predictor predictor;
  private @Nullable PictureReader pictures;
  private @Nullable TextInputs texts;
  private @Nullable TableInputs tables;

  private SharedPredictor() {}

  private record Key(String digest, PredictorOptions options) {}

  /**
   * Takes part in a predictor, which is made if there is none.
   *
   * @param digest of the model
   * @param options of the predictor
   * @param model its file, asked for if need be
   * @return to be {@linkplain #release released} once
   */
  static SharedPredictor acquire(String digest, PredictorOptions options, Supplier<byte[]> model) {
    SharedPredictor shared;
    synchronized (ALL) {
      shared = ALL.computeIfAbsent(new Key(digest, options), key -> new SharedPredictor());
      shared.users++;
    }
    try {
      shared.open(options, model);
      return shared;
    } catch (RuntimeException | Error error) {
      shared.release();
      throw error;
    }
  }

  /** Ends one user's part. */
  void release() {
    synchronized (ALL) {
      users--;
      long idle = ALL.values().stream().filter(shared -> shared.users == 0).count();
      Iterator<SharedPredictor> oldestFirst = ALL.values().iterator();
      while (idle > MAX_IDLE) {
        SharedPredictor shared = oldestFirst.next();
        if (shared.users == 0) {
          oldestFirst.remove();
          shared.close();
          idle--;
        }
      }
    }
  }

  /** Returns how many predictors this process keeps, in use or not. */
  static int count() {
    synchronized (ALL) {
      return ALL.size();
    }
  }

  private synchronized void open(PredictorOptions options, Supplier<byte[]> model) {
    if (predictor == null) {
      predictor = Predictor.load(model.get(), options);
    }
  }

  private synchronized void close() {
    if (predictor != null) {
      predictor.close();
    }
  }

  synchronized Predictor predictor() {
    if (predictor == null) {
      throw new IllegalStateException("expected a predictor that is open");
    }
    return predictor;
  }

  /** Returns how the model reads pictures. */
  synchronized PictureReader pictures() {
    if (pictures == null) {
      pictures = PictureReader.of(predictor());
    }
    return pictures;
  }

  /** Returns how the model reads texts. */
  synchronized TextInputs texts() {
    if (texts == null) {
      texts = TextInputs.of(predictor());
    }
    return texts;
  }

  /** Returns how the model reads rows of a table. */
  synchronized TableInputs tables() {
    if (tables == null) {
      tables = TableInputs.of(predictor());
    }
    return tables;
  }

  /** Lends buffers for batches; those of former tasks, which would be freed late otherwise. */
  BatchBuffers borrowBuffers(int rows) {
    synchronized (freeBuffers) {
      if (!freeBuffers.isEmpty()) {
        return freeBuffers.pop();
      }
    }
    return BatchBuffers.of(rows, predictor().inputSize(), predictor().outputSize());
  }

  /** Takes buffers back. */
  void giveBack(BatchBuffers buffers) {
    synchronized (freeBuffers) {
      freeBuffers.push(buffers);
    }
  }
}
