// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import java.util.function.Supplier;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** A model file was read, or could not be. */
@Name("dev.espalier.ModelLoad")
@Label("Model Load")
@Category("Espalier")
@Description("A model file was read and checked, or refused")
final class ModelLoadEvent extends Event {
  @Label("Path")
  String path;

  @Label("Succeeded")
  boolean succeeded;

  static <R> R around(String path, Supplier<R> load) {
    ModelLoadEvent event = new ModelLoadEvent();
    event.begin();
    try {
      R result = load.get();
      event.succeeded = true;
      return result;
    } finally {
      event.path = path;
      event.commit();
    }
  }
}
