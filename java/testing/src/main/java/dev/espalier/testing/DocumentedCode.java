// SPDX-License-Identifier: Apache-2.0
package dev.espalier.testing;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The Java code that a document of this project shows. */
public final class DocumentedCode {
  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  private DocumentedCode() {}

  /**
   * Returns the blocks of Java in a document.
   *
   * @param document its path below the root of the project
   */
  public static List<String> of(String document) throws IOException {
    return blocks(text(document), document);
  }

  /** Returns the blocks of Java below a title of the second level. */
  public static List<String> ofSection(String document, String title) throws IOException {
    Pattern section =
        Pattern.compile("\n## " + Pattern.quote(title) + "\n(.*?)(\n## |$)", Pattern.DOTALL);
    Matcher matcher = section.matcher(text(document));
    assertTrue(matcher.find(), () -> "no section '" + title + "' in " + document);
    return blocks(matcher.group(1), document);
  }

  /** Returns the block of a document that has a public class of that name. */
  public static String program(String document, String name) throws IOException {
    return of(document).stream()
        .filter(code -> code.contains("public class " + name + " "))
        .findFirst()
        .orElseThrow(() -> new AssertionError(document + " has no program " + name));
  }

  /** Returns what a document says. */
  public static String text(String document) throws IOException {
    return Files.readString(Path.of(System.getProperty("espalier.root")).resolve(document));
  }

  private static List<String> blocks(String text, String document) {
    Matcher matcher = JAVA.matcher(text);
    List<String> blocks = new ArrayList<>();
    while (matcher.find()) {
      blocks.add(matcher.group(1));
    }
    assertTrue(!blocks.isEmpty(), () -> "no Java in " + document);
    return blocks;
  }
}
