// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import dev.espalier.Espalier;
import dev.espalier.Instrument;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.Shape;
import dev.espalier.Task;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/** A saved network, served by a predictor that all threads share. */
final class EspalierEngine implements Engine {
  private final Path model;
  private final Map<String, Double> countsOfFormer = new HashMap<>(); // guarded by itself
  private final Function<Path, Predictor> loading;
  private final ReentrantLock replacing = new ReentrantLock(); // held while a model is loaded
  private boolean isClosed; // guarded by countsOfFormer
  private volatile Predictor predictor; // replaced under both locks

  /** Loads the model. */
  EspalierEngine(Path model) {
    this(model, EspalierEngine::load);
  }

  EspalierEngine(Path model, Function<Path, Predictor> loading) {
    this.model = model;
    this.loading = loading;
    predictor = loading.apply(model);
  }

  private static Predictor load(Path model) {
    // A request has a thread of its own already; more would only get in each other's way.
    return Predictor.load(model, PredictorOptions.defaults().maxBatchSize(1).threads(1));
  }

  /** What callers rely on. A new model may decide by other thresholds. */
  private record Contract(Shape inputs, List<Task> tasks) {
    static Contract of(Predictor predictor) {
      return new Contract(
          predictor.inputShape(),
          predictor.tasks().stream()
              .map(task -> Task.of(task.name(), task.kind(), task.outputNames()))
              .toList());
    }

    @Override
    public String toString() {
      StringBuilder text = new StringBuilder("inputs ").append(inputs);
      for (Task task : tasks) {
        text.append(", ").append(task.kind()).append(" \"").append(task.name()).append("\" ");
        text.append(task.outputNames());
      }
      return text.toString();
    }
  }

  private record Served(Predictor predictor) implements Model {
    @Override
    public int inputSize() {
      return predictor.inputSize();
    }

    @Override
    public Answer predict(float[] input) {
      return new Answer(predictor.tasks(), predictor.predict(input));
    }

    @Override
    public Answer predictPixels(byte[] pixels) {
      return new Answer(predictor.tasks(), predictor.predictPixels(pixels));
    }
  }

  @Override
  public <R> R answer(Function<Model, R> request) {
    while (true) {
      Predictor current = predictor;
      try {
        return request.apply(new Served(current));
      } catch (IllegalStateException closed) {
        // Replaced and closed since it was read: the next one is there already.
        if (current == predictor) {
          throw closed;
        }
      }
    }
  }

  @Override
  public void reload() {
    // One at a time, reading included: or a file read earlier could replace one read later.
    replacing.lock();
    try {
      requireOpen();
      replaceBy(loading.apply(model));
    } finally {
      replacing.unlock();
    }
  }

  private void replaceBy(Predictor next) {
    synchronized (countsOfFormer) {
      if (isClosed) {
        next.close();
      }
      requireOpen();
      Predictor former = predictor;
      Contract expected = Contract.of(former);
      Contract got = Contract.of(next);
      if (!got.equals(expected)) {
        next.close();
        throw new IllegalArgumentException(model + ": expected " + expected + ", got " + got);
      }
      predictor = next;
      for (Instrument instrument : former.instruments()) {
        if (instrument.kind() == Instrument.Kind.COUNTER) {
          countsOfFormer.merge(instrument.name(), instrument.value(), Double::sum);
        }
      }
      // Calls that run end normally; this only says that no more will come.
      former.close();
    }
  }

  @Override
  public String describe() {
    return Espalier.describe() + "\n" + answer(served -> predictor.describe());
  }

  @Override
  public List<Instrument> instruments() {
    List<Instrument> instruments = new ArrayList<>(Espalier.instruments());
    synchronized (countsOfFormer) {
      for (Instrument instrument : predictor.instruments()) {
        double value = instrument.value() + countsOfFormer.getOrDefault(instrument.name(), 0.0);
        boolean isCounter = instrument.kind() == Instrument.Kind.COUNTER;
        instruments.add(
            isCounter
                ? Instrument.counter(instrument.name(), instrument.description(), () -> value)
                : Instrument.gauge(instrument.name(), instrument.description(), () -> value));
      }
    }
    return instruments;
  }

  private void requireOpen() {
    synchronized (countsOfFormer) {
      if (isClosed) {
        throw new IllegalStateException("the engine is closed");
      }
    }
  }

  /** Waits for no model that is being loaded: that one is closed as soon as it is there. */
  @Override
  public void close() {
    synchronized (countsOfFormer) {
      isClosed = true;
      predictor.close();
    }
  }
}
