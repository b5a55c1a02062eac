// SPDX-License-Identifier: Apache-2.0
package dev.espalier.advice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
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
      Path.of(System.getProperty("espalier.root"), "java/advice/src/main/java/dev/espalier/advice");

  private static List<Class<?>> publicTypes() throws IOException, ClassNotFoundException {
    List<Class<?>> types = new ArrayList<>();
    try (var files = Files.list(SOURCES)) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString().replace(".java", "");
        if (!name.equals("package-info")) {
          Class<?> type = Class.forName("dev.espalier.advice." + name);
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
            Interval.class,
            KnownShare.class,
            LayerProbe.class,
            SharingArm.class,
            SharingResult.class,
            SharingStudy.class,
            SharingVerdict.class,
            StudyListener.class,
            StudyProgress.class,
            TransferArm.class,
            TransferResult.class,
            TransferStudy.class,
            Verdict.class),
        publicTypes());
  }

  @Test
  void nothingIsNullWhereNothingElseIsSaid() {
    assertTrue(Interval.class.getPackage().isAnnotationPresent(NullMarked.class));
  }

  @Test
  void allAreFinalOrInterfacesAndHaveAText() throws Exception {
    for (Class<?> type : publicTypes()) {
      assertTrue(type.isInterface() || Modifier.isFinal(type.getModifiers()), type.getName());
      if (!type.isInterface()) {
        assertEquals(type, type.getMethod("toString").getDeclaringClass());
      }
      String source = Files.readString(SOURCES.resolve(type.getSimpleName() + ".java"));
      assertTrue(source.contains("@since 0.1\n"), type.getName());
    }
  }
}
