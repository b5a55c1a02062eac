// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
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
    Path file = folder.resolve("recording.jfr");
    try (Recording recording = new Recording()) {
      recording.enable("dev.espalier.SlowCall").withThreshold(Duration.ZERO);
      recording.enable("dev.espalier.ModelLoad");
      recording.enable("dev.espalier.PredictorCompile");
      recording.start();
      try (Network network = Network.load(model);
          Predictor predictor = network.predictor()) {
        predictor.predict(new float[3 * 64]);
        predictor.predictPixels(new byte[64]);
      }
      recording.stop();
      recording.dump(file);
    }
    List<RecordedEvent> events = RecordingFile.readAllEvents(file);
    List<RecordedEvent> loads = named(events, "dev.espalier.ModelLoad");
    assertEquals(1, loads.size(), events::toString);
    assertEquals(model.toString(), loads.get(0).getString("path"));
    assertTrue(loads.get(0).getBoolean("succeeded"));
    List<RecordedEvent> compiles = named(events, "dev.espalier.PredictorCompile");
    assertEquals(1, compiles.size());
    assertTrue(compiles.get(0).getLong("nativeBytes") > 0);
    List<RecordedEvent> calls = named(events, "dev.espalier.SlowCall");
    assertEquals(List.of(3, 1), calls.stream().map(call -> call.getInt("examples")).toList());
  }
}
