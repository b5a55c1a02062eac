// SPDX-License-Identifier: Apache-2.0
package dev.espalier.micrometer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PredictionTimerTest {
  private final MeterRegistry registry = new SimpleMeterRegistry();
  private final PredictionTimer timer = PredictionTimer.of(registry);

  private Timer timer(String outcome) {
    return registry.get("espalier.prediction").tag("outcome", outcome).timer();
  }

  @Test
  void recordsTimesExamplesAndOutcomes() {
    assertEquals("x", timer.record(3, () -> "x"));
    IllegalStateException error = new IllegalStateException();
    assertSame(
        error,
        assertThrows(
            IllegalStateException.class,
            () ->
                timer.record(
                    1,
                    () -> {
                      throw error;
                    })));
    assertEquals(1, timer("success").count());
    assertEquals(1, timer("error").count());
    assertEquals(4, registry.get("espalier.prediction.examples").summary().totalAmount());
    assertEquals("PredictionTimer[1 answered, 1 failed]", timer.toString());
  }

  @Test
  void recordsWhatIsAnsweredLater() throws Exception {
    CompletableFuture<String> answer = new CompletableFuture<>();
    assertSame(answer, timer.record(1, answer));
    assertEquals(0, timer("success").count());
    Thread.sleep(20);
    answer.complete("x");
    assertEquals(1, timer("success").count());
    assertTrue(timer("success").totalTime(TimeUnit.MILLISECONDS) >= 15);
    timer.record(1, new CompletableFuture<String>()).cancel(false);
    assertEquals(1, timer("error").count());
  }
}
