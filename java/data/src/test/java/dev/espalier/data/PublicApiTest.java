// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.CheckReturnValue;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** What is public, and what all of it has. */
class PublicApiTest {
  private static final Path SOURCES =
      Path.of(System.getProperty("espalier.root"), "java/data/src/main/java/dev/espalier/data");

  private static List<Class<?>> publicTypes() throws IOException, ClassNotFoundException {
    List<Class<?>> types = new ArrayList<>();
    try (var files = Files.list(SOURCES)) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString().replace(".java", "");
        if (!name.equals("package-info")) {
          Class<?> type = Class.forName("dev.espalier.data." + name);
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
            Augmentation.class,
            BrokenPicture.class,
            ColumnRole.class,
            IdxDataset.class,
            PictureDataset.class,
            PictureFit.class,
            PictureOptions.class,
            PictureReader.class,
            PictureScaling.class,
            RowPredictor.class,
            Table.class,
            TableColumn.class,
            TableField.class,
            TableInputs.class,
            TableOptions.class,
            TableSplit.class),
        publicTypes());
  }

  @Test
  void nothingIsNullWhereNothingElseIsSaid() {
    assertTrue(IdxDataset.class.getPackage().isAnnotationPresent(NullMarked.class));
  }

  @Test
  void allAreFinalHaveATextAndReturnWhatTheyMake() throws Exception {
    for (Class<?> type : publicTypes()) {
      assertTrue(Modifier.isFinal(type.getModifiers()), type.getName());
      List<Method> own =
          Arrays.stream(type.getDeclaredMethods())
              .filter(m -> Modifier.isPublic(m.getModifiers()))
              .filter(m -> !Modifier.isStatic(m.getModifiers()))
              .toList();
      if (!type.isEnum() && !own.isEmpty()) {
        assertEquals(type, type.getMethod("toString").getDeclaringClass());
        boolean returnsCopies = own.stream().anyMatch(m -> m.getReturnType() == type);
        assertTrue(
            !returnsCopies || type.isAnnotationPresent(CheckReturnValue.class), type.getName());
      }
      String source = Files.readString(SOURCES.resolve(type.getSimpleName() + ".java"));
      assertTrue(source.contains("@since 0.1\n"), type.getName());
    }
  }
}
