// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** What every public type has, the next one included. */
class PublicApiTest {
  private static final Path SOURCES =
      Path.of(System.getProperty("espalier.root"), "java/core/src/main/java/dev/espalier");

  /** Types whose methods change the object that they return. */
  private static final Set<Class<?>> CHANGED_BY_THEIR_METHODS =
      Set.of(
          Adaptation.class,
          HeadLayers.class,
          Layers.class,
          Network.class,
          NetworkBuilder.class,
          Trainer.class,
          TransferBuilder.class);

  private static boolean isConcrete(Class<?> type) {
    return !type.isInterface() && !type.isEnum() && !Modifier.isAbstract(type.getModifiers());
  }

  private static List<Method> ownMethods(Class<?> type) {
    return Arrays.stream(type.getDeclaredMethods())
        .filter(method -> Modifier.isPublic(method.getModifiers()))
        .filter(method -> !Modifier.isStatic(method.getModifiers()) && !method.isSynthetic())
        .toList();
  }

  @Test
  void nothingIsNullWhereNothingElseIsSaid() {
    assertTrue(Espalier.class.getPackage().isAnnotationPresent(NullMarked.class));
  }

  /** An object that a debugger shows tells more than its address. */
  @Test
  void everyObjectHasAText() throws Exception {
    List<String> missing = new ArrayList<>();
    for (Class<?> type : AbuseTest.publicTypes()) {
      if (isConcrete(type)
          && !ownMethods(type).isEmpty()
          && type.getMethod("toString").getDeclaringClass() == Object.class) {
        missing.add(type.getName());
      }
    }
    assertEquals(List.of(), missing);
  }

  /** Where a method returns a changed copy, dropping it is a mistake that tools shall find. */
  @Test
  void resultsOfImmutableTypesAreNotToBeDropped() throws Exception {
    List<String> missing = new ArrayList<>();
    int marked = 0;
    for (Class<?> type : AbuseTest.publicTypes()) {
      boolean returnsCopies =
          ownMethods(type).stream().anyMatch(method -> method.getReturnType() == type);
      if (returnsCopies && isConcrete(type) && !CHANGED_BY_THEIR_METHODS.contains(type)) {
        boolean isMarked = type.isAnnotationPresent(CheckReturnValue.class);
        marked += isMarked ? 1 : 0;
        if (!isMarked) {
          missing.add(type.getName());
        }
      }
    }
    assertEquals(List.of(), missing);
    assertTrue(marked >= 10, marked + " types");
  }

  @Test
  void everyTypeSaysSinceWhenAndNothingSaysNothing() throws IOException {
    Pattern type =
        Pattern.compile("\\*/\\n(@[^\\n]*\\n)*public [a-z -]*(class|record|interface|enum) ");
    int types = 0;
    try (var files = Files.list(SOURCES)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
        String source = Files.readString(file);
        assertFalse(source.contains("as for the record"), file.toString());
        var matcher = type.matcher(source);
        if (matcher.find()) {
          types++;
          String doc =
              source.substring(source.lastIndexOf("/**", matcher.start()), matcher.start());
          assertTrue(doc.contains("@since "), file + " has no @since");
        }
      }
    }
    assertTrue(types >= 50, types + " types");
  }
}
