// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * GraalVM's metadata, without a native-image: they have the form of its schema (1.2.0), what they
 * name exists, and they name whatever native code looks up.
 */
class NativeImageMetadataTest {
  private static final String FILE =
      "/META-INF/native-image/dev.espalier/espalier/reachability-metadata.json";
  private static final Path ROOT = Path.of(System.getProperty("espalier.root"));
  private static final Map<String, Class<?>> ARRAYS = Map.of("byte[]", byte[].class);

  private static Map<?, ?> metadata() throws IOException {
    try (InputStream in = NativeImageMetadataTest.class.getResourceAsStream(FILE)) {
      assertNotNull(in, FILE);
      return (Map<?, ?>) JsonReader.read(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  private static List<Map<?, ?>> list(Map<?, ?> object, String name) {
    List<Map<?, ?>> entries = new ArrayList<>();
    if (object.get(name) != null) {
      for (Object entry : (List<?>) object.get(name)) {
        entries.add((Map<?, ?>) entry);
      }
    }
    return entries;
  }

  private static Class<?> type(Object name) throws ClassNotFoundException {
    Class<?> array = ARRAYS.get(name);
    return array == null ? Class.forName((String) name) : array;
  }

  @Test
  void hasTheFormOfTheSchema() throws IOException {
    Map<?, ?> metadata = metadata();
    assertEquals(Set.of("comment", "reflection", "resources"), metadata.keySet());
    for (Map<?, ?> entry : list(metadata, "reflection")) {
      assertTrue(
          Set.of("type", "jniAccessible", "methods", "fields").containsAll(entry.keySet()),
          entry.toString());
      assertEquals(true, entry.get("jniAccessible"), entry.toString());
      for (Map<?, ?> method : list(entry, "methods")) {
        assertEquals(Set.of("name", "parameterTypes"), method.keySet());
      }
      for (Map<?, ?> field : list(entry, "fields")) {
        assertEquals(Set.of("name"), field.keySet());
      }
    }
    for (Map<?, ?> resource : list(metadata, "resources")) {
      assertEquals(Set.of("glob"), resource.keySet());
    }
  }

  @Test
  void whatIsNamedExists() throws Exception {
    for (Map<?, ?> entry : list(metadata(), "reflection")) {
      Class<?> type = type(entry.get("type"));
      for (Map<?, ?> field : list(entry, "fields")) {
        type.getDeclaredField((String) field.get("name"));
      }
      for (Map<?, ?> method : list(entry, "methods")) {
        List<Class<?>> parameters = new ArrayList<>();
        for (Object parameter : (List<?>) method.get("parameterTypes")) {
          parameters.add(type(parameter));
        }
        Class<?>[] types = parameters.toArray(new Class<?>[0]);
        if (method.get("name").equals("<init>")) {
          type.getDeclaredConstructor(types);
        } else {
          type.getDeclaredMethod((String) method.get("name"), types);
        }
      }
    }
    for (Map<?, ?> resource : list(metadata(), "resources")) {
      String file = ((String) resource.get("glob")).replace("*", UnpackedLibrary.platform());
      assertNotNull(getClass().getResource("/" + file), file);
    }
  }

  /** By {@code FindClass} of the bridge, or by JavaCPP's table for what its functions throw. */
  @Test
  void whatNativeCodeLooksUpIsNamed() throws IOException {
    Set<String> wanted = new TreeSet<>();
    List<Path> sources;
    try (Stream<Path> files = Files.walk(ROOT.resolve("cpp/jvm"))) {
      sources = files.filter(file -> file.toString().matches(".*\\.(h|cc)")).toList();
    }
    for (Path source : sources) {
      matches("FindClass\\(\"([^\"]+)\"", Files.readString(source)).forEach(wanted::add);
    }
    assertTrue(wanted.size() >= 3, wanted.toString());
    String generated = Files.readString(ROOT.resolve("java/core/target/jni/jniEspalier.cpp"));
    String table = matches("JavaCPP_classNames\\[\\d+\\] = \\{([^}]*)\\}", generated).get(0);
    List<String> names = matches("\"([^\"]+)\"", table);
    String functions = generated.substring(generated.indexOf("JNICALL Java_dev_espalier"));
    for (String index : matches("exc = JavaCPP_handleException\\(env, (\\d+)\\)", functions)) {
      wanted.add(names.get(Integer.parseInt(index)));
    }
    Set<String> named =
        list(metadata(), "reflection").stream()
            .map(entry -> ((String) entry.get("type")).replace('.', '/'))
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(named, wanted);
  }

  private static List<String> matches(String pattern, String text) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    List<String> found = new ArrayList<>();
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }
}
