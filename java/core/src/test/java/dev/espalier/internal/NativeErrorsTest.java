// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.BusyException;
import dev.espalier.ClosedException;
import dev.espalier.ErrorCode;
import dev.espalier.EspalierException;
import dev.espalier.ModelFileException;
import dev.espalier.NativeMemoryException;
import dev.espalier.NonFiniteException;
import dev.espalier.ShapeException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeErrorsTest {
  private static final Map<String, Class<? extends RuntimeException>> EXPECTED =
      Map.of(
          "INVALID_ARGUMENT", IllegalArgumentException.class,
          "SHAPE_MISMATCH", ShapeException.class,
          "INVALID_STATE", IllegalStateException.class,
          "CLOSED", ClosedException.class,
          "BUSY", BusyException.class,
          "MODEL_FILE", ModelFileException.class,
          "IO", UncheckedIOException.class,
          "OUT_OF_MEMORY", NativeMemoryException.class,
          "NON_FINITE", NonFiniteException.class,
          "INTERNAL", EspalierException.class);

  @Test
  void everyNativeCodeHasItsException() {
    NativeLibrary.load();
    int count = Bridge.errorCodeCount();
    assertEquals(EXPECTED.size(), count);
    for (int code = 0; code < count; code++) {
      String name = Bridge.errorCodeName(code);
      int thrown = code;
      RuntimeException error =
          assertThrows(
              RuntimeException.class, () -> NativeCall.run(() -> Bridge.throwError(thrown)));
      assertSame(EXPECTED.get(name), error.getClass(), name);
      assertEquals(
          "expected nothing, got this: gr\u00f6\u00dfe \u958b\u304f \ud83c\udf33",
          error.getMessage());
      assertNotNull(error.getCause(), name);
      if (error instanceof EspalierException own) {
        assertEquals(ErrorCode.valueOf(name), own.code());
      }
    }
  }

  @Test
  void unknownNativeErrorsKeepTheirText() {
    for (String text : new String[] {"std::exception", "NEW_CODE: text", "no code", ": x"}) {
      RuntimeException error = NativeErrors.translate(new RuntimeException(text));
      assertEquals(ErrorCode.INTERNAL, assertInstanceOf(EspalierException.class, error).code());
      assertEquals(text, error.getMessage());
    }
  }

  @Test
  void noMemoryForTheTextOfAnErrorIsNoMemory() {
    RuntimeException error = NativeErrors.translate(new RuntimeException("std::bad_alloc"));
    assertInstanceOf(NativeMemoryException.class, error);
  }

  @Test
  void otherExceptionsStayAsTheyAre() {
    for (RuntimeException error :
        new RuntimeException[] {
          new IllegalStateException("IO: no"), new NullPointerException(), new RuntimeException()
        }) {
      assertSame(error, NativeErrors.translate(error));
    }
  }

  @Test
  void pathsAndMessagesAreUnicodeBothWays(@TempDir Path folder) {
    String path = folder + "/\u958b\u304f \ud83c\udf33.safetensors";
    UncheckedIOException error =
        assertThrows(
            UncheckedIOException.class,
            () -> NativeCall.getLong(() -> Bridge.networkLoad(path, "{}")));
    assertEquals(path + ": cannot open the file: No such file or directory", error.getMessage());
  }

  @Test
  void textWithNulIsRefusedBeforeItIsCut() {
    assertEquals("a", NativeCall.text("a", "name"));
    assertThrows(NullPointerException.class, () -> NativeCall.text(null, "name"));
    IllegalArgumentException error =
        assertThrows(IllegalArgumentException.class, () -> NativeCall.text("ab\0c", "name"));
    assertTrue(error.getMessage().startsWith("name: "));
  }
}
