// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What README.md and docs/data.md show of tables compiles, and runs. */
class TablesGuideTest {
  private static final Path ROOT = Path.of(System.getProperty("espalier.root"));
  private static final Pattern SECTION =
      Pattern.compile("\n## Tables\n(.*?)(\n## |$)", Pattern.DOTALL);
  private static final Pattern CODE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @TempDir Path folder;

  @Test
  void theExampleOfTheReadmeRuns() throws Exception {
    SplittableRandom random = new SplittableRandom(1);
    StringBuilder rows = new StringBuilder("patient,age,sex,effusion,edema\n");
    for (int i = 0; i < 400; i++) {
      int age = random.nextInt(90);
      String sex = random.nextBoolean() ? "f" : "m";
      rows.append("p" + i / 2 + "," + (i % 9 == 0 ? "?" : "" + age) + "," + sex + ",");
      rows.append((i % 3 == 0 ? "" : age > 50 ? "yes" : "no") + ",");
      rows.append((i % 4 == 0 ? "?" : sex.equals("m") ? "1" : "0") + "\n");
    }
    Files.writeString(folder.resolve("patients.csv"), rows);
    String printed = run("Readme", code(ROOT.resolve("README.md"), 0));
    assertTrue(printed.startsWith("Table of 400 rows"), printed);
    assertTrue(printed.contains("age       number    guessed: all numbers, 45 blank"), printed);
    assertTrue(printed.endsWith("[effusion]" + System.lineSeparator()), printed);
  }

  @Test
  void theExamplesOfTheGuideCompile() throws IOException {
    Path guide = ROOT.resolve("docs/data.md");
    for (int i = 0; i < 3; i++) {
      compile("Guide" + i, code(guide, i));
    }
  }

  private static String code(Path file, int index) throws IOException {
    Matcher section = SECTION.matcher(Files.readString(file));
    assertTrue(section.find(), "no section on tables in " + file);
    Matcher code = CODE.matcher(section.group(1));
    for (int i = 0; i <= index; i++) {
      assertTrue(code.find(), "no example " + i + " of tables in " + file);
    }
    return code.group(1);
  }

  private void compile(String name, String statements) throws IOException {
    Path source =
        Files.writeString(
            folder.resolve(name + ".java"),
            "import dev.espalier.*;\nimport dev.espalier.data.*;\nimport java.nio.file.Path;\n"
                + "import java.sql.*;\nimport java.time.*;\nimport java.util.List;\n"
                + "import java.util.Map;\n"
                + "public class "
                + name
                + " {\n  record Patient(String number, int age, String sex, Boolean isIll) {}\n"
                + "  public static void run(Path folder, Connection connection, Table given,\n"
                + "      List<Patient> patients) throws Exception {\n"
                + (statements.contains("Table table") ? "" : "Table table = given;\n")
                + statements.replace("Path.of(\"", "folder.resolve(\"")
                + "  }\n}\n");
    String[] options = {
      "-Xlint:all,-path",
      "-Werror",
      "-proc:none",
      "-cp",
      System.getProperty("java.class.path"),
      "-d",
      folder.toString(),
      source.toString()
    };
    assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, options), name);
  }

  /** Returns what the statements print. */
  private String run(String name, String statements) throws Exception {
    compile(name, statements);
    PrintStream console = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (URLClassLoader loader =
        new URLClassLoader(new URL[] {folder.toUri().toURL()}, getClass().getClassLoader())) {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      loader
          .loadClass(name)
          .getMethod(
              "run", Path.class, java.sql.Connection.class, Table.class, java.util.List.class)
          .invoke(null, folder, null, null, null);
    } finally {
      System.setOut(console);
    }
    return printed.toString(StandardCharsets.UTF_8);
  }
}
