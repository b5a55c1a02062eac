// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class NativeHandleTest {
  private static final String SPEC =
      "{\"input\":[3],\"layers\":[{\"kind\":\"relu\"}],"
          + "\"heads\":[{\"name\":\"h\",\"task\":{\"kind\":\"labels\",\"labels\":[\"a\"]}}]}";

  private long handlesBefore;

  @BeforeEach
  void countHandles() {
    NativeLibrary.load();
    handlesBefore = Bridge.liveHandles();
  }

  @AfterEach
  void leavesNoHandle() {
    assertEquals(handlesBefore, Bridge.liveHandles());
  }

  private static NativeHandle network() {
    return NativeHandle.create(() -> Bridge.networkBuild(SPEC, 1));
  }

  @Test
  void closesOnce() {
    NativeHandle handle = network();
    assertFalse(handle.isClosed());
    assertTrue(handle.nativeBytes() > 0);
    handle.close();
    handle.close();
    assertTrue(handle.isClosed());
  }

  @Test
  void useAfterCloseIsAnError() {
    NativeHandle handle = network();
    handle.close();
    IllegalStateException error =
        assertThrows(IllegalStateException.class, () -> handle.get(Bridge::networkSpec));
    assertEquals("network is closed", error.getMessage());
    assertThrows(IllegalStateException.class, handle::nativeBytes);
    assertThrows(
        IllegalStateException.class, () -> handle.run(id -> Bridge.networkSave(id, "none", false)));
  }

  @Test
  void anotherKindIsAnError() {
    try (NativeHandle handle = network()) {
      IllegalStateException error =
          assertThrows(IllegalStateException.class, () -> handle.get(Bridge::predictorDescribe));
      assertEquals("expected a predictor, got a network", error.getMessage());
    }
  }

  @Test
  void forgedIdsAreErrors() {
    for (long id : new long[] {0, -1, 1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 32 | 999_999}) {
      assertThrows(RuntimeException.class, () -> Bridge.networkSpec(id));
      Bridge.closeHandle(id);
    }
  }

  @Test
  void theCleanerClosesWhatNobodyClosed() throws InterruptedException {
    for (int i = 0; i < 100; i++) {
      network();
    }
    awaitTheCleaner();
  }

  private void awaitTheCleaner() throws InterruptedException {
    long start = System.nanoTime();
    while (Bridge.liveHandles() > handlesBefore
        && System.nanoTime() - start < TimeUnit.MINUTES.toNanos(1)) {
      System.gc();
      Thread.sleep(10);
    }
  }

  /** Explicit closes of the same ids come before, while and after the cleaner closes them. */
  @Test
  void theCleanerRacesClosesAndCalls() throws InterruptedException {
    AtomicLong id = new AtomicLong(network().id());
    String expected;
    try (NativeHandle handle = network()) {
      expected = handle.get(Bridge::networkSpec);
    }
    AtomicReference<Throwable> failure = new AtomicReference<>();
    AtomicInteger refusals = new AtomicInteger();
    CountDownLatch stop = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      boolean isCloser = i < 2;
      threads.add(
          new Thread(
              () -> {
                while (stop.getCount() > 0 && failure.get() == null) {
                  long current = id.get();
                  if (isCloser && current % 3 == 0) {
                    Bridge.closeHandle(current);
                  }
                  try {
                    assertEquals(expected, Bridge.networkSpec(current));
                  } catch (RuntimeException closed) {
                    refusals.incrementAndGet();
                    failure.compareAndSet(
                        null, closed.getMessage().endsWith("is closed") ? null : closed);
                  } catch (Throwable error) {
                    failure.compareAndSet(null, error);
                  }
                }
              }));
    }
    threads.forEach(Thread::start);
    // On one CPU it may take long until a call meets a closed handle.
    for (int i = 0; i < 5000 || (refusals.get() == 0 && failure.get() == null); i++) {
      id.set(network().id());
      if (i % 100 == 0) {
        System.gc();
      }
    }
    stop.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    assertNull(failure.get(), () -> String.valueOf(failure.get()));
    awaitTheCleaner();
  }

  @Test
  void closingWhileOthersAreInsideNeverFails() throws InterruptedException {
    AtomicReference<NativeHandle> current = new AtomicReference<>(network());
    String expected = current.get().get(Bridge::networkSpec);
    AtomicInteger wrong = new AtomicInteger();
    CountDownLatch stop = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      Thread thread =
          new Thread(
              () -> {
                while (stop.getCount() > 0) {
                  try {
                    if (!current.get().get(Bridge::networkSpec).equals(expected)) {
                      wrong.incrementAndGet();
                    }
                  } catch (IllegalStateException closed) {
                    // as it may
                  } catch (RuntimeException error) {
                    wrong.incrementAndGet();
                  }
                }
              });
      thread.start();
      threads.add(thread);
    }
    for (int i = 0; i < 2000; i++) {
      NativeHandle old = current.getAndSet(network());
      old.close();
      old.close();
    }
    stop.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    current.get().close();
    assertEquals(0, wrong.get());
  }

  @Test
  void addressesOfBuffersIgnoreTheirPosition() {
    FloatBuffer buffer =
        ByteBuffer.allocateDirect(64).order(ByteOrder.nativeOrder()).asFloatBuffer();
    long address = Bridge.bufferAddress(buffer);
    buffer.position(3);
    assertEquals(address, Bridge.bufferAddress(buffer));
    assertEquals(address + 3 * Float.BYTES, Bridge.bufferAddress(buffer.slice()));
    assertEquals(0, Bridge.bufferAddress(FloatBuffer.allocate(4)));
    assertEquals(0, Bridge.bufferAddress(null));
  }
}
