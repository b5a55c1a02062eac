// SPDX-License-Identifier: Apache-2.0
package dev.espalier.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.tools.ToolProvider;

/** Java source that compiles without a warning, against all that the test itself sees. */
public final class CompiledProgram {
  private final Path folder;
  private final String name;

  private CompiledProgram(Path folder, String name) {
    this.folder = folder;
    this.name = name;
  }

  /**
   * Compiles a class.
   *
   * @param folder where source and classes are written
   * @param name of the public class
   */
  public static CompiledProgram of(Path folder, String name, String source) throws IOException {
    Path file = Files.writeString(folder.resolve(name + ".java"), source);
    String[] options = {
      "-Xlint:all,-path",
      "-Werror",
      "-proc:none",
      "-cp",
      System.getProperty("java.class.path"),
      "-d",
      folder.toString(),
      file.toString()
    };
    assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, options), name);
    return new CompiledProgram(folder, name);
  }

  /**
   * Compiles statements as the body of a method {@code run}.
   *
   * @param imports what follows "import", "*" or names of classes at its end
   * @param parameters as they stand in its declaration
   */
  public static CompiledProgram ofStatements(
      Path folder, String name, List<String> imports, String parameters, String statements)
      throws IOException {
    StringBuilder source = new StringBuilder();
    imports.forEach(one -> source.append("import ").append(one).append(";\n"));
    source.append("public class ").append(name).append(" {\n");
    source.append("  public static void run(").append(parameters).append(") throws Exception {\n");
    return of(folder, name, source.append(statements).append("  }\n}\n").toString());
  }

  /** Runs {@code main} and returns what it prints. */
  public String main(String... arguments) throws Exception {
    return call("main", new Class<?>[] {String[].class}, (Object) arguments);
  }

  /** Runs {@code run} and returns what it prints. */
  public String run(Class<?>[] types, Object... arguments) throws Exception {
    return call("run", types, arguments);
  }

  private String call(String method, Class<?>[] types, Object... arguments) throws Exception {
    PrintStream console = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    URL[] classes = {folder.toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(classes, getClass().getClassLoader())) {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      loader.loadClass(name).getMethod(method, types).invoke(null, arguments);
    } finally {
      System.setOut(console);
    }
    return printed.toString(StandardCharsets.UTF_8);
  }
}
