// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.StackReserve;
import java.lang.reflect.Method;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * Runs work on a thread of the operating system. Native code knows a network's trainer by its
 * thread, and a virtual thread may move to another one between two calls.
 */
final class PlatformThread {
  /** {@code Thread.isVirtual}, which Java 17 does not have; null there. */
  private static final Method IS_VIRTUAL = isVirtualMethod();

  private PlatformThread() {}

  /** Runs on this thread, or on one of its own if this one is virtual; exceptions come out. */
  static <R> R call(Supplier<R> work) {
    StackReserve.require(); // a reflective call that lacks it makes an exception of the error
    return isVirtual() ? callElsewhere(work) : work.get();
  }

  private static <R> R callElsewhere(Supplier<R> work) {
    AtomicReference<R> result = new AtomicReference<>();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    boolean isInterrupted = Thread.currentThread().isInterrupted();
    boolean beginsInterrupted = isInterrupted; // told from outside, it might be over before
    Thread thread =
        new Thread(
            () -> {
              try {
                if (beginsInterrupted) {
                  Thread.currentThread().interrupt();
                }
                result.set(work.get());
              } catch (RuntimeException | Error error) {
                failure.set(error);
              }
            },
            "espalier-fit");
    thread.setDaemon(true);
    thread.start();
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException interruption) {
        isInterrupted = true;
        thread.interrupt();
      }
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
    if (failure.get() instanceof Error error) {
      throw error;
    } else if (failure.get() != null) {
      throw (RuntimeException) failure.get();
    }
    return result.get();
  }

  private static boolean isVirtual() {
    try {
      return IS_VIRTUAL != null && (boolean) IS_VIRTUAL.invoke(Thread.currentThread());
    } catch (ReflectiveOperationException error) {
      throw new EspalierException(ErrorCode.INTERNAL, "Thread.isVirtual failed", error);
    }
  }

  private static Method isVirtualMethod() {
    try {
      return Thread.class.getMethod("isVirtual");
    } catch (NoSuchMethodException olderJava) {
      return null;
    }
  }
}
