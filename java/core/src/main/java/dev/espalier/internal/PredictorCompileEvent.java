// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import java.util.function.Supplier;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** A predictor was made, or could not be. */
@Name("dev.espalier.PredictorCompile")
@Label("Predictor Compile")
@Category("Espalier")
@Description("A network was compiled into a predictor (fused, packed, run once), or failed to")
final class PredictorCompileEvent extends Event {
  @Label("Options")
  String options;

  @Label("Native Memory")
  @DataAmount
  long nativeBytes;

  @Label("Succeeded")
  boolean succeeded;

  static NativeHandle around(String options, Supplier<NativeHandle> compile) {
    PredictorCompileEvent event = new PredictorCompileEvent();
    event.begin();
    NativeHandle handle = null;
    try {
      handle = compile.get();
      return handle;
    } finally {
      event.end();
      if (event.shouldCommit()) {
        event.options = options;
        event.succeeded = handle != null;
        event.nativeBytes = handle == null ? 0 : handle.nativeBytes();
        event.commit();
      }
    }
  }
}
