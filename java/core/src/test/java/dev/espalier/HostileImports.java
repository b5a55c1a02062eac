// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/** Options of imports, maps of weights, and what is made of them. */
final class HostileImports {
  private static final Path MODEL =
      Path.of(System.getProperty("espalier.root"), "cpp/testdata/small_backbone.onnx");

  private HostileImports() {}

  /** Adds them to the arguments of each type, and to the objects that methods are called on. */
  static void addTo(
      Map<Class<?>, List<Supplier<?>>> arguments, Map<Class<?>, List<Supplier<?>>> receivers) {
    ImportOptions defaults = ImportOptions.defaults();
    arguments.put(
        ImportOptions.class,
        Hostile.list(
            () -> defaults,
            () -> defaults.dimension("N", 1).inputShape("x", Shape.vector(3)).withoutBatch(),
            () -> defaults.maxFileBytes(1).outputs(""),
            () -> null));
    receivers.put(ImportOptions.class, Hostile.list(() -> defaults));
    receivers.put(ImportReport.class, Hostile.list(HostileImports::report));
    WeightMap same = WeightMap.sameNames();
    arguments.put(
        WeightMap.class,
        Hostile.list(
            () -> same,
            () -> same.mayStay("*").mayBeUnused("*"),
            () -> same.rename("*", "a?").mayStay("*").mayBeUnused("*"),
            () -> same.transpose("*", "x*").reshape("a\0b", "\u00fc"),
            WeightMap::torchvisionResNet,
            () -> null));
    receivers.put(WeightMap.class, Hostile.list(() -> same));
    receivers.put(WeightReport.class, Hostile.list(HostileImports::weightReport));
  }

  private static WeightReport weightReport() {
    return new WeightReport(
        "{\"matched\": [{\"parameter\": \"a\", \"tensor\": \"b\"}], \"reshaped\": [],"
            + " \"kept\": [\"c\"], \"unused\": [], \"summary\": \"\"}");
  }

  private static ImportReport report() {
    AtomicReference<ImportReport> report = new AtomicReference<>();
    Network.importOnnx(MODEL, ImportOptions.defaults().report(report::set)).close();
    return report.get();
  }
}
