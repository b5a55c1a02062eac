// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.espalier.Task;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class AnswersTest {
  private static final Engine.Answer ANSWER =
      new Engine.Answer(
          List.of(Task.of("garment", Task.Kind.CLASSES, List.of("shirt", "shoe"))),
          new float[] {0.25f, 0.75f});

  @Test
  void nanIsNoBestClass() throws Exception {
    Engine.Answer answer = new Engine.Answer(ANSWER.tasks(), new float[] {Float.NaN, 0.75f});
    String text = new String(Answers.write(answer), StandardCharsets.UTF_8);
    assertTrue(text.contains("\"best\":\"shoe\""), text);
    assertTrue(text.contains("\"shirt\":null"), text);
  }

  /** As virtual threads are, one a request: what a thread keeps for the next one is lost. */
  @Test
  void aThreadsFirstAnswerNeedsNoBuffersOfItsOwn() throws Exception {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Answers.write(ANSWER);
    AtomicLong bytes = new AtomicLong(-1);
    Thread thread =
        new Thread(
            () -> {
              long before = threads.getCurrentThreadAllocatedBytes();
              Answers.write(ANSWER);
              bytes.set(threads.getCurrentThreadAllocatedBytes() - before);
            });
    thread.start();
    thread.join();
    assertTrue(bytes.get() > 0 && bytes.get() < 8000, () -> bytes + " bytes");
  }
}
