// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import dev.espalier.Espalier;
import java.io.File;
import java.nio.file.Path;
import java.util.List;

/**
 * How a contender is started.
 *
 * @param name its name in the results
 * @param program a Java class, or a Python script
 * @param classPath for a Java class: folders of jars and jars
 */
record ContenderKind(String name, String program, List<Path> classPath) {
  /** All that take part; the other libraries only if their jars are there. */
  static List<ContenderKind> all(Path root, boolean withPeers) {
    ContenderKind espalier = espalier(root);
    ContenderKind bf16 = espalier.as("espalier-bf16", espalier.program());
    ContenderKind int8 = espalier.as("espalier-int8", espalier.program());
    if (!withPeers) {
      return List.of(espalier, bf16, int8);
    }
    Path peers = root.resolve("bench/jvm/peers/target");
    List<Path> peerPath =
        List.of(
            peers.resolve("espalier-bench-peers-" + Espalier.version() + ".jar"),
            peers.resolve("lib"));
    Path old = root.resolve("bench/jvm/dl4j/target");
    List<Path> oldPath =
        List.of(
            old.resolve("espalier-bench-dl4j-" + Espalier.version() + ".jar"), old.resolve("lib"));
    ContenderKind ort =
        new ContenderKind("ort", "dev.espalier.bench.peers.OnnxRuntimeContender", peerPath);
    return List.of(
        espalier,
        bf16,
        int8,
        ort,
        ort.as("ort-int8", ort.program()),
        new ContenderKind("torch", "dev.espalier.bench.peers.TorchContender", peerPath),
        new ContenderKind("torch-python", root + "/bench/python/contender.py", List.of()),
        new ContenderKind("dl4j", "dev.espalier.bench.dl4j.Dl4jContender", oldPath));
  }

  /** This library. */
  static ContenderKind espalier(Path root) {
    Path own = root.resolve("bench/jvm/target");
    List<Path> classPath =
        List.of(own.resolve("espalier-bench-" + Espalier.version() + ".jar"), own.resolve("lib"));
    return new ContenderKind("espalier", "dev.espalier.bench.EspalierContender", classPath);
  }

  /** This one and, of this library, the same with one copy of the weights for all callers. */
  List<ContenderKind> withShared() {
    return switch (name) {
      case "espalier" -> List.of(this, as("espalier-shared", program));
      case "espalier-bf16" -> List.of(this, as("espalier-shared-bf16", program));
      default -> List.of(this);
    };
  }

  /** The system and the machine alone; see {@link ControlContender}. */
  static List<ContenderKind> controls(Path root) {
    ContenderKind espalier = espalier(root);
    String program = ControlContender.class.getName();
    return List.of(espalier.as("clock", program), espalier.as("read", program));
  }

  /** Another program on the same class path. */
  ContenderKind as(String otherName, String otherProgram) {
    return new ContenderKind(otherName, otherProgram, classPath);
  }

  /** The command that runs it. */
  List<String> command(int threads) {
    if (program.endsWith(".py")) {
      return List.of("/usr/bin/python3", program, String.valueOf(threads));
    }
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-Xmx6g",
        "-Dorg.bytedeco.javacpp.cachedir=" + System.getProperty("org.bytedeco.javacpp.cachedir"),
        "-cp",
        classPathText(),
        "dev.espalier.bench.ContenderProcess",
        program,
        name,
        String.valueOf(threads));
  }

  private String classPathText() {
    StringBuilder text = new StringBuilder();
    for (Path entry : classPath) {
      text.append(text.isEmpty() ? "" : File.pathSeparator)
          .append(entry.toString().endsWith(".jar") ? entry : entry + "/*");
    }
    return text.toString();
  }
}
