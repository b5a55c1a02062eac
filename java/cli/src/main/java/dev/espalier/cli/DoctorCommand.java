// SPDX-License-Identifier: Apache-2.0
package dev.espalier.cli;

import dev.espalier.Datasets;
import dev.espalier.Espalier;
import dev.espalier.EspalierException;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;
import dev.espalier.Trainer;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import javax.imageio.ImageIO;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Says whether the library works here, and what would make it work better. */
@Command(
    abbreviateSynopsis = true,
    name = "doctor",
    header = "Says whether all works on this machine.",
    description = "Looks at CPU, native library, JVM, memory and readers of pictures.")
final class DoctorCommand implements Callable<Integer> {
  private static final long MIB = 1 << 20;
  private static final long LITTLE_MEMORY = 256 * MIB;
  private static final int FIRST_JAVA_THAT_WARNS = 24;
  private static final Set<String> WANTED_FORMATS =
      Set.of("jpeg", "png", "webp", "bmp", "gif", "tiff");

  @Spec private CommandSpec spec;

  @Mixin private JsonOption json;

  private final List<Finding> findings = new ArrayList<>();

  private enum Verdict {
    OK,
    WARNING,
    FAILED
  }

  /** One thing that was looked at, and what to do about it, if anything. */
  private record Finding(Verdict verdict, String what, String found, String fix) {}

  @Override
  public Integer call() {
    lookAtJvm();
    if (lookAtLibrary()) {
      lookAtMemory();
      tryNetwork();
    }
    lookAtPictures();
    boolean isWell = findings.stream().noneMatch(one -> one.verdict == Verdict.FAILED);
    if (json.isGiven()) {
      spec.commandLine().getOut().println(Json.pretty(described(isWell)));
    } else {
      print(spec.commandLine().getOut());
    }
    return isWell ? 0 : 1;
  }

  private void add(Verdict verdict, String what, String found, String fix) {
    findings.add(new Finding(verdict, what, found, fix));
  }

  private void lookAtJvm() {
    add(
        Verdict.OK,
        "JVM",
        String.format(
            "%s %s, %s %s",
            System.getProperty("java.vm.name"),
            System.getProperty("java.vm.version"),
            System.getProperty("os.name"),
            System.getProperty("os.arch")),
        "");
    List<String> flags = ManagementFactory.getRuntimeMXBean().getInputArguments();
    boolean isGranted = flags.stream().anyMatch(flag -> flag.contains("enable-native-access"));
    boolean warns = Runtime.version().feature() >= FIRST_JAVA_THAT_WARNS && !isGranted;
    add(
        warns ? Verdict.WARNING : Verdict.OK,
        "JVM's flags",
        flags.isEmpty() ? "none" : String.join(" ", flags),
        warns ? "start the JVM with --enable-native-access=ALL-UNNAMED, or it warns" : "");
  }

  private boolean lookAtLibrary() {
    try {
      long start = System.nanoTime();
      String cpu = Espalier.cpuTarget();
      double millis = (System.nanoTime() - start) / 1e6;
      add(
          Verdict.OK,
          "native library",
          String.format(Locale.ROOT, "%s, loaded in %.0f ms", Espalier.describe(), millis),
          "");
      boolean isBaseline = cpu.equals("baseline");
      add(
          isBaseline ? Verdict.WARNING : Verdict.OK,
          "CPU",
          cpu + ", " + Espalier.threads() + (Espalier.threads() == 1 ? " thread" : " threads"),
          isBaseline ? "a CPU with AVX2 or AVX-512 is several times faster" : "");
      return true;
    } catch (EspalierException | IllegalArgumentException error) {
      add(Verdict.FAILED, "native library", FailureMessage.message(error), "see the message");
      return false;
    }
  }

  private void lookAtMemory() {
    long budget = Espalier.nativeBytesBudget();
    boolean isLittle = budget < LITTLE_MEMORY;
    add(
        isLittle ? Verdict.WARNING : Verdict.OK,
        "memory",
        String.format(
            Locale.ROOT,
            "%,d MiB for networks, %,d MiB of heap",
            budget / MIB,
            Runtime.getRuntime().maxMemory() / MIB),
        isLittle ? "give the JVM less heap (-Xmx), or the container more memory" : "");
  }

  /** Trains a small network twice: it has to learn, to the same bits, and to answer the same. */
  private void tryNetwork() {
    try {
      float[][] inputs = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
      float[] first = answers(inputs);
      boolean isRight = first[0] < 0.5 && first[1] > 0.5 && first[2] > 0.5 && first[3] < 0.5;
      boolean isSame = Arrays.equals(first, answers(inputs));
      add(
          isRight && isSame ? Verdict.OK : Verdict.FAILED,
          "training",
          isRight
              ? isSame ? "learns, twice to the same bits" : "two runs differ"
              : "did not learn the difference of two bits: " + Arrays.toString(first),
          isRight && isSame ? "" : "please report it, with all of this");
    } catch (RuntimeException error) {
      add(Verdict.FAILED, "training", FailureMessage.message(error), "see the message");
    }
  }

  private static float[] answers(float[][] inputs) {
    float[][] targets = {{0}, {1}, {1}, {0}};
    try (Network network =
        Network.builder(Shape.vector(2))
            .dense("hidden", 16)
            .tanh()
            .head("differ", Head.labels("yes"))
            .build(1)) {
      Trainer.of(network).epochs(1000).seed(1).fit(Datasets.of(inputs, targets));
      try (Predictor predictor = network.predictor()) {
        return predictor.predict(new float[] {0, 0, 0, 1, 1, 0, 1, 1});
      }
    }
  }

  private void lookAtPictures() {
    Set<String> formats = new TreeSet<>();
    for (String name : ImageIO.getReaderFormatNames()) {
      formats.add(name.toLowerCase(Locale.ROOT));
    }
    boolean isWell = formats.containsAll(WANTED_FORMATS);
    Set<String> missing = new TreeSet<>(WANTED_FORMATS);
    missing.removeAll(formats);
    add(
        isWell ? Verdict.OK : Verdict.FAILED,
        "pictures",
        isWell ? "reads " + String.join(", ", new TreeSet<>(WANTED_FORMATS)) : "misses " + missing,
        isWell ? "" : "the jar is not whole: install it again");
  }

  private void print(PrintWriter out) {
    for (Finding finding : findings) {
      String mark =
          switch (finding.verdict) {
            case OK -> "ok";
            case WARNING -> "WARNING";
            case FAILED -> "FAILED";
          };
      out.printf("%-8s %-15s %s%n", mark, finding.what, finding.found);
      if (!finding.fix.isEmpty()) {
        out.printf("%-8s %-15s → %s%n", "", "", finding.fix);
      }
    }
  }

  private Map<String, Object> described(boolean isWell) {
    List<Object> all = new ArrayList<>();
    for (Finding finding : findings) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("what", finding.what);
      one.put("verdict", finding.verdict.name().toLowerCase(Locale.ROOT));
      one.put("found", finding.found);
      one.put("fix", finding.fix);
      all.add(one);
    }
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("version", Espalier.version());
    result.put("well", isWell);
    result.put("findings", all);
    return result;
  }
}
