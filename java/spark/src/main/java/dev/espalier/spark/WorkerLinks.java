// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * Connections between the workers of a job, a tree of sockets: worker {@code r} has its parent
 * where the lowest bit of {@code r} is cleared. Sums go up it, and down again. Every wait for
 * another worker ends: by what was waited for, by the other's end, or by the time-out. Used by one
 * thread.
 */
final class WorkerLinks implements AutoCloseable {
  private static final int CHUNK_FLOATS = 1 << 14;

  private final int rank;
  private final int workers;
  private final WorkerSecret secret;
  private final int timeoutMillis;
  private final ServerSocket server;
  private final List<Link> children = new ArrayList<>(); // by rank
  private Link parent;

  private record Link(int rank, Socket socket, DataInputStream in, DataOutputStream out) {}

  /**
   * Begins to listen.
   *
   * @param host an address of this machine that the others reach
   */
  WorkerLinks(int rank, int workers, String host, WorkerSecret secret, Duration timeout)
      throws IOException {
    this.rank = rank;
    this.workers = workers;
    this.secret = secret;
    timeoutMillis = (int) Math.min(timeout.toMillis(), Integer.MAX_VALUE);
    server = new ServerSocket(0, Math.max(workers, 50), InetAddress.getByName(host));
  }

  /** Returns where the others find this worker. */
  String address() {
    return server.getInetAddress().getHostAddress() + " " + server.getLocalPort();
  }

  /** Connects with those above and below; {@code addresses} are those of all, by rank. */
  void connect(String[] addresses) throws IOException {
    long deadline = System.nanoTime() + timeoutMillis * 1_000_000L;
    if (rank > 0) {
      int above = rank & (rank - 1);
      String[] address = addresses[above].split(" ");
      Socket socket = new Socket();
      try {
        socket.connect(
            new InetSocketAddress(address[0], Integer.parseInt(address[1])), timeoutMillis);
        parent = link(above, socket);
        secret.prove(parent.in, parent.out, rank);
      } catch (IOException | RuntimeException error) {
        socket.close();
        throw new IOException("worker " + above + ": " + error.getMessage(), error);
      }
    }
    TreeMap<Integer, Link> found = new TreeMap<>();
    List<Integer> expected = childrenOf(rank, workers);
    while (found.size() < expected.size()) {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        throw new SocketTimeoutException(
            "expected the workers "
                + expected
                + " within "
                + timeoutMillis
                + " ms, got "
                + found.keySet());
      }
      server.setSoTimeout((int) left);
      accept(found, expected);
    }
    children.addAll(found.values());
    server.close();
  }

  /** Lets in one of those below; others, who can't prove that they are of the job, are sent off. */
  private void accept(TreeMap<Integer, Link> found, List<Integer> expected) throws IOException {
    Socket socket = server.accept();
    try {
      Link link = link(-1, socket);
      int other = secret.admit(link.in, link.out);
      if (!expected.contains(other) || found.containsKey(other)) {
        throw new IOException("expected one of the workers " + expected + ", got " + other);
      }
      found.put(other, new Link(other, socket, link.in, link.out));
    } catch (IOException stranger) {
      socket.close();
    }
  }

  private Link link(int other, Socket socket) throws IOException {
    socket.setSoTimeout(timeoutMillis);
    socket.setTcpNoDelay(true);
    return new Link(
        other,
        socket,
        new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 16)),
        new DataOutputStream(new BufferedOutputStream(socket.getOutputStream(), 1 << 16)));
  }

  /** Returns the workers below one. */
  static List<Integer> childrenOf(int rank, int workers) {
    List<Integer> children = new ArrayList<>();
    int limit = rank == 0 ? workers : Integer.lowestOneBit(rank);
    for (int bit = 1; bit < limit && rank + bit < workers; bit <<= 1) {
      children.add(rank + bit);
    }
    return children;
  }

  /** Returns the sums of the counts of all workers. */
  long[] sum(long[] counts) throws IOException {
    long[] sum = counts.clone();
    for (Link child : children) {
      for (int i = 0; i < sum.length; i++) {
        sum[i] += child.in.readLong();
      }
    }
    if (parent != null) {
      write(parent, sum);
      for (int i = 0; i < sum.length; i++) {
        sum[i] = parent.in.readLong();
      }
    }
    for (Link child : children) {
      write(child, sum);
    }
    return sum;
  }

  private static void write(Link link, long[] numbers) throws IOException {
    for (long number : numbers) {
      link.out.writeLong(number);
    }
    link.out.flush();
  }

  /** Returns the sum over all shards, of which this worker's are in the tree. */
  float[] sum(ShardTree tree, int floats) throws IOException {
    for (Link child : children) {
      int parts = child.in.readInt();
      for (int i = 0; i < parts; i++) {
        int first = child.in.readInt();
        int end = child.in.readInt();
        tree.add(new ShardTree.Part(first, end, read(child, floats)));
      }
    }
    float[] sum;
    if (parent == null) {
      sum = tree.sum();
    } else {
      parent.out.writeInt(tree.parts().size());
      for (ShardTree.Part part : tree.parts()) {
        parent.out.writeInt(part.first());
        parent.out.writeInt(part.end());
        write(parent, part.sum());
      }
      parent.out.flush();
      sum = read(parent, floats);
    }
    for (Link child : children) {
      write(child, sum);
      child.out.flush();
    }
    return sum;
  }

  /** Returns the first worker's bytes. */
  byte[] broadcast(byte[] ofFirst) throws IOException {
    byte[] bytes = ofFirst;
    if (parent != null) {
      bytes = parent.in.readNBytes(parent.in.readInt());
    }
    for (Link child : children) {
      child.out.writeInt(bytes.length);
      child.out.write(bytes);
      child.out.flush();
    }
    return bytes;
  }

  private static void write(Link link, float[] values) throws IOException {
    ByteBuffer chunk =
        ByteBuffer.allocate(CHUNK_FLOATS * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int first = 0; first < values.length; first += CHUNK_FLOATS) {
      int count = Math.min(CHUNK_FLOATS, values.length - first);
      chunk.asFloatBuffer().put(values, first, count);
      link.out.write(chunk.array(), 0, count * Float.BYTES);
    }
  }

  private static float[] read(Link link, int floats) throws IOException {
    float[] values = new float[floats];
    ByteBuffer chunk =
        ByteBuffer.allocate(CHUNK_FLOATS * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int first = 0; first < floats; first += CHUNK_FLOATS) {
      int count = Math.min(CHUNK_FLOATS, floats - first);
      link.in.readFully(chunk.array(), 0, count * Float.BYTES);
      chunk.asFloatBuffer().get(values, first, count);
    }
    return values;
  }

  /** Closes everything; those who wait for this worker learn of it. */
  @Override
  public void close() throws IOException {
    server.close();
    if (parent != null) {
      parent.socket.close();
    }
    for (Link child : children) {
      child.socket.close();
    }
  }
}
