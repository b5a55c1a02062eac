// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jdi.Bootstrap;
import com.sun.jdi.VirtualMachine;
import com.sun.jdi.connect.Connector;
import com.sun.jdi.connect.LaunchingConnector;
import com.sun.jdi.event.Event;
import com.sun.jdi.event.EventSet;
import com.sun.jdi.event.MethodEntryEvent;
import com.sun.jdi.event.VMDisconnectEvent;
import com.sun.jdi.request.EventRequest;
import com.sun.jdi.request.MethodEntryRequest;
import dev.espalier.internal.Bridge;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A training step, and a prediction, crosses from Java into native code once; a step with a loss of
 * one's own twice. Each form runs in a JVM of its own, whose debugger tells of every native
 * function that is called.
 */
class CrossingsTest {
  private static final int CALLS = 24;
  private static final long MOST_MILLIS = 120_000;

  @ParameterizedTest
  @CsvSource({
    "ARRAYS, trainerStep",
    "PREFETCHED, trainerStep",
    "MAPPED, trainerStep",
    "CACHED, trainerStepCached",
    "OWN_LOSS, trainerBeginStep trainerFinishStep",
    "OWN_LOSS_CACHED, trainerBeginStepCached trainerFinishStep",
    "PREDICT_ARRAYS, predictorPredictArray",
    "PREDICT_BUFFERS, predictorPredictBuffers",
    "PREDICT_PIXEL_ARRAYS, predictorPredictPixelArray",
    "PREDICT_PIXEL_BUFFERS, predictorPredictPixelBuffers",
  })
  void oneCallIsOneCrossing(Work work, String functions) throws Exception {
    List<String> crossings = crossings(work);
    List<String> ofCall = List.of(functions.split(" "));
    List<String> expected =
        Collections.nCopies(CALLS, ofCall).stream().flatMap(List::stream).toList();
    int end = crossings.lastIndexOf(ofCall.get(ofCall.size() - 1)) + 1;
    assertTrue(end >= expected.size(), crossings.toString());
    // Before them, a predictor is warmed up.
    assertEquals(expected, crossings.subList(end - expected.size(), end));
  }

  /** Returns the native functions that the program called while it did the work, in order. */
  private static List<String> crossings(Work work) throws Exception {
    LaunchingConnector connector = Bootstrap.virtualMachineManager().defaultConnector();
    Map<String, Connector.Argument> arguments = connector.defaultArguments();
    arguments.get("main").setValue(Program.class.getName() + " " + work);
    arguments
        .get("options")
        .setValue("-cp \"" + System.getProperty("java.class.path") + "\" -Xmx64m");
    VirtualMachine machine = connector.launch(arguments);
    try {
      MethodEntryRequest request = machine.eventRequestManager().createMethodEntryRequest();
      request.addClassFilter(Bridge.class.getName());
      // What an event tells of is asked of the program, which may be over by then if it goes on.
      request.setSuspendPolicy(EventRequest.SUSPEND_EVENT_THREAD);
      request.enable();
      List<String> crossings = new ArrayList<>();
      boolean isOver = false;
      while (!isOver) {
        EventSet events = machine.eventQueue().remove(MOST_MILLIS);
        assertNotNull(events, "nothing is heard of the program any more");
        for (Event event : events) {
          if (event instanceof MethodEntryEvent entry && entry.method().isNative()) {
            crossings.add(entry.method().name());
          }
          isOver = isOver || event instanceof VMDisconnectEvent;
        }
        // The start stops the program: only once it is heard of can it be told to go on.
        events.resume();
      }
      int exitCode = machine.process().waitFor();
      assertEquals(0, exitCode, new String(machine.process().getErrorStream().readAllBytes()));
      return crossings;
    } finally {
      machine.process().destroyForcibly();
    }
  }

  /** What is done {@link #CALLS} times. */
  enum Work {
    ARRAYS,
    PREFETCHED,
    MAPPED,
    CACHED,
    OWN_LOSS,
    OWN_LOSS_CACHED,
    PREDICT_ARRAYS,
    PREDICT_BUFFERS,
    PREDICT_PIXEL_ARRAYS,
    PREDICT_PIXEL_BUFFERS
  }

  /** Does the work that its argument names. */
  static final class Program {
    private static final Dots DOTS = new Dots(40, 1);

    public static void main(String[] arguments) {
      Dataset data = DOTS.labels();
      switch (Work.valueOf(arguments[0])) {
        case ARRAYS -> train(Trainer.of(Dots.labeller(1)), data, false);
        case PREFETCHED -> train(Trainer.of(Dots.labeller(1)), data, true);
        case MAPPED ->
            train(Trainer.of(Dots.labeller(1)), Datasets.map(data, input -> input), false);
        case CACHED -> train(Trainer.of(Dots.labeller(1).freeze("conv1")), data, false);
        case OWN_LOSS -> train(withLoss(Dots.labeller(1)), data, false);
        case OWN_LOSS_CACHED -> train(withLoss(Dots.labeller(1).freeze("conv1")), data, false);
        default -> predict(Work.valueOf(arguments[0]));
      }
    }

    private static Trainer withLoss(Network network) {
      return Trainer.of(network).loss("side", OwnLossTest::logistic);
    }

    private static void train(Trainer trainer, Dataset data, boolean isPrefetching) {
      trainer
          .batchSize(16) // three batches an epoch, the last one smaller
          .steps(CALLS)
          .prefetch(isPrefetching)
          .listener(epoch -> {})
          .fit(data);
    }

    private static void predict(Work work) {
      byte[] bytes = new byte[64];
      float[] picture = Arrays.copyOf(DOTS.pictures, 64);
      FloatBuffer inputs = direct(64).put(picture).flip();
      ByteBuffer pixels = ByteBuffer.allocateDirect(64);
      FloatBuffer outputs = direct(2);
      PredictorOptions options = PredictorOptions.defaults().pixels(1f / 255, 0);
      try (Network network = Dots.labeller(1);
          Predictor predictor = network.predictor(options)) {
        for (int call = 0; call < CALLS; call++) {
          switch (work) {
            case PREDICT_ARRAYS -> predictor.predict(picture);
            case PREDICT_BUFFERS -> predictor.predict(inputs, outputs);
            case PREDICT_PIXEL_ARRAYS -> predictor.predictPixels(bytes);
            default -> predictor.predictPixels(pixels, outputs);
          }
        }
      }
    }

    private static FloatBuffer direct(int size) {
      return ByteBuffer.allocateDirect(Float.BYTES * size)
          .order(ByteOrder.nativeOrder())
          .asFloatBuffer();
    }
  }
}
