// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.CheckReturnValue;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** What is public, and what all of it has. */
class PublicApiTest {
  private static final Path SOURCES =
      Path.of(System.getProperty("espalier.root"), "java/text/src/main/java/dev/espalier/text");

  private static List<Class<?>> publicTypes() throws IOException, ClassNotFoundException {
    List<Class<?>> types = new ArrayList<>();
    try (var files = Files.list(SOURCES)) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString().replace(".java", "");
        if (!name.equals("package-info")) {
          Class<?> type = Class.forName("dev.espalier.text." + name);
          if (Modifier.isPublic(type.getModifiers())) {
            types.add(type);
          }
        }
      }
    }
    return types;
  }

  @Test
  void theseTypesArePublic() throws Exception {
    assertEquals(
        List.of(
            Encoding.class, TextDataset.class, TextInputs.class, TextValue.class, Tokenizer.class),
        publicTypes());
  }

  @Test
  void nothingIsNullWhereNothingElseIsSaid() {
    assertTrue(Tokenizer.class.getPackage().isAnnotationPresent(NullMarked.class));
  }

  @Test
  void allAreFinalHaveATextAndReturnWhatTheyMake() throws Exception {
    for (Class<?> type : publicTypes()) {
      assertTrue(Modifier.isFinal(type.getModifiers()), type.getName());
      if (!type.isEnum()) {
        assertEquals(type, type.getMethod("toString").getDeclaringClass());
        boolean isForOthersToRead = type == TextDataset.class;
        assertTrue(
            isForOthersToRead || type.isAnnotationPresent(CheckReturnValue.class), type.getName());
      }
      String source = Files.readString(SOURCES.resolve(type.getSimpleName() + ".java"));
      assertTrue(source.contains("@since 0.1\n"), type.getName());
    }
  }

  /** A null argument is refused by its name. */
  @Test
  void nullIsRefusedByName() throws Exception {
    List<String> nameless = new ArrayList<>();
    int refusals = 0;
    Tokenizer tokenizer = Tokenizer.ofJson(PublishedFiles.miniLm());
    for (Method method : Tokenizer.class.getDeclaredMethods()) {
      Class<?>[] types = method.getParameterTypes();
      for (int p = 0; p < types.length && Modifier.isPublic(method.getModifiers()); p++) {
        if (!types[p].isPrimitive()) {
          Object[] arguments = new Object[types.length];
          for (int other = 0; other < types.length; other++) {
            arguments[other] = other == p ? null : types[other] == String.class ? "a" : (Object) 4;
          }
          try {
            method.invoke(tokenizer, arguments);
            nameless.add(method + ": accepted");
          } catch (InvocationTargetException wrapped) {
            refusals++;
            String message = wrapped.getCause().getMessage();
            if (!(wrapped.getCause() instanceof NullPointerException)
                || message == null
                || message.startsWith("Cannot ")) {
              nameless.add(method + ": " + wrapped.getCause());
            }
          }
        }
      }
    }
    assertEquals(List.of(), nameless);
    assertTrue(refusals >= 9, refusals + " refusals");
  }
}
