// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.spark;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.util.concurrent.ConcurrentHashMap;

/** One session of ONNX Runtime a process and model, of one thread, which its tasks share. */
final class OnnxSessions {
  private static final ConcurrentHashMap<String, OrtSession> SESSIONS = new ConcurrentHashMap<>();

  private OnnxSessions() {}

  static OrtSession of(String model) {
    return SESSIONS.computeIfAbsent(
        model,
        path -> {
          try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(1);
            options.setInterOpNumThreads(1);
            return OrtEnvironment.getEnvironment().createSession(path, options);
          } catch (OrtException error) {
            throw new IllegalStateException(error);
          }
        });
  }
}
