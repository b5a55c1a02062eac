// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;

/** A prediction took longer than the event's threshold. */
@Name("dev.espalier.SlowCall")
@Label("Slow Call")
@Category("Espalier")
@Description("A prediction took longer than the threshold of this event")
@Threshold("10 ms")
@StackTrace(false)
final class SlowCallEvent extends Event implements FlightRecording.Call {
  private static final SlowCallEvent PROBE = new SlowCallEvent();

  @Label("Examples")
  int examples;

  @Label("Succeeded")
  boolean succeeded;

  static boolean isRecorded() {
    return PROBE.isEnabled();
  }

  static SlowCallEvent begun() {
    SlowCallEvent event = new SlowCallEvent();
    event.begin();
    return event;
  }

  @Override
  public void end(int examples, boolean succeeded) {
    end();
    if (shouldCommit()) {
      this.examples = examples;
      this.succeeded = succeeded;
      commit();
    }
  }
}
