// SPDX-License-Identifier: Apache-2.0
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

public class TwoLoaders {
  public static void main(String[] arguments) throws Exception {
    List<URL> jars = new ArrayList<>();
    for (String jar : arguments[0].split(":")) {
      jars.add(Path.of(jar).toUri().toURL());
    }
    for (int i = 0; i < 2; i++) {
      URLClassLoader loader = new URLClassLoader(jars.toArray(new URL[0]), null);
      try {
        Object text = loader.loadClass("dev.espalier.Espalier").getMethod("describe").invoke(null);
        System.out.println("loaded: " + text);
      } catch (java.lang.reflect.InvocationTargetException error) {
        System.out.println(error.getCause());
      }
    }
  }
}
