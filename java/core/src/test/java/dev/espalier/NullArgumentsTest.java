// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A null argument is refused by its name, not by what the JVM says of the line that met it. */
class NullArgumentsTest {
  /** Called for each example of a batch. */
  private static final Set<String> UNCHECKED = Set.of("readInput", "readTarget");

  @TempDir Path folder;

  private final List<String> nameless = new ArrayList<>();
  private int refusals;

  @Test
  void nullIsRefusedByName() throws Exception {
    Hostile hostile = new Hostile(folder);
    for (Class<?> type : AbuseTest.publicTypes()) {
      for (Constructor<?> constructor : type.getConstructors()) {
        if (!type.isEnum()) {
          tryNulls(hostile, constructor, type);
        }
      }
      for (Method method : type.getDeclaredMethods()) {
        boolean isOurs = Modifier.isPublic(method.getModifiers()) && !method.isSynthetic();
        if (isOurs && !UNCHECKED.contains(method.getName())) {
          tryNulls(hostile, method, type);
        }
      }
    }
    assertEquals(List.of(), nameless);
    assertTrue(refusals > 100, refusals + " refusals");
  }

  /** Gives null for one parameter after the other, the rest being legal. */
  private void tryNulls(Hostile hostile, Executable executable, Class<?> type) throws Exception {
    Class<?>[] types = executable.getParameterTypes();
    for (int p = 0; p < types.length; p++) {
      if (types[p].isPrimitive()) {
        continue;
      }
      Object[] arguments = new Object[types.length];
      for (int other = 0; other < types.length; other++) {
        arguments[other] = other == p ? null : hostile.arguments(types[other]).get(0).get();
      }
      try {
        if (executable instanceof Method method) {
          boolean isStatic = Modifier.isStatic(method.getModifiers());
          method.invoke(isStatic ? null : hostile.receivers(type).get(0).get(), arguments);
        } else {
          ((Constructor<?>) executable).newInstance(arguments);
        }
      } catch (InvocationTargetException wrapped) {
        if (wrapped.getCause() instanceof NullPointerException refusal) {
          refusals++;
          String message = refusal.getMessage();
          if (message == null || message.startsWith("Cannot ")) {
            nameless.add(executable + ", argument " + p + ": " + message);
          }
        }
      } finally {
        hostile.closeAll();
      }
    }
  }
}
