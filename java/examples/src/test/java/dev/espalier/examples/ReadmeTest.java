// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What README.md shows compiles, runs and prints what README.md says: here on pictures that stand
 * in for Fashion-MNIST's, with a stripe for each class; {@code ci/packaging} runs it on the real
 * ones.
 */
class ReadmeTest {
  private static final int SIDE = 28;
  private static final int CLASSES = 10;

  /** The classes of the first test pictures of Fashion-MNIST: ankle boot, pullover, trousers. */
  private static final int[] FIRST = {9, 2, 1};

  /** Where the example saves its network. */
  private static final Path SAVED = Path.of("use.safetensors");

  private static final Pattern PROGRAM = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
  private static final Pattern OUTPUT = Pattern.compile("```text\n(.*?)```", Pattern.DOTALL);
  private static final Pattern CLASS = Pattern.compile("public class (\\w+)");

  @Test
  void exampleRuns(@TempDir Path folder) throws Exception {
    String readme = Files.readString(Path.of(System.getProperty("espalier.readme")));
    String program = first(PROGRAM, readme);
    String name = first(CLASS, program);
    Path source = Files.writeString(folder.resolve(name + ".java"), program);

    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    assertNotNull(compiler, "needs a JDK");
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
    assertEquals(0, compiler.run(null, null, null, options), "README's example does not compile");
    Path pictures = Files.createDirectory(folder.resolve("pictures"));
    write(pictures, "train", 4000);
    write(pictures, "t10k", 100);

    PrintStream console = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (URLClassLoader loader =
        new URLClassLoader(new URL[] {folder.toUri().toURL()}, getClass().getClassLoader())) {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      String[] arguments = {pictures.toString()};
      loader.loadClass(name).getMethod("main", String[].class).invoke(null, (Object) arguments);
    } finally {
      System.setOut(console);
      Files.deleteIfExists(SAVED);
    }
    assertEquals(first(OUTPUT, readme), printed.toString(StandardCharsets.UTF_8));
  }

  /** Writes pictures with a bright stripe in the rows of their class, and their classes. */
  private static void write(Path folder, String part, int count) throws IOException {
    ByteBuffer images = ByteBuffer.allocate(16 + count * SIDE * SIDE);
    images.putInt(0x803).putInt(count).putInt(SIDE).putInt(SIDE);
    ByteBuffer labels = ByteBuffer.allocate(8 + count);
    labels.putInt(0x801).putInt(count);
    Random random = new Random(count);
    for (int i = 0; i < count; i++) {
      int label = i < FIRST.length ? FIRST[i] : random.nextInt(CLASSES);
      labels.put((byte) label);
      for (int pixel = 0; pixel < SIDE * SIDE; pixel++) {
        boolean isStripe = pixel / SIDE / 2 == label + 2;
        images.put((byte) (isStripe ? 200 + random.nextInt(50) : random.nextInt(50)));
      }
    }
    Files.write(folder.resolve(part + "-images-idx3-ubyte.gz"), images.array());
    Files.write(folder.resolve(part + "-labels-idx1-ubyte.gz"), labels.array());
  }

  private static String first(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    assertTrue(matcher.find(), () -> "no " + pattern.pattern());
    return matcher.group(1);
  }
}
