// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.SelectorManager;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.IO;
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * Listens, and loses no connection when the server stops: it takes those that wait, refuses new
 * ones, and is shut down once all have ended. Jetty's own connector leaves clients without an
 * answer, and without an end of the connection, in two ways, and waits in vain in a third:
 *
 * <ul>
 *   <li>It interrupts the thread that waits for connections in {@code ServerSocketChannel.accept}.
 *       A virtual thread there (JDK 25 at least) may still take a connection, then throw {@code
 *       ClosedByInterruptException} and leave what it took open, out of anybody's reach. Here that
 *       thread waits in a selector, which an interrupt only wakes.
 *   <li>Between being accepted and being an end point, a connection counts nowhere. A selector that
 *       is stopped meanwhile forgets it (<a
 *       href="https://github.com/jetty/jetty.project/pull/15668">jetty.project 15668</a>, which is
 *       in no Jetty 11). Here it counts from before it is accepted.
 *   <li>It shortens how long connections may be idle once. One whose answer is out, and whose
 *       request ends after that, goes back to how long it was before. Here that is looked after
 *       until all have ended.
 * </ul>
 */
final class DrainingConnector extends ServerConnector {
  /** More than a queue holds; a flood of connections does not keep the server from stopping. */
  private static final int MOST_AT_ONCE = 1_000;

  private static final int SHORTENING_MILLIS = 200;

  private final AtomicInteger connections = new AtomicInteger();
  private final CompletableFuture<Void> drained = new CompletableFuture<>();
  private volatile boolean isShuttingDown;
  private volatile Selector waiting;

  DrainingConnector(Server server, HttpConfiguration http) {
    super(server, null, null, null, 1, -1, new HttpConnectionFactory(http));
  }

  @Override
  protected SelectorManager newSelectorManager(
      Executor executor, Scheduler scheduler, int selectors) {
    return new Connections(executor, scheduler, selectors);
  }

  @Override
  public void open() throws IOException {
    if (isOpen()) { // a server opens its connectors before it starts them, which opens them, too
      return;
    }
    super.open();
    ServerSocketChannel listening = (ServerSocketChannel) getTransport();
    listening.configureBlocking(false);
    waiting = Selector.open();
    listening.register(waiting, SelectionKey.OP_ACCEPT);
  }

  /** Waits for connections, and accepts them. */
  @Override
  public void accept(int acceptor) {
    try {
      waiting.select(key -> acceptWaiting());
    } catch (IOException | ClosedSelectorException closed) {
      return; // and Jetty sees that this is shut down
    }
  }

  private void acceptWaiting() {
    ServerSocketChannel listening = (ServerSocketChannel) getTransport();
    Connections all = (Connections) getSelectorManager();
    for (int i = 0; i < MOST_AT_ONCE && listening != null; i++) {
      SelectableChannel channel = null;
      try {
        channel = all.doAccept(listening);
        if (channel == null) {
          return;
        }
        all.accepted(channel);
      } catch (IOException gone) {
        IO.close(channel); // and the next one may be there
      }
    }
  }

  @Override
  protected void onEndPointOpened(EndPoint connection) {
    super.onEndPointOpened(connection);
    if (isShuttingDown) { // which looked at those only that were there
      connection.setIdleTimeout(getShutdownIdleTimeout());
    }
  }

  @Override
  protected void onEndPointClosed(EndPoint connection) {
    super.onEndPointClosed(connection);
    countEnd();
  }

  private void countEnd() {
    if (connections.decrementAndGet() == 0 && isShuttingDown) {
      drained.complete(null);
    }
  }

  /**
   * Takes connections that wait, and refuses new ones. Those there are end with their next answer,
   * or after a second without a request.
   *
   * @return complete when all have ended
   */
  @Override
  public CompletableFuture<Void> shutdown() {
    connections.incrementAndGet(); // this one: nothing is complete before all are taken
    isShuttingDown = true; // before those that are there are looked at: later ones look themselves
    IO.close(waiting); // a socket that is in a selector goes on to listen when it is closed
    acceptWaiting();
    super.shutdown(); // closes the socket at once, as this resets what comes between
    countEnd();
    shortenWaits();
    return drained;
  }

  /** Returns whether answers say that they are the last: from before the socket is closed. */
  @Override
  public boolean isShutdown() {
    return isShuttingDown || super.isShutdown();
  }

  /**
   * Again and again: a request that ends puts back the time-out from before it, with HTTP's own.
   * Those that are short as well, and first a little longer, since only a shorter one begins a new
   * timer: of two threads that change it at once one may keep its timer, the other its time-out.
   */
  private void shortenWaits() {
    if (drained.isDone()) {
      return;
    }
    for (EndPoint connection : getConnectedEndPoints()) {
      connection.setIdleTimeout(getShutdownIdleTimeout() + 1);
      connection.setIdleTimeout(getShutdownIdleTimeout());
    }
    getScheduler().schedule(this::shortenWaits, SHORTENING_MILLIS, TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    IO.close(waiting);
    super.close();
  }

  /** Counts them. */
  private final class Connections extends ServerConnectorManager {
    Connections(Executor executor, Scheduler scheduler, int selectors) {
      super(executor, scheduler, selectors);
    }

    /** Returns a connection, or null if none waits. */
    @Override
    protected SelectableChannel doAccept(SelectableChannel listening) throws IOException {
      connections.incrementAndGet();
      SelectableChannel channel = null;
      try {
        channel = super.doAccept(listening);
      } catch (ClosedChannelException shutDown) {
        return null;
      } finally {
        if (channel == null) {
          countEnd();
        }
      }
      return channel;
    }

    @Override
    protected void accepted(SelectableChannel channel) throws IOException {
      try {
        super.accepted(channel);
      } catch (IOException | RuntimeException error) {
        countEnd();
        throw error;
      }
    }

    @Override
    protected void onAcceptFailed(SelectableChannel channel, Throwable cause) {
      super.onAcceptFailed(channel, cause);
      countEnd();
    }
  }
}
