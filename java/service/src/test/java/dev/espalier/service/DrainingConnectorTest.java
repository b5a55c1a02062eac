// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.ConnectException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.channels.spi.AbstractSelector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Predicate;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.handler.AbstractHandler;
import org.eclipse.jetty.util.thread.ThreadPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of connections that arrive as a server stops. */
@Timeout(200)
class DrainingConnectorTest {
  private static final String REQUEST = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";
  private static final Set<String> WAITS =
      Set.of(CompletableFuture.class.getName(), AbstractSelector.class.getName());
  private static final int LONGEST_SILENCE_MILLIS = 90_000; // nothing waits for it but failures

  private final CountDownLatch isAsked = new CountDownLatch(1);
  private final CountDownLatch answers = new CountDownLatch(1);
  private Threads threads;
  private Server server;
  private DrainingConnector connector;

  /** Threads that start only when they are released, from some moment on. */
  private static final class Threads implements ThreadPool {
    private final ExecutorService executor;
    private final List<Runnable> held = new ArrayList<>();
    private Predicate<Runnable> isHeld = work -> false;

    Threads(boolean isVirtual) {
      executor = isVirtual ? virtual() : Executors.newCachedThreadPool();
    }

    @Override
    public synchronized void execute(Runnable work) {
      if (isHeld.test(work)) {
        held.add(work);
        notifyAll();
      } else {
        executor.execute(work);
      }
    }

    synchronized void hold(Predicate<Runnable> which) {
      isHeld = which;
    }

    synchronized void awaitHeld() throws InterruptedException {
      while (held.isEmpty()) {
        wait();
      }
    }

    synchronized void release() {
      isHeld = work -> false;
      held.forEach(executor::execute);
      held.clear();
    }

    @Override
    public void join() {}

    @Override
    public int getThreads() {
      return 1;
    }

    @Override
    public int getIdleThreads() {
      return 1;
    }

    @Override
    public boolean isLowOnThreads() {
      return false;
    }
  }

  /** Returns Java 21's executor of virtual threads, which Java 17 does not know. */
  private static ExecutorService virtual() {
    assumeTrue(Runtime.version().feature() >= 21, "this Java has no virtual threads");
    try {
      return (ExecutorService)
          Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    } catch (ReflectiveOperationException error) {
      throw new AssertionError(error);
    }
  }

  private void start(boolean isVirtual) throws Exception {
    start(new Threads(isVirtual));
  }

  private void start(Threads itsThreads) throws Exception {
    threads = itsThreads;
    server = new Server(threads);
    server.setStopTimeout(30_000);
    server.setHandler(
        new AbstractHandler() {
          @Override
          public void handle(
              String target,
              Request request,
              HttpServletRequest servletRequest,
              HttpServletResponse response)
              throws IOException {
            isAsked.countDown();
            if (target.equals("/slow")) {
              try {
                answers.await();
              } catch (InterruptedException interruption) {
                throw new IOException(interruption);
              }
            }
            request.setHandled(true);
            response.getOutputStream().print("answer");
            if (target.equals("/late")) { // all of it is out, and the request goes on
              response.getOutputStream().close();
              try {
                answers.await();
              } catch (InterruptedException interruption) {
                throw new IOException(interruption);
              }
            }
          }
        });
    HttpConfiguration http = new HttpConfiguration();
    http.setIdleTimeout(LONGEST_SILENCE_MILLIS); // which a request sets, and puts back when it ends
    connector = new DrainingConnector(server, http);
    connector.setHost("127.0.0.1");
    connector.setIdleTimeout(LONGEST_SILENCE_MILLIS);
    connector.setShutdownIdleTimeout(LONGEST_SILENCE_MILLIS); // whatever else the computer does
    server.setConnectors(new Connector[] {connector});
    server.start();
  }

  @AfterEach
  void stop() throws Exception {
    answers.countDown();
    if (server != null) {
      server.stop();
    }
    if (threads != null) {
      threads.executor.shutdownNow();
    }
  }

  private Socket connect() throws IOException {
    Socket client = new Socket("127.0.0.1", connector.getLocalPort());
    client.setSoTimeout(LONGEST_SILENCE_MILLIS);
    return client;
  }

  private static Socket ask(Socket client, String request) throws IOException {
    client.getOutputStream().write(request.getBytes(US_ASCII));
    return client;
  }

  /** Reads all until the connection ends, and ends it on this side, too. */
  private static String answer(Socket client) throws IOException {
    try (client) {
      return new String(client.getInputStream().readAllBytes(), US_ASCII);
    }
  }

  /** Starts to stop the server, and returns once it waits for others, or is stopped. */
  private Thread stopping() throws InterruptedException {
    Thread thread =
        new Thread(
            () -> {
              try {
                server.stop();
              } catch (Exception error) {
                throw new IllegalStateException(error);
              }
            });
    thread.start();
    while (thread.isAlive() && !waits(thread)) {
      Thread.sleep(1);
    }
    return thread;
  }

  /** Returns whether a thread waits for requests, or for the one that accepts connections. */
  private static boolean waits(Thread thread) {
    StackTraceElement[] stack = thread.getStackTrace();
    return thread.getState() != Thread.State.RUNNABLE
        && Arrays.stream(stack).anyMatch(frame -> WAITS.contains(frame.getClassName()));
  }

  private static boolean isRefused(int port) throws IOException {
    try (Socket client = new Socket("127.0.0.1", port)) {
      return !client.isConnected();
    } catch (ConnectException refusal) {
      return true;
    } catch (SocketException reset) {
      return false; // came as the server closed its socket
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void answersConnectionsThatItHasJustAccepted(boolean isVirtual) throws Exception {
    start(isVirtual);
    threads.hold(work -> true);
    try (Socket client = ask(connect(), REQUEST)) {
      threads.awaitHeld();
      Thread stopping = stopping();
      threads.release();
      String answer = answer(client);
      assertTrue(answer.startsWith("HTTP/1.1 200 "), answer);
      assertTrue(answer.contains("\r\nConnection: close\r\n"), answer);
      stopping.join();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void takesConnectionsThatNobodyHasAccepted(boolean isVirtual) throws Exception {
    Threads withoutAcceptor = new Threads(isVirtual);
    withoutAcceptor.hold(work -> work.getClass().getSimpleName().equals("Acceptor"));
    start(withoutAcceptor);
    threads.awaitHeld();
    try (Socket client = ask(connect(), REQUEST)) {
      Thread stopping = stopping();
      String answer = answer(client);
      assertTrue(answer.startsWith("HTTP/1.1 200 "), answer);
      assertTrue(answer.contains("\r\nConnection: close\r\n"), answer);
      threads.release();
      stopping.join();
    }
  }

  /** No virtual thread that waits can go on, so that what happens to it meanwhile is one event. */
  @Test
  void leavesNobodySilentWhileProcessorsAreBusy() throws Exception {
    start(true);
    int processors = Runtime.getRuntime().availableProcessors();
    CountDownLatch areBusy = new CountDownLatch(processors);
    try (Socket other = ask(connect(), REQUEST)) {
      assertEquals('H', other.getInputStream().read()); // it accepts
    }
    for (int i = 0; i < processors; i++) {
      threads.execute(
          () -> {
            areBusy.countDown();
            while (answers.getCount() > 0) {
              Thread.onSpinWait();
            }
          });
    }
    areBusy.await();
    try (Socket client = ask(connect(), REQUEST)) {
      Thread stopping = stopping();
      answers.countDown();
      String answer = answer(client);
      assertTrue(answer.startsWith("HTTP/1.1 200 "), answer);
      stopping.join();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void refusesNewConnectionsAndAnswersThoseThereAre(boolean isVirtual) throws Exception {
    start(isVirtual);
    int port = connector.getLocalPort();
    try (Socket slow = ask(connect(), REQUEST.replace("/ ", "/slow "));
        Socket idle = connect()) {
      isAsked.await();
      ask(idle, REQUEST);
      assertEquals('H', idle.getInputStream().read());
      // A request that ends only as the server stops ends its connection, whatever its answer said.
      while (connector.getConnectedEndPoints().stream().noneMatch(EndPoint::isFillInterested)) {
        Thread.sleep(1);
      }
      Thread stopping = stopping();
      while (!isRefused(port)) {
        Thread.sleep(1);
      }
      String later = answer(ask(idle, REQUEST));
      assertTrue(later.contains("\r\nConnection: close\r\n"), later);
      answers.countDown();
      String answer = answer(slow);
      assertTrue(answer.startsWith("HTTP/1.1 200 "), answer);
      assertTrue(answer.contains("\r\nConnection: close\r\n"), answer);
      stopping.join();
    }
  }

  /** Whose connection may be idle for long again, which nobody waits for. */
  @Test
  void requestsThatEndAfterTheirAnswersDoNotKeepTheServer() throws Exception {
    start(false);
    connector.setShutdownIdleTimeout(1_000); // before the server gives up
    try (Socket client = ask(connect(), REQUEST.replace("GET /", "GET /late"))) {
      while (client.getInputStream().read() != 'w') {} // of "answer"
      Thread stopping = stopping();
      answers.countDown();
      stopping.join();
      assertTrue(server.isStopped(), server.getState());
    }
  }
}
