// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples.service;

import dev.espalier.Espalier;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.PredictorOptions;
import dev.espalier.PredictorStatistics;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;

/** A saved network, served by a predictor that all threads share. */
public final class EspalierEngine implements Engine {
  private final Path model;
  private final AtomicReference<Predictor> predictor;

  /** Loads the model. */
  public EspalierEngine(Path model) {
    this.model = model;
    predictor = new AtomicReference<>(load());
  }

  private Predictor load() {
    try (Network network = Network.load(model)) {
      // A request has a thread of its own already; more would only get in each other's way.
      return network.predictor(PredictorOptions.defaults().maxBatchSize(1).threads(1));
    }
  }

  @Override
  public int inputSize() {
    return predictor.get().inputSize();
  }

  @Override
  public Answer predict(float[] input) {
    return answer(input, Predictor::predict);
  }

  @Override
  public Answer predictPixels(byte[] pixels) {
    return answer(pixels, Predictor::predictPixels);
  }

  private <I> Answer answer(I input, BiFunction<Predictor, I, float[]> predict) {
    while (true) {
      Predictor current = predictor.get();
      try {
        return new Answer(current.tasks(), predict.apply(current, input));
      } catch (IllegalStateException closed) {
        // Replaced and closed between the two lines above: the next one is there already.
        if (current == predictor.get()) {
          throw closed;
        }
      }
    }
  }

  @Override
  public void reload() {
    predictor.getAndSet(load()).close();
  }

  @Override
  public String describe() {
    return Espalier.describe() + "\n" + predictor.get().describe();
  }

  @Override
  public Map<String, Double> figures() {
    Map<String, Double> figures = new TreeMap<>();
    Predictor current = predictor.get();
    PredictorStatistics.gauges()
        .forEach(
            (name, gauge) -> figures.put(name.replace('.', '_'), gauge.applyAsDouble(current)));
    figures.put("espalier_live_handles", (double) Espalier.liveHandles());
    figures.put("espalier_native_bytes", (double) Espalier.nativeBytes());
    return figures;
  }

  @Override
  public void close() {
    predictor.get().close();
  }
}
