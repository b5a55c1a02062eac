// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.testing.CompiledProgram;
import dev.espalier.testing.DocumentedCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What README.md and docs/data.md show of tables compiles, and runs. */
class TablesGuideTest {
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
    List<String> code = DocumentedCode.ofSection("README.md", "Tables");
    assertEquals(1, code.size());
    String printed =
        compile("Readme", code.get(0))
            .run(
                new Class<?>[] {Path.class, Connection.class, Table.class, List.class},
                folder,
                null,
                null,
                null);
    assertTrue(printed.startsWith("Table of 400 rows"), printed);
    assertTrue(printed.contains("age       number    guessed: all numbers, 45 blank"), printed);
    assertTrue(printed.endsWith("[effusion]" + System.lineSeparator()), printed);
  }

  @Test
  void theExamplesOfTheGuideCompile() throws IOException {
    List<String> code = DocumentedCode.ofSection("docs/data.md", "Tables");
    assertEquals(3, code.size());
    for (int i = 0; i < 3; i++) {
      compile("Guide" + i, code.get(i));
    }
  }

  private CompiledProgram compile(String name, String statements) throws IOException {
    return CompiledProgram.of(
        folder,
        name,
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
  }
}
