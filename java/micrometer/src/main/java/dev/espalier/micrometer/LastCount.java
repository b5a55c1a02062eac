// SPDX-License-Identifier: Apache-2.0
package dev.espalier.micrometer;

import dev.espalier.Instrument;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.ToDoubleFunction;

/** Reads a counter; of what is closed, the value that was read last: a count never falls. */
final class LastCount implements ToDoubleFunction<MeterRegistry> {
  private final Instrument instrument;
  private volatile double last;

  LastCount(Instrument instrument) {
    this.instrument = instrument;
  }

  @Override
  public double applyAsDouble(MeterRegistry registry) {
    double value = instrument.value();
    if (!Double.isNaN(value)) {
      last = value;
    }
    return last;
  }
}
