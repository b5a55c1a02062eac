// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import dev.espalier.NativeMemoryException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;
import java.util.function.LongUnaryOperator;

/**
 * Owner of one native object. A public class that stands for a native object holds one of these; so
 * the class itself shows nothing of it.
 *
 * <p>What Java keeps is an opaque id, never an address. State and count of calls inside live in
 * native memory: a call on a closed handle is an {@link IllegalStateException}, {@link #close}
 * never waits, and the last call inside frees. The cleaner is the net for objects nobody closed.
 *
 * <p>Loading a network and making a predictor have methods of their own, which take no lambdas:
 * they lie on the way to a service's first answer, and linking a process's first lambdas takes
 * milliseconds.
 */
public final class NativeHandle implements AutoCloseable {
  private static Cleaner sharedCleaner; // guarded by the class

  private final long id;
  private final Cleaner.Cleanable cleanable;
  private volatile boolean isClosed;

  private NativeHandle(long id) {
    this.id = id;
    cleanable = cleaner().register(this, new Closing(id));
  }

  /**
   * Returns the cleaner. It has a thread, which the system may refuse: the next handle then asks
   * again.
   */
  private static synchronized Cleaner cleaner() {
    if (sharedCleaner == null) {
      try {
        sharedCleaner = Cleaner.create();
      } catch (OutOfMemoryError refused) {
        throw new NativeMemoryException("the system has no thread left", refused);
      }
    }
    return sharedCleaner;
  }

  /**
   * Makes the owner of the object that {@code create} makes.
   *
   * @param create calls one of the bridge's functions that return a new handle
   */
  public static NativeHandle create(LongSupplier create) {
    StackReserve.require(); // between the object and its owner nothing may fail
    return own(NativeCall.getLong(create));
  }

  /** Loads a network from a file of the default file system. */
  public static NativeHandle loadNetwork(String path, String limits) {
    StackReserve.require();
    NativeLibrary.load();
    try {
      return own(Bridge.networkLoad(path, limits));
    } catch (RuntimeException error) {
      throw NativeErrors.translate(error);
    }
  }

  /** Makes a predictor of this, a network. */
  public NativeHandle createPredictor(String options) {
    StackReserve.require();
    try {
      return own(Bridge.predictorCreate(id, options));
    } catch (RuntimeException error) {
      throw NativeErrors.translate(error);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /** Returns the spec of this, a network, as JSON. */
  public String networkSpec() {
    try {
      return Bridge.networkSpec(id);
    } catch (RuntimeException error) {
      throw NativeErrors.translate(error);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  private static NativeHandle own(long id) {
    boolean isOwned = false;
    try {
      NativeHandle handle = new NativeHandle(id);
      isOwned = true;
      return handle;
    } finally {
      if (!isOwned) {
        Bridge.closeHandle(id);
      }
    }
  }

  /** Returns what {@code call} returns for the id. */
  public <R> R get(LongFunction<R> call) {
    try {
      return call.apply(id);
    } catch (RuntimeException error) {
      throw NativeErrors.translate(error);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /** Returns what {@code call} returns for the id. */
  public long getLong(LongUnaryOperator call) {
    try {
      return call.applyAsLong(id);
    } catch (RuntimeException error) {
      throw NativeErrors.translate(error);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /** Runs {@code call} with the id. */
  public void run(LongConsumer call) {
    try {
      call.accept(id);
    } catch (RuntimeException error) {
      throw NativeErrors.translate(error);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Returns the id, for paths where a lambda would cost. The caller wraps its bridge call as {@link
   * #run} does: errors translated, {@code reachabilityFence} on this handle behind it.
   */
  public long id() {
    return id;
  }

  /** Returns the native bytes that the object holds. */
  public long nativeBytes() {
    return getLong(Bridge::handleBytes);
  }

  /** Returns true once closed; crosses into no native code. */
  public boolean isClosed() {
    return isClosed;
  }

  /**
   * Closes the object: at most once, without waiting, never with an exception. Where the stack ends
   * in it, a further call closes what is still open, or the cleaner does.
   */
  @Override
  public void close() {
    Bridge.closeHandle(id); // first: a cleaner that has begun does not begin again
    isClosed = true;
    cleanable.clean();
  }

  /** Holds no reference to its handle, or the cleaner would never run. */
  private record Closing(long id) implements Runnable {
    @Override
    public void run() {
      Bridge.closeHandle(id);
    }
  }
}
