// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The processes of the contenders at one number of threads; each starts when it is first needed.
 */
final class Field implements AutoCloseable {
  final int threads;
  private final Lineup lineup;
  private final boolean isPinned;
  private final Map<String, ContenderClient> clients = new HashMap<>();
  private final Set<String> absent = new HashSet<>();

  Field(Lineup lineup, int threads, boolean isPinned) {
    this.lineup = lineup;
    this.threads = threads;
    this.isPinned = isPinned;
  }

  /** The contender's process; null if it can't be had here, which is said once. */
  ContenderClient client(ContenderKind kind) throws IOException {
    if (absent.contains(kind.name())) {
      return null;
    }
    ContenderClient client = clients.get(kind.name());
    if (client != null) {
      return client;
    }
    try {
      client =
          ContenderClient.start(kind, threads, isPinned, lineup.folder.resolve("contenders.log"));
      lineup.versions.put(kind.name(), client.version());
    } catch (IOException error) {
      if (kind.name().equals("espalier")) {
        throw error;
      }
      absent.add(kind.name());
      System.out.printf("SKIPPED %s: %s%n", kind.name(), error.getMessage());
      return null;
    }
    clients.put(kind.name(), client);
    return client;
  }

  /** The controls' processes, ready to be called beside predictions of that work. */
  List<ContenderClient> controls(Work work, int batch) throws IOException {
    List<ContenderClient> controls = new ArrayList<>();
    for (ContenderKind kind : ContenderKind.controls(lineup.root)) {
      ContenderClient control = client(kind);
      if (control != null) {
        control.predict(work, batch);
        controls.add(control);
      }
    }
    return controls;
  }

  @Override
  public void close() {
    clients.values().forEach(ContenderClient::close);
  }
}
