// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Dataset;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files and arguments that nobody should give: each is read, or refused in words. */
class HostileTablesTest {
  private static final String FILE =
      "\ufeffid,age,sex,day,note,ill,kind\n1,60,f,2026-01-01,\"a, \"\"b\"\" c\nd\",yes,x\n"
          + "2,,m,2026-01-03 04:05,,0,y\n3,-4.5e1,f,,e f g,?,\n4,7,?,2026-02-28,h,1,x\n";

  @TempDir Path folder;

  /** Files with some bytes changed, of any options. */
  @Test
  void damagedFilesAreReadOrRefused() throws IOException {
    Path file = folder.resolve("damaged.csv");
    byte[] whole = FILE.getBytes(StandardCharsets.UTF_8);
    TableOptions plain = TableOptions.defaults().blanks("?");
    List<TableOptions> options =
        List.of(
            plain,
            plain.labels("", "ill").classes("k", "kind").id("id"),
            plain.number("*").category("s*").ignore("note"),
            plain.date("day").text("note").values("v", "age").dateFormat("uuuu-MM-dd[ HH:mm]"));
    SplittableRandom random = new SplittableRandom(3);
    String pieces = "\",\n\r01-9.eE?\u0000;ÿ ";
    int read = 0;
    int refused = 0;
    for (int i = 0; i < 6000; i++) {
      byte[] damaged = whole.clone();
      for (int edits = random.nextInt(4); edits > 0; edits--) {
        damaged[random.nextInt(damaged.length)] =
            random.nextInt(8) == 0
                ? (byte) random.nextInt(256)
                : (byte) pieces.charAt(random.nextInt(pieces.length()));
      }
      int length = random.nextInt(5) == 0 ? random.nextInt(damaged.length) : damaged.length;
      Files.write(file, java.util.Arrays.copyOf(damaged, length));
      try {
        use(Table.csv(file, options.get(i % options.size())));
        read++;
      } catch (IllegalArgumentException error) {
        String message = error.getMessage();
        assertTrue(
            message.startsWith(file.toString()) || message.startsWith("training: "), message);
        refused++;
      }
    }
    assertTrue(read > 500 && refused > 500, read + " read, " + refused + " refused");
  }

  private static void use(Table table) {
    assertTrue(table.toString().startsWith("Table of " + table.size()));
    assertEquals(table.size(), table.statistics().size());
    Dataset data = TableInputs.fit(table).dataset(table);
    float[] input = new float[data.inputShape().size()];
    for (int row = 0; row < data.size(); row++) {
      data.readInput(row, input, 0);
      for (float value : input) {
        assertTrue(Float.isFinite(value));
      }
    }
  }

  /** A null argument is refused by its name. */
  @Test
  void nullIsRefusedByName() throws Exception {
    Table table =
        Table.csv(
            Files.writeString(folder.resolve("plain.csv"), FILE),
            TableOptions.defaults().blanks("?").labels("x", "ill"));
    Map<Class<?>, Object> legal =
        Map.of(
            String.class,
            "x",
            String[].class,
            new String[] {"a"},
            Path.class,
            folder.resolve("plain.csv"),
            TableOptions.class,
            TableOptions.defaults(),
            List.class,
            List.of("a"),
            TableField[].class,
            new TableField<?>[] {TableField.of("a", a -> a)},
            int.class,
            2,
            long.class,
            2L,
            double.class,
            0.5);
    List<String> nameless = new ArrayList<>();
    int refusals = 0;
    for (Object receiver :
        List.of(
            table, TableInputs.fit(table), TableOptions.defaults(), TableField.of("a", a -> a))) {
      for (Method method : receiver.getClass().getDeclaredMethods()) {
        Class<?>[] types = method.getParameterTypes();
        boolean isCalled =
            Modifier.isPublic(method.getModifiers()) && !method.getName().equals("equals");
        for (int p = 0; isCalled && p < types.length; p++) {
          if (!types[p].isPrimitive()) {
            Object[] arguments = new Object[types.length];
            for (int other = 0; other < types.length; other++) {
              arguments[other] = other == p ? null : legal.get(types[other]);
            }
            try {
              method.invoke(receiver, arguments);
              nameless.add(method + ", argument " + p + ": accepted");
            } catch (InvocationTargetException wrapped) {
              refusals++;
              String message = wrapped.getCause().getMessage();
              if (!(wrapped.getCause() instanceof NullPointerException)
                  || message == null
                  || message.startsWith("Cannot ")) {
                nameless.add(method + ", argument " + p + ": " + wrapped.getCause());
              }
            }
          }
        }
      }
    }
    assertEquals(List.of(), nameless);
    assertTrue(refusals >= 25, refusals + " refusals");
  }
}
