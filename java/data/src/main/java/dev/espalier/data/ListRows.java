// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Objects as rows, by what extractors return of them. */
final class ListRows<T> implements RowSource {
  private final List<? extends T> items;
  private final List<TableField<? super T>> fields;
  private int row = -1;

  ListRows(List<? extends T> items, List<TableField<? super T>> fields) {
    this.items = items;
    this.fields = fields;
  }

  @Override
  public List<String> header() {
    return fields.stream().map(TableField::name).toList();
  }

  @Override
  public boolean next() {
    return ++row < items.size();
  }

  @Override
  public @Nullable Object get(int column) {
    return fields.get(column).of(items.get(row));
  }

  @Override
  public String name() {
    return "list";
  }

  @Override
  public String place() {
    return "item " + row;
  }

  @Override
  public void close() {}
}
