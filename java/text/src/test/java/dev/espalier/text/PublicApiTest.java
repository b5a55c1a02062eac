// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.testing.PublicTypes;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is public, and what all of it has. */
class PublicApiTest {
  @Test
  void theseTypesArePublicAndSound() throws Exception {
    PublicTypes types = PublicTypes.of("java/text", "dev.espalier.text");
    assertEquals(
        List.of("Encoding", "TextDataset", "TextInputs", "TextValue", "Tokenizer"), types.names());
    assertEquals(List.of(), types.problems(Set.of(TextDataset.class)));
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
