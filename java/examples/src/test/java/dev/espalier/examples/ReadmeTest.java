// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.testing.CompiledProgram;
import dev.espalier.testing.DocumentedCode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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

  /** Sandals, sneakers and ankle boots; T-shirts, pullovers, coats and shirts. */
  private static final Set<Integer> SHOES = Set.of(5, 7, 9);

  private static final Set<Integer> TOPS = Set.of(0, 2, 4, 6);
  private static final int ANSWERS = 100;

  /** Where the example saves its network. */
  private static final Path SAVED = Path.of("garments.safetensors");

  private static final Pattern OUTPUT = Pattern.compile("```text\n(.*?)```", Pattern.DOTALL);
  private static final Pattern CLASS = Pattern.compile("public class (\\w+)");

  @Test
  void exampleRuns(@TempDir Path folder) throws Exception {
    String program = DocumentedCode.of("README.md").get(0);
    String name = first(CLASS, program);
    CompiledProgram compiled = CompiledProgram.of(folder, name, program);
    Path pictures = Files.createDirectory(folder.resolve("pictures"));
    final byte[] kinds = write(pictures, "train", 4000);
    write(pictures, "t10k", 100);
    Path answers = writeAnswers(folder.resolve("answers.csv"), Arrays.copyOf(kinds, ANSWERS));

    String printed;
    try {
      printed = compiled.main(pictures.toString(), answers.toString());
    } finally {
      Files.deleteIfExists(SAVED);
    }
    assertEquals(first(OUTPUT, DocumentedCode.text("README.md")), printed);
  }

  @Test
  void whatItShowsOfCheckpointsCompiles(@TempDir Path folder) throws Exception {
    CompiledProgram.ofStatements(
        folder,
        "Resuming",
        List.of("dev.espalier.*", "java.nio.file.Path", "java.time.Duration"),
        "Network network, Dataset data",
        DocumentedCode.ofSection("README.md", "Training that a power cut can't lose").get(0));
  }

  /** Writes pictures with a bright stripe in the rows of their class; returns their classes. */
  private static byte[] write(Path folder, String part, int count) throws IOException {
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
    return Arrays.copyOfRange(labels.array(), 8, 8 + count);
  }

  /** Writes what java/examples/answers.csv has of real pictures, with as many blanks. */
  private static Path writeAnswers(Path file, byte[] kinds) throws IOException {
    List<String> lines = new ArrayList<>(List.of("shoe,top"));
    for (int i = 0; i < kinds.length; i++) {
      String shoe = SHOES.contains((int) kinds[i]) ? "yes" : "no";
      String top = TOPS.contains((int) kinds[i]) ? "yes" : "no";
      lines.add((i % 3 == 0 ? "" : shoe) + "," + (i % 3 == 1 ? "" : top));
    }
    return Files.write(file, lines);
  }

  private static String first(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    assertTrue(matcher.find(), () -> "no " + pattern.pattern());
    return matcher.group(1);
  }
}
