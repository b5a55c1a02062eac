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
  private volatile Served served; // replaced under both locks

  /** Loads the model. */
  EspalierEngine(Path model, PredictorOptions options) {
    this(model, path -> Predictor.load(path, options));
  }

  EspalierEngine(Path model, Function<Path, Predictor> loading) {
    this.model = model;
    this.loading = loading;
    served = served();
  }

  private Served served() {
    Predictor predictor = loading.apply(model);
    try {
      return new Served(predictor, InputForm.of(predictor));
    } catch (IllegalArgumentException damaged) {
      predictor.close();
      throw new IllegalArgumentException(model + ": " + damaged.getMessage(), damaged);
    } catch (RuntimeException | Error error) {
      predictor.close();
      throw error;
    }
  }

  /** What callers rely on. A new model may decide by other thresholds. */
  private record Contract(Shape inputs, String form, List<Task> tasks) {
    static Contract of(Served served) {
      return new Contract(
          served.predictor.inputShape(),
          served.form.describe(),
          served.tasks().stream()
              .map(task -> Task.of(task.name(), task.kind(), task.outputNames()))
              .toList());
    }

    @Override
    public String toString() {
      StringBuilder text = new StringBuilder("inputs ").append(inputs);
      text.append(" of ").append(form);
      for (Task task : tasks) {
        text.append(", ").append(task.kind()).append(" \"").append(task.name()).append("\" ");
        text.append(task.outputNames());
      }
      return text.toString();
    }
  }

  private record Served(Predictor predictor, InputForm form) implements Model {
    @Override
    public List<Task> tasks() {
      return predictor.tasks();
    }

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
      Served current = served;
      try {
        return request.apply(current);
      } catch (IllegalStateException closed) {
        // Replaced and closed since it was read: the next one is there already.
        if (current == served) {
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
      replaceBy(served());
    } finally {
      replacing.unlock();
    }
  }

  private void replaceBy(Served next) {
    synchronized (countsOfFormer) {
      if (isClosed) {
        next.predictor.close();
      }
      requireOpen();
      Served former = served;
      Contract expected = Contract.of(former);
      Contract got = Contract.of(next);
      if (!got.equals(expected)) {
        next.predictor.close();
        throw new IllegalArgumentException(model + ": expected " + expected + ", got " + got);
      }
      served = next;
      for (Instrument instrument : former.predictor.instruments()) {
        if (instrument.kind() == Instrument.Kind.COUNTER) {
          countsOfFormer.merge(instrument.name(), instrument.value(), Double::sum);
        }
      }
      // Calls that run end normally; this only says that no more will come.
      former.predictor.close();
    }
  }

  @Override
  public String describe() {
    return Espalier.describe() + "\n" + answer(model -> served.predictor.describe());
  }

  @Override
  public List<Instrument> instruments() {
    List<Instrument> instruments = new ArrayList<>(Espalier.instruments());
    List<Instrument> own = served.predictor.instruments();
    for (int i = 0; i < own.size(); i++) {
      int index = i;
      Instrument now = own.get(i);
      boolean isCounter = now.kind() == Instrument.Kind.COUNTER;
      instruments.add(
          isCounter
              ? Instrument.counter(now.name(), now.description(), () -> read(index))
              : Instrument.gauge(now.name(), now.description(), () -> read(index)));
    }
    return instruments;
  }

  /** Reads an instrument of the predictor that serves now, counts of former ones included. */
  private double read(int index) {
    synchronized (countsOfFormer) {
      Instrument now = served.predictor.instruments().get(index);
      return now.value() + countsOfFormer.getOrDefault(now.name(), 0.0);
    }
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
      served.predictor.close();
    }
  }
}
