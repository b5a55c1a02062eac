// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Espalier;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Shape;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What keeps the service from starting is one line for people, and an exit code. */
@Timeout(60)
class StartErrorsTest {
  @TempDir Path folder;

  private Path model;

  @BeforeEach
  void save() {
    model = folder.resolve("model.safetensors");
    try (Network network = Network.builder(Shape.vector(4)).head("a", Head.classes(3)).build(1)) {
      network.save(model);
    }
  }

  private static void assertOneLine(String part, String... arguments) {
    long handles = Espalier.liveHandles();
    StringWriter errors = new StringWriter();
    int code = ServiceMain.commandLine().setErr(new PrintWriter(errors)).execute(arguments);
    String text = errors.toString().strip();
    assertEquals(1, code, text);
    assertEquals(1, text.lines().count(), text);
    assertTrue(text.startsWith("serve: ") && text.contains(part), text);
    assertEquals(handles, Espalier.liveHandles());
  }

  @Test
  void aMissingOrDamagedModelIsNamed() throws Exception {
    Path missing = folder.resolve("missing");
    assertOneLine("got " + missing, "--model", missing.toString(), "--port", "0");
    assertOneLine("got " + folder, "--model", folder.toString(), "--port", "0");
    Path damaged = Files.writeString(folder.resolve("damaged"), "nonsense");
    assertOneLine(damaged.toString(), "--model", damaged.toString(), "--port", "0");
  }

  @Test
  void aTakenPortIsNamed() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      String port = Integer.toString(taken.getLocalPort());
      assertOneLine(
          "cannot listen on 127.0.0.1 port " + port, "--model", model.toString(), "--port", port);
    }
  }

  @Test
  void anUnknownHostIsNamed() {
    assertOneLine("got nowhere.invalid", "--model", model.toString(), "--host", "nowhere.invalid");
  }

  @Test
  void aShortTokenIsRefused() throws Exception {
    Path token = Files.writeString(folder.resolve("token"), "short\n");
    assertOneLine(
        "at least 16 characters, got 5",
        "--model",
        model.toString(),
        "--port",
        "0",
        "--admin-token-file",
        token.toString());
  }
}
