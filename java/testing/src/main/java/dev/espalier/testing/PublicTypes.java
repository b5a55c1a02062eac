// SPDX-License-Identifier: Apache-2.0
package dev.espalier.testing;

import java.io.IOException;
import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** The public types of a package, and what each of them has to have. */
public final class PublicTypes {
  private static final String NULL_MARKED = "NullMarked";
  private static final String CHECK_RETURN_VALUE = "CheckReturnValue";

  private final Path sources;
  private final List<Class<?>> types = new ArrayList<>();

  private PublicTypes(Path sources) {
    this.sources = sources;
  }

  /**
   * Finds the types that a package has sources of.
   *
   * @param module folder below the root of the project, say {@code java/text}
   */
  public static PublicTypes of(String module, String packageName)
      throws IOException, ClassNotFoundException {
    Path sources =
        Path.of(
            System.getProperty("espalier.root"),
            module,
            "src/main/java",
            packageName.replace('.', '/'));
    PublicTypes found = new PublicTypes(sources);
    try (var files = Files.list(sources)) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString();
        if (name.endsWith(".java") && !name.equals("package-info.java")) {
          Class<?> type = Class.forName(packageName + "." + name.replace(".java", ""));
          if (Modifier.isPublic(type.getModifiers())) {
            found.types.add(type);
          }
        }
      }
    }
    return found;
  }

  /** Returns their names without the package, in order. */
  public List<String> names() {
    return types.stream().map(Class::getSimpleName).toList();
  }

  /**
   * Returns what is wrong: types that may be extended, are without a text of their own, drop what
   * they return unseen, do not say since when they are there, or whose package allows null.
   *
   * @param returnsMayBeDropped types that return themselves, to be chained or not
   */
  public List<String> problems(Set<Class<?>> returnsMayBeDropped) throws Exception {
    List<String> problems = new ArrayList<>();
    for (Class<?> type : types) {
      if (!has(type.getPackage().getAnnotations(), NULL_MARKED)) {
        problems.add(type.getPackageName() + ": expected @NullMarked");
      }
      if (!Modifier.isFinal(type.getModifiers()) && !type.isInterface()) {
        problems.add(type.getName() + ": expected final");
      }
      List<Method> own =
          Arrays.stream(type.getDeclaredMethods())
              .filter(m -> Modifier.isPublic(m.getModifiers()))
              .filter(m -> !Modifier.isStatic(m.getModifiers()))
              .toList();
      boolean isThrown = Throwable.class.isAssignableFrom(type);
      if (!type.isEnum() && !type.isInterface() && !isThrown && !own.isEmpty()) {
        if (type.getMethod("toString").getDeclaringClass() != type) {
          problems.add(type.getName() + ": expected toString");
        }
        boolean isChained = own.stream().anyMatch(m -> m.getReturnType() == type);
        if (isChained
            && !returnsMayBeDropped.contains(type)
            && !has(type.getAnnotations(), CHECK_RETURN_VALUE)) {
          problems.add(type.getName() + ": expected @CheckReturnValue");
        }
      }
      String source = Files.readString(sources.resolve(type.getSimpleName() + ".java"));
      if (!source.contains("@since 0.1\n")) {
        problems.add(type.getName() + ": expected @since 0.1");
      }
    }
    return problems;
  }

  private static boolean has(Annotation[] annotations, String name) {
    return Arrays.stream(annotations)
        .anyMatch(one -> one.annotationType().getSimpleName().equals(name));
  }

  @Override
  public String toString() {
    return "PublicTypes" + names();
  }
}
