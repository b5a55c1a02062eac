// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.Espalier;
import dev.espalier.Head;
import dev.espalier.Instrument;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the documentation of {@link Instrument} shows, with Micrometer itself. */
class MicrometerTest {
  static void register(List<Instrument> instruments, MeterRegistry registry) {
    for (Instrument instrument : instruments) {
      switch (instrument.kind()) {
        case COUNTER ->
            FunctionCounter.builder(instrument.name(), instrument, Instrument::value)
                .description(instrument.description())
                .register(registry);
        case GAUGE ->
            Gauge.builder(instrument.name(), instrument, Instrument::value)
                .description(instrument.description())
                .strongReference(true)
                .register(registry);
      }
    }
  }

  @Test
  void aRegistryReadsTheInstruments() {
    MeterRegistry registry = new SimpleMeterRegistry();
    try (Network network = Network.builder(Shape.vector(4)).head("a", Head.classes(3)).build(1);
        Predictor predictor = network.predictor()) {
      List<Instrument> instruments = new ArrayList<>(predictor.instruments());
      instruments.addAll(Espalier.instruments());
      register(instruments, registry);
      predictor.predict(new float[4]);
      predictor.predict(new float[8]);
      assertEquals(2, registry.get("espalier.predictor.calls").functionCounter().count());
      assertEquals(
          predictor.nativeBytes(), registry.get("espalier.predictor.native.bytes").gauge().value());
      assertEquals(Espalier.liveHandles(), registry.get("espalier.live.handles").gauge().value());
      assertEquals(instruments.size(), registry.getMeters().size());
    }
  }
}
