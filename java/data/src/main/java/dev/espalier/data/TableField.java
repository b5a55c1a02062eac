// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import dev.espalier.CheckReturnValue;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A column of objects: its name, and how to get it of one. {@code TableField.of("age",
 * Patient::age)}.
 *
 * @param <T> what the objects are
 * @since 0.1
 */
@CheckReturnValue
public final class TableField<T> {
  private final String name;
  private final Function<? super T, ? extends @Nullable Object> function;

  private TableField(String name, Function<? super T, ? extends @Nullable Object> function) {
    this.name = Objects.requireNonNull(name, "name");
    this.function = Objects.requireNonNull(function, "function");
  }

  /**
   * Names what a function returns.
   *
   * @param <T> what the objects are
   * @param name name of the column
   * @param function returns a number, text, boolean, enum or date of an object, or null: a blank. A
   *     pure function: it may be called more than once for each
   * @return the column
   */
  public static <T> TableField<T> of(
      String name, Function<? super T, ? extends @Nullable Object> function) {
    return new TableField<>(name, function);
  }

  /**
   * Returns the name.
   *
   * @return name of the column
   */
  public String name() {
    return name;
  }

  @Nullable Object of(T item) {
    return function.apply(item);
  }

  /** Returns the name. */
  @Override
  public String toString() {
    return "TableField[" + name + "]";
  }
}
