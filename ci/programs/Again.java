// SPDX-License-Identifier: Apache-2.0
import dev.espalier.Espalier;
import dev.espalier.EspalierException;

/** Asks with a cache that cannot be, then with the one that is given. */
public class Again {
  public static void main(String[] arguments) {
    String property = "org.bytedeco.javacpp.cachedir";
    System.setProperty(property, "/proc/none");
    try {
      Espalier.describe();
      throw new AssertionError("loaded from nowhere");
    } catch (EspalierException nowhere) {
      System.setProperty(property, arguments[0]);
      System.out.println(nowhere.code() + ", then " + Espalier.describe());
    }
  }
}
