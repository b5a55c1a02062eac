// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Precision;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class ServiceOptionsTest {
  private static final ServiceOptions OPTIONS = ServiceOptions.defaults();

  @Test
  void whatMakesSenseIsKept() {
    ServiceOptions changed =
        OPTIONS
            .host("0.0.0.0")
            .port(65_535)
            .maxConcurrent(1)
            .maxBodyBytes(1)
            .bodyTimeout(Duration.ofMillis(1))
            .drain(Duration.ofDays(1))
            .precision(Precision.INT8)
            .adminToken("0123456789abcdef");
    assertEquals(
        "ServiceOptions[0.0.0.0:65535, maxConcurrent 1, maxBodyBytes 1, bodyTimeout PT0.001S,"
            + " drain PT24H, precision INT8, with a token]",
        changed.toString());
    assertFalse(OPTIONS.toString().contains("token"), OPTIONS::toString);
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    List<Executable> wrong =
        List.of(
            () -> sink(OPTIONS.port(-1)),
            () -> sink(OPTIONS.port(65_536)),
            () -> sink(OPTIONS.maxConcurrent(0)),
            () -> sink(OPTIONS.maxBodyBytes(0)),
            () -> sink(OPTIONS.bodyTimeout(Duration.ZERO)),
            () -> sink(OPTIONS.bodyTimeout(Duration.ofSeconds(Long.MAX_VALUE))),
            () -> sink(OPTIONS.drain(Duration.ofMillis(-1))),
            () -> sink(OPTIONS.drain(Duration.ofDays(1).plusNanos(1))),
            () -> sink(OPTIONS.adminToken("short")));
    for (Executable call : wrong) {
      String message = assertThrows(IllegalArgumentException.class, call).getMessage();
      assertTrue(message.contains("expected") && message.contains("got"), message);
    }
  }

  private static void sink(ServiceOptions options) {
    throw new AssertionError(options);
  }
}
