// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/** What the project's files say of it: one version, and what a public repository asks for. */
class ProjectTest {
  private static final Path ROOT = Path.of(System.getProperty("espalier.root"));

  private static List<Path> poms() throws IOException {
    try (Stream<Path> files = Files.walk(ROOT, 4)) {
      return files
          .filter(file -> file.endsWith("pom.xml"))
          .filter(file -> !ROOT.relativize(file).toString().contains("target/"))
          .toList();
    }
  }

  private static Element pom(Path file)
      throws IOException, ParserConfigurationException, SAXException {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(file.toFile())
        .getDocumentElement();
  }

  /** Returns the element at a path of names below another, or null. */
  private static Element child(Element element, String... path) {
    Element at = element;
    for (String name : path) {
      Element found = null;
      for (Node n = at.getFirstChild(); n != null && found == null; n = n.getNextSibling()) {
        if (n instanceof Element e && e.getTagName().equals(name)) {
          found = e;
        }
      }
      if (found == null) {
        return null;
      }
      at = found;
    }
    return at;
  }

  private static String text(Path file, String... path) throws Exception {
    Element element = child(pom(file), path);
    assertNotNull(element, file + " has no " + String.join("/", path));
    String text = element.getTextContent().strip();
    assertFalse(text.isEmpty(), file + ": " + String.join("/", path));
    return text;
  }

  private static String found(String file, String pattern) throws IOException {
    Matcher matcher = Pattern.compile(pattern).matcher(Files.readString(ROOT.resolve(file)));
    assertTrue(matcher.find(), file + " has no " + pattern);
    return matcher.group(1);
  }

  /**
   * The root's pom has the version; others refer to it, and what is shown to users says the same.
   */
  @Test
  void theVersionIsInOnePlace() throws Exception {
    String version = text(ROOT.resolve("pom.xml"), "properties", "revision");
    assertEquals("${revision}", text(ROOT.resolve("pom.xml"), "version"));
    assertEquals(version, Espalier.version());
    assertEquals("${version}", found("CMakeLists.txt", "project\\(espalier VERSION (\\S+) "));
    assertEquals(
        version, found("README.md", "<artifactId>espalier</artifactId>\\s*<version>([^<]*)<"));
    int modules = 0;
    for (Path file : poms()) {
      if (!file.equals(ROOT.resolve("pom.xml"))) {
        assertEquals("${revision}", text(file, "parent", "version"), file.toString());
        modules++;
      }
    }
    assertTrue(modules >= 3, modules + " modules");
  }

  /** Whoever imports espalier-bom needs no version of a module that is published. */
  @Test
  void theBomHasEveryPublishedModule() throws Exception {
    Path bom = ROOT.resolve("java/bom/pom.xml");
    Set<String> published = new TreeSet<>();
    for (Path file : poms()) {
      boolean isPublished =
          !file.equals(ROOT.resolve("pom.xml"))
              && !file.equals(bom)
              && child(pom(file), "properties", "maven.deploy.skip") == null;
      if (isPublished) {
        published.add(text(file, "artifactId"));
      }
    }
    Set<String> listed = new TreeSet<>();
    NodeList dependencies = pom(bom).getElementsByTagName("dependency");
    for (int i = 0; i < dependencies.getLength(); i++) {
      Element dependency = (Element) dependencies.item(i);
      if (child(dependency, "groupId").getTextContent().equals("dev.espalier")) {
        listed.add(child(dependency, "artifactId").getTextContent());
      }
    }
    assertEquals(published, listed, "java/bom/pom.xml");
  }

  /** Name, description, URL, licence, developers and SCM, which Maven Central refuses to miss. */
  @Test
  void pomsSayWhatPublicRepositoriesAskFor() throws Exception {
    for (Path file : poms()) {
      text(file, "name");
      text(file, "description");
    }
    Path root = ROOT.resolve("pom.xml");
    assertTrue(text(root, "url").startsWith("https://"));
    text(root, "licenses", "license", "name");
    text(root, "licenses", "license", "url");
    text(root, "developers", "developer", "name");
    text(root, "scm", "connection");
    text(root, "scm", "developerConnection");
    text(root, "scm", "url");
  }
}
