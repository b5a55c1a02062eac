// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import dev.espalier.internal.Bridge;
import dev.espalier.internal.FlightRecording;
import dev.espalier.internal.NativeErrors;
import dev.espalier.internal.NativeHandle;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/**
 * The forms of a prediction. They are not one method that takes the native call as a lambda, which
 * each call would allocate.
 */
final class PredictorCalls {
  private final NativeHandle handle;

  PredictorCalls(NativeHandle handle) {
    this.handle = handle;
  }

  /** Predicts between addresses whose memory the caller keeps reachable. */
  void predictAt(int batch, long inputs, long outputs) {
    FlightRecording.Call recorded = FlightRecording.call();
    RuntimeException failure = null;
    try {
      Bridge.predictorPredict(handle.id(), batch, inputs, outputs);
    } catch (RuntimeException error) {
      failure = error;
    }
    ended(recorded, batch, failure);
  }

  void predictBuffers(
      int batch, FloatBuffer inputs, int inputPosition, FloatBuffer outputs, int outputPosition) {
    FlightRecording.Call recorded = FlightRecording.call();
    RuntimeException failure = null;
    try {
      Bridge.predictorPredictBuffers(
          inputs, inputPosition, outputs, outputPosition, handle.id(), batch);
    } catch (RuntimeException error) {
      failure = error;
    }
    ended(recorded, batch, failure);
  }

  void predictPixelBuffers(
      int batch, ByteBuffer pixels, int pixelPosition, FloatBuffer outputs, int outputPosition) {
    FlightRecording.Call recorded = FlightRecording.call();
    RuntimeException failure = null;
    try {
      Bridge.predictorPredictPixelBuffers(
          pixels, pixelPosition, outputs, outputPosition, handle.id(), batch);
    } catch (RuntimeException error) {
      failure = error;
    }
    ended(recorded, batch, failure);
  }

  void predictArrays(int batch, float[] inputs, float[] outputs) {
    FlightRecording.Call recorded = FlightRecording.call();
    RuntimeException failure = null;
    try {
      Bridge.predictorPredictArray(
          handle.id(), batch, inputs, inputs.length, outputs, outputs.length);
    } catch (RuntimeException error) {
      failure = error;
    }
    ended(recorded, batch, failure);
  }

  void predictPixelArrays(int batch, byte[] pixels, float[] outputs) {
    FlightRecording.Call recorded = FlightRecording.call();
    RuntimeException failure = null;
    try {
      Bridge.predictorPredictPixelArray(
          handle.id(), batch, pixels, pixels.length, outputs, outputs.length);
    } catch (RuntimeException error) {
      failure = error;
    }
    ended(recorded, batch, failure);
  }

  /**
   * Ends a call: keeps the handle reachable up to here, records the call unless {@code recorded} is
   * null or it was none but a warm-up, throws what {@code failure} stands for unless that is null.
   */
  private void ended(FlightRecording.Call recorded, int batch, RuntimeException failure) {
    Reference.reachabilityFence(handle);
    if (recorded != null && batch > 0) {
      recorded.end(batch, failure == null);
    }
    if (failure != null) {
      throw NativeErrors.translate(failure);
    }
  }
}
