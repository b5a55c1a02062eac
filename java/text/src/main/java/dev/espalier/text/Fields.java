// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import dev.espalier.ModelFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An object of the file, whose fields are read with their types. Wrong types and values end the
 * reading at once; what is well-formed but not supported is collected, and told all together.
 */
final class Fields {
  private static final int BRIEF = 40;

  /** Units of a text that is put into others again and again: more would only blow them up. */
  private static final int SHORT = 256;

  private final String path;
  private final Map<?, ?> map;
  private final List<String> unsupported;

  private Fields(String path, Map<?, ?> map, List<String> unsupported) {
    this.path = path;
    this.map = map;
    this.unsupported = unsupported;
  }

  /** Begins with the whole file. */
  static Fields of(@Nullable Object json) {
    if (!(json instanceof Map<?, ?> map)) {
      throw new ModelFileException("expected a JSON object, got " + describe(json), null);
    }
    return new Fields("", map, new ArrayList<>());
  }

  /** Returns where in the file this is, like {@code model.vocab}. */
  String path(String field) {
    return path.isEmpty() ? field : path + "." + field;
  }

  /** Notes something that is well-formed but can't be done. */
  void unsupported(String what) {
    unsupported.add((path.isEmpty() ? "" : path + ": ") + what);
  }

  /**
   * Ends the reading if anything was not supported.
   *
   * @throws ModelFileException that lists all of it
   */
  void requireSupported() {
    if (!unsupported.isEmpty()) {
      throw new ModelFileException("not supported: " + String.join("; ", unsupported), null);
    }
  }

  ModelFileException error(String field, String expected, @Nullable Object got) {
    return new ModelFileException(
        path(field) + ": expected " + expected + ", got " + describe(got), null);
  }

  boolean has(String field) {
    return map.get(field) != null;
  }

  /** Returns a field as it is, null where it is not there. */
  @Nullable Object value(String field) {
    return map.get(field);
  }

  String string(String field) {
    if (map.get(field) instanceof String text) {
      return text;
    }
    throw error(field, "a string", map.get(field));
  }

  String string(String field, String otherwise) {
    return has(field) ? string(field) : otherwise;
  }

  /** Returns a text that is put into others: it is short. */
  String shortString(String field, String otherwise) {
    String text = string(field, otherwise);
    if (text.length() > SHORT) {
      throw error(field, "up to " + SHORT + " characters", text);
    }
    return text;
  }

  @Nullable String optionalString(String field) {
    return has(field) ? string(field) : null;
  }

  boolean flag(String field, boolean otherwise) {
    Object value = map.get(field);
    if (value == null || value instanceof Boolean) {
      return value == null ? otherwise : (Boolean) value;
    }
    throw error(field, "true or false", value);
  }

  @Nullable Boolean optionalFlag(String field) {
    return has(field) ? Boolean.valueOf(flag(field, false)) : null;
  }

  /** Returns a whole number from 0 on. */
  int number(String field, int most) {
    Object value = map.get(field);
    if (value instanceof Long number && number >= 0 && number <= most) {
      return number.intValue();
    }
    throw error(field, "a whole number from 0 to " + most, value);
  }

  int number(String field, int most, int otherwise) {
    return has(field) ? number(field, most) : otherwise;
  }

  /** Returns the only code point of a string. */
  int character(String field) {
    String text = string(field);
    if (text.isEmpty() || text.codePointCount(0, text.length()) != 1) {
      throw error(field, "one character", text);
    }
    return text.codePointAt(0);
  }

  Fields object(String field) {
    return object(field, map.get(field));
  }

  private Fields object(String field, @Nullable Object value) {
    if (value instanceof Map<?, ?> object) {
      return new Fields(path(field), object, unsupported);
    }
    throw error(field, "an object", value);
  }

  List<?> list(String field) {
    if (map.get(field) instanceof List<?> list) {
      return list;
    }
    throw error(field, "a list", map.get(field));
  }

  /** Gives all objects of a list to a reader, one after the other. */
  void eachObject(String field, Consumer<Fields> reader) {
    List<?> list = list(field);
    for (int i = 0; i < list.size(); i++) {
      reader.accept(object(field + "[" + i + "]", list.get(i)));
    }
  }

  /** Returns the objects of an object by their names. */
  List<Map.Entry<String, Fields>> objects(String field) {
    List<Map.Entry<String, Fields>> all = new ArrayList<>();
    for (Map.Entry<?, ?> entry : object(field).map.entrySet()) {
      String name = (String) entry.getKey();
      all.add(Map.entry(name, object(field + "." + brief(name), entry.getValue())));
    }
    return all;
  }

  /** Returns the only field of an object that is one of several kinds by that field's name. */
  Map.Entry<String, Fields> only(String field) {
    List<Map.Entry<String, Fields>> all = objects(field);
    if (all.size() != 1) {
      throw error(field, "an object of one field", map.get(field));
    }
    return all.get(0);
  }

  static String brief(String text) {
    return text.length() <= BRIEF ? text : text.substring(0, BRIEF) + "…";
  }

  static String describe(@Nullable Object value) {
    if (value instanceof Map<?, ?> object) {
      return "an object of " + object.size() + " fields";
    } else if (value instanceof List<?> list) {
      return "a list of " + list.size();
    } else if (value instanceof String text) {
      return '"' + brief(text) + '"';
    }
    return value == null ? "nothing" : value.toString();
  }
}
