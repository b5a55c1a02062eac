// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Calls every public method and constructor with every hostile argument, on objects in every state.
 * Whatever happens has to be a result or a documented exception; what comes out is used once more.
 *
 * <p>Methods are found by reflection, so a new one is abused from its first day; a parameter type
 * without hostile values fails the test.
 */
class AbuseTest {
  private static final long BUDGET = 64 << 20;

  /** What is not called, and why. */
  private static final Map<String, String> LEFT_OUT = Map.of();

  private static final List<Class<? extends Throwable>> DOCUMENTED =
      List.of(
          NullPointerException.class,
          IllegalArgumentException.class,
          IllegalStateException.class,
          IndexOutOfBoundsException.class,
          UncheckedIOException.class,
          EspalierException.class,
          CancellationException.class,
          Hostile.Mine.class);

  @TempDir Path folder;

  private final long budget = Espalier.nativeBytesBudget();
  private final int threads = Espalier.threads();
  private long calls;
  private long successes;

  @BeforeEach
  void limitMemory() {
    Espalier.setNativeBytesBudget(BUDGET);
  }

  @AfterEach
  void restore() {
    Espalier.setNativeBytesBudget(budget);
    Espalier.setThreads(threads);
  }

  @Test
  void everythingEndsInAResultOrADocumentedException() throws Exception {
    long handles = Espalier.liveHandles();
    Hostile hostile = new Hostile(folder);
    for (Class<?> type : publicTypes()) {
      for (Constructor<?> constructor : type.getDeclaredConstructors()) {
        if (Modifier.isPublic(constructor.getModifiers()) && !type.isEnum()) {
          abuse(hostile, constructor, Collections.singletonList(() -> null));
        }
      }
      for (Method method : type.getDeclaredMethods()) {
        if (!Modifier.isPublic(method.getModifiers()) || method.isSynthetic()) {
          continue;
        }
        boolean isStatic = Modifier.isStatic(method.getModifiers());
        List<Supplier<?>> receivers =
            isStatic ? Collections.singletonList(() -> null) : hostile.receivers(type);
        assertTrue(!receivers.isEmpty(), "no objects to call " + method + " on; see Hostile");
        abuse(hostile, method, receivers);
      }
    }
    hostile.closeAll();
    assertEquals(handles, Espalier.liveHandles());
    assertTrue(calls > 5_000 && successes > calls / 10, calls + " calls, " + successes + " worked");
  }

  @Test
  void findsThePublicTypes() throws Exception {
    List<Class<?>> types = publicTypes();
    assertTrue(types.contains(Network.class) && types.contains(Split.class));
    assertTrue(types.size() >= 35, types::toString);
  }

  static List<Class<?>> publicTypes()
      throws IOException, URISyntaxException, ClassNotFoundException {
    Path place =
        Path.of(Espalier.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    if (Files.isDirectory(place)) {
      return publicTypes(place.resolve("dev/espalier"));
    }
    try (FileSystem jar = FileSystems.newFileSystem(URI.create("jar:" + place.toUri()), Map.of())) {
      return publicTypes(jar.getPath("dev/espalier"));
    }
  }

  private static List<Class<?>> publicTypes(Path classes)
      throws IOException, ClassNotFoundException {
    List<Class<?>> types = new ArrayList<>();
    try (Stream<Path> files = Files.list(classes)) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString();
        if (name.endsWith(".class") && !name.equals("package-info.class")) {
          Class<?> type = Class.forName("dev.espalier." + name.replace(".class", ""));
          if (isPublic(type)) {
            types.add(type);
          }
        }
      }
    }
    return types;
  }

  private static boolean isPublic(Class<?> type) {
    return Modifier.isPublic(type.getModifiers())
        && (type.getDeclaringClass() == null || isPublic(type.getDeclaringClass()));
  }

  /** Varies one argument after the other, the rest being legal; then all of them together. */
  private void abuse(Hostile hostile, Executable executable, List<Supplier<?>> receivers)
      throws Exception {
    if (LEFT_OUT.containsKey(executable.toString())) {
      return;
    }
    Class<?>[] types = executable.getParameterTypes();
    List<List<Supplier<?>>> pools = new ArrayList<>();
    int longest = 1;
    for (int p = 0; p < types.length; p++) {
      Class<?> type = types[p];
      List<Supplier<?>> pool = new ArrayList<>(hostile.arguments(type));
      assertTrue(!pool.isEmpty(), "no values of " + type + " for " + executable + "; see Hostile");
      if (executable.getGenericParameterTypes()[p].toString().endsWith("List<java.lang.String>")) {
        pool.add(() -> List.of("low", "right"));
        pool.add(() -> Arrays.asList("low", null));
      }
      pools.add(pool);
      longest = Math.max(longest, pool.size());
    }
    for (Supplier<?> receiver : receivers) {
      int[] choice = new int[types.length];
      call(hostile, executable, receiver, pools, choice, false);
      call(hostile, executable, receiver, pools, choice, true);
      for (int varied = 0; varied < types.length; varied++) {
        for (int value = 1; value < pools.get(varied).size(); value++) {
          Arrays.fill(choice, 0);
          choice[varied] = value;
          call(hostile, executable, receiver, pools, choice, false);
        }
      }
      for (int value = 1; types.length > 1 && value < longest; value++) {
        for (int p = 0; p < types.length; p++) {
          choice[p] = (value + p) % pools.get(p).size();
        }
        call(hostile, executable, receiver, pools, choice, false);
      }
    }
  }

  private void call(
      Hostile hostile,
      Executable executable,
      Supplier<?> receiver,
      List<List<Supplier<?>>> pools,
      int[] choice,
      boolean isInterrupted)
      throws Exception {
    Object[] arguments = new Object[choice.length];
    for (int p = 0; p < choice.length; p++) {
      arguments[p] = pools.get(p).get(choice[p]).get();
    }
    Object target = receiver.get();
    String description = executable + " with " + describe(arguments) + " on " + target;
    calls++;
    try {
      if (isInterrupted) {
        Thread.currentThread().interrupt();
      }
      Object result =
          executable instanceof Method method
              ? method.invoke(target, arguments)
              : ((Constructor<?>) executable).newInstance(arguments);
      Thread.interrupted();
      successes++;
      Aftermath.use(result);
    } catch (InvocationTargetException wrapped) {
      requireDocumented(wrapped.getCause(), description);
    } catch (RuntimeException | Error error) {
      requireDocumented(error, "the result of " + description);
    } finally {
      Thread.interrupted();
      hostile.closeAll();
      Espalier.setNativeBytesBudget(BUDGET);
      if (Espalier.threads() != threads) {
        Espalier.setThreads(threads);
      }
    }
  }

  private static void requireDocumented(Throwable error, String description) {
    boolean isDocumented = DOCUMENTED.stream().anyMatch(type -> type.isInstance(error));
    boolean isInternal =
        error instanceof EspalierException exception
            && exception.code() == ErrorCode.INTERNAL
            && !description.contains("EspalierException");
    if (!isDocumented || isInternal) {
      fail(description + " ended in " + error, error);
    }
  }

  private static String describe(Object[] arguments) {
    List<String> texts = new ArrayList<>();
    for (Object argument : arguments) {
      String text =
          argument instanceof Object[] array ? Arrays.toString(array) : String.valueOf(argument);
      texts.add(text.length() > 60 ? text.substring(0, 60) + "..." : text);
    }
    return texts.toString();
  }
}
