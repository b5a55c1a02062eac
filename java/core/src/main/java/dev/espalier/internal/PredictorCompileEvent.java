// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import java.util.function.Supplier;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** A predictor was made. */
@Name("dev.espalier.PredictorCompile")
@Label("Predictor Compile")
@Category("Espalier")
@Description("A network was compiled into a predictor: fused, packed, run once")
final class PredictorCompileEvent extends Event {
  @Label("Options")
  String options;

  @Label("Native Memory")
  @DataAmount
  long nativeBytes;

  static NativeHandle around(String options, Supplier<NativeHandle> compile) {
    PredictorCompileEvent event = new PredictorCompileEvent();
    event.begin();
    NativeHandle handle = compile.get();
    event.end();
    if (event.shouldCommit()) {
      event.options = options;
      event.nativeBytes = handle.nativeBytes();
      event.commit();
    }
    return handle;
  }
}
