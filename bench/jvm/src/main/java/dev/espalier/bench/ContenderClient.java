// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A contender's process, seen from the one that runs the race. */
final class ContenderClient implements AutoCloseable {
  private final String name;
  private final Process process;
  private final PrintWriter requests;
  private final BufferedReader answers;

  private ContenderClient(String name, Process process) {
    this.name = name;
    this.process = process;
    requests = new PrintWriter(process.outputWriter(), true);
    answers = new BufferedReader(new InputStreamReader(process.getInputStream()));
  }

  /** Starts a contender with so many threads, on one core if it is one thread. */
  static ContenderClient start(ContenderKind kind, int threads, boolean isPinned, Path log)
      throws IOException {
    List<String> command = new ArrayList<>();
    if (isPinned && threads == 1) {
      command.addAll(Cores.pinned());
    }
    command.addAll(kind.command(threads));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()));
    Map<String, String> environment = builder.environment();
    environment.remove("OPENBLAS_CORETYPE"); // each library decides for itself what it runs
    for (String variable : List.of("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")) {
      environment.put(variable, String.valueOf(threads));
    }
    return new ContenderClient(kind.name(), builder.start());
  }

  String name() {
    return name;
  }

  String version() throws IOException {
    return ask("version");
  }

  /** Prepares predictions and returns the outputs. */
  float[] predict(Work work, int batch) throws IOException {
    return prepare("predict", work, batch);
  }

  /** Seconds from the file of a published model to what predicts. */
  double load(Work work) throws IOException {
    return numbers(ask("load " + work.folder() + " " + work.network()))[0];
  }

  /** Prepares training and returns the losses of the first steps. */
  float[] train(Work work, int batch) throws IOException {
    return prepare("train", work, batch);
  }

  /**
   * By how many MB the peak resident memory has exceeded what was resident before the network was
   * built; NaN where the system does not tell.
   */
  double peakMegabytes() throws IOException {
    return numbers(ask("peak"))[0];
  }

  /**
   * Count, p50, p99, p99.9 in microseconds (the last two NaN from too few), bytes allocated per
   * call.
   */
  double[] round(long millis, int least) throws IOException {
    return numbers(ask("round " + millis + " " + least));
  }

  /** Nanoseconds per call, timed in blocks of calls. */
  double blocks(long millis, int calls) throws IOException {
    return numbers(ask("blocks " + millis + " " + calls))[0];
  }

  /** Calls per second, p99 and p99.9 in microseconds. */
  double[] callers(int callers, long millis) throws IOException {
    return numbers(ask("callers " + callers + " " + millis));
  }

  /** Workload X. */
  Contender.Transfer transfer(Work work, String variant) throws IOException {
    double[] numbers =
        numbers(ask("transfer " + work.folder() + " " + work.network() + " " + variant));
    return new Contender.Transfer(numbers[0], Arrays.copyOfRange(numbers, 1, numbers.length));
  }

  /** Frees what was prepared. */
  void free() throws IOException {
    ask("close");
  }

  @Override
  public void close() {
    requests.close();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
      process.destroyForcibly();
    }
  }

  private float[] prepare(String what, Work work, int batch) throws IOException {
    Path file = work.folder().resolve(name + ".outputs");
    Files.deleteIfExists(file);
    ask(String.join(" ", what, work.folder().toString(), work.network(), "" + batch, "" + file));
    return Work.readFloats(file, Math.toIntExact(Files.size(file) / Float.BYTES));
  }

  private String ask(String request) throws IOException {
    requests.println(request);
    String line;
    while ((line = answers.readLine()) != null) {
      if (line.startsWith(ContenderProcess.ANSWER)) {
        String answer = line.substring(ContenderProcess.ANSWER.length());
        if (answer.startsWith("unsupported ")) {
          throw new UnsupportedOperationException(name + ": " + answer.substring(12));
        }
        if (!answer.startsWith("ok")) {
          throw new IOException(name + ", " + request + ": " + answer);
        }
        return answer.substring(2).strip();
      }
    }
    throw new IOException(name + " ended at: " + request);
  }

  private static double[] numbers(String answer) {
    return Arrays.stream(answer.split(" ")).mapToDouble(Double::parseDouble).toArray();
  }
}
