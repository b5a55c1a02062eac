// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlightRecordingTest {
  @TempDir Path folder;

  private static List<RecordedEvent> named(List<RecordedEvent> events, String name) {
    return events.stream().filter(event -> event.getEventType().getName().equals(name)).toList();
  }

  @Test
  void aRecordingSeesLoadingCompilingAndSlowCalls() throws IOException {
    Path model = folder.resolve("model.safetensors");
    try (Network network = Dots.rich(1);
        Predictor before = network.predictor()) {
      network.save(model);
      before.predict(new float[64]); // not recorded: nothing records yet
    }
    List<RecordedEvent> events =
        recorded(
            Duration.ZERO,
            () -> {
              try (Network network = Network.load(model);
                  Predictor predictor = network.predictor()) {
                predictor.predict(new float[3 * 64]);
                predictor.predictPixels(new byte[64]);
              }
            });
    List<RecordedEvent> loads = named(events, "dev.espalier.ModelLoad");
    assertEquals(1, loads.size(), events::toString);
    assertEquals(model.toString(), loads.get(0).getString("path"));
    assertTrue(loads.get(0).getBoolean("succeeded"));
    List<RecordedEvent> compiles = named(events, "dev.espalier.PredictorCompile");
    assertEquals(1, compiles.size());
    assertTrue(compiles.get(0).getLong("nativeBytes") > 0);
    assertTrue(compiles.get(0).getBoolean("succeeded"));
    List<RecordedEvent> calls = named(events, "dev.espalier.SlowCall");
    assertEquals(List.of(3, 1), calls.stream().map(call -> call.getInt("examples")).toList());
  }

  @Test
  void everyFormOfACallIsRecorded() throws IOException {
    try (Network network = Dots.rich(1)) {
      Predictor predictor = network.predictor();
      FloatBuffer inputs = DirectMemory.allocate(2 * 64, "inputs").asFloatBuffer();
      ByteBuffer pixels = ByteBuffer.allocateDirect(3 * 64);
      FloatBuffer outputs =
          DirectMemory.allocate(7 * predictor.outputSize(), "outputs").asFloatBuffer();
      Map<String, Runnable> forms = new LinkedHashMap<>();
      forms.put("array", () -> predictor.predict(new float[64]));
      forms.put("buffer", () -> predictor.predict(inputs, outputs));
      forms.put("buffer of pixels", () -> predictor.predictPixels(pixels, outputs));
      forms.put("array of pixels", () -> predictor.predictPixels(new byte[4 * 64]));
      List<Integer> examples = List.of(1, 2, 3, 4);
      for (boolean succeeds : new boolean[] {true, false}) {
        List<RecordedEvent> events =
            recorded(
                Duration.ZERO,
                () ->
                    forms.forEach(
                        (form, call) -> {
                          if (succeeds) {
                            call.run();
                          } else {
                            assertThrows(IllegalStateException.class, call::run, form);
                          }
                        }));
        List<RecordedEvent> calls = named(events, "dev.espalier.SlowCall");
        assertEquals(examples, calls.stream().map(call -> call.getInt("examples")).toList());
        assertTrue(
            calls.stream().allMatch(call -> call.getBoolean("succeeded") == succeeds),
            calls::toString);
        predictor.close();
      }
    }
  }

  @Test
  void aFastCallIsNotSlow() throws IOException {
    try (Network network = Dots.rich(1);
        Predictor predictor = network.predictor()) {
      List<RecordedEvent> events =
          recorded(
              Duration.ofMinutes(1),
              () -> {
                predictor.predict(new float[64]);
                predictor.predict(new float[64], new float[predictor.outputSize()]);
                predictor.predictPixels(new byte[64]);
                assertThrows(ShapeException.class, () -> predictor.predict(new float[63]));
              });
      assertEquals(List.of(), named(events, "dev.espalier.SlowCall"));
    }
  }

  @Test
  void whatFailsIsRecordedAsFailed() throws IOException {
    Path missing = folder.resolve("missing.safetensors");
    Predictor closed;
    try (Network network = Dots.rich(1)) {
      closed = network.predictor();
      closed.close();
      List<RecordedEvent> events =
          recorded(
              Duration.ZERO,
              () -> {
                assertThrows(RuntimeException.class, () -> Network.load(missing));
                PredictorOptions unknown = PredictorOptions.defaults().heads("none");
                assertThrows(IllegalArgumentException.class, () -> network.predictor(unknown));
                assertThrows(IllegalStateException.class, () -> closed.predict(new float[64]));
              });
      for (String name : List.of("ModelLoad", "PredictorCompile", "SlowCall")) {
        List<RecordedEvent> failed = named(events, "dev.espalier." + name);
        assertEquals(1, failed.size(), () -> name + " in " + events);
        assertFalse(failed.get(0).getBoolean("succeeded"), name);
      }
    }
  }

  /** A process that records from its start: what a predictor does to warm up is no call. */
  @Test
  void warmingUpIsNoCall() {
    assertEquals(
        "[2]",
        ChildJvm.run(
                FirstPredictor.class, List.of("-Xmx64m"), folder.resolve("first.jfr").toString())
            .lastLine());
  }

  /** Prints the examples of each call that was recorded while the first predictor made one call. */
  static final class FirstPredictor {
    public static void main(String[] arguments) throws IOException {
      Path file = Path.of(arguments[0]);
      try (Recording recording = new Recording()) {
        recording.enable("dev.espalier.SlowCall").withThreshold(Duration.ZERO);
        recording.start();
        try (Network network = Dots.labeller(1);
            Predictor predictor = network.predictor()) {
          predictor.predict(new float[2 * 64]);
        }
        recording.stop();
        recording.dump(file);
      }
      List<RecordedEvent> calls = named(RecordingFile.readAllEvents(file), "dev.espalier.SlowCall");
      System.out.println(calls.stream().map(call -> call.getInt("examples")).toList());
    }
  }

  /** What a recording sees of {@code work}, with that threshold of a slow call. */
  private List<RecordedEvent> recorded(Duration threshold, Runnable work) throws IOException {
    Path file = folder.resolve("recorded.jfr");
    try (Recording recording = new Recording()) {
      recording.enable("dev.espalier.SlowCall").withThreshold(threshold);
      recording.enable("dev.espalier.ModelLoad");
      recording.enable("dev.espalier.PredictorCompile");
      recording.start();
      work.run();
      recording.stop();
      recording.dump(file);
    }
    return RecordingFile.readAllEvents(file);
  }
}
