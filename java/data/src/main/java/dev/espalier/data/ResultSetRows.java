// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows of a database's answer, from the next one on; it stays the caller's to close. */
final class ResultSetRows implements RowSource {
  private final ResultSet rows;
  private final List<String> header = new ArrayList<>();
  private final List<@Nullable ColumnRole> hints = new ArrayList<>();
  private long row;

  /** Carries a checked exception through an interface that knows none. */
  static final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final SQLException error;

    Failure(SQLException error) {
      super(error);
      this.error = error;
    }

    SQLException error() {
      return error;
    }
  }

  ResultSetRows(ResultSet rows) {
    this.rows = rows;
    try {
      ResultSetMetaData columns = rows.getMetaData();
      for (int c = 1; c <= columns.getColumnCount(); c++) {
        header.add(columns.getColumnLabel(c));
        hints.add(role(columns.getColumnType(c)));
      }
    } catch (SQLException error) {
      throw new Failure(error);
    }
  }

  private static ColumnRole role(int type) {
    return switch (type) {
      case Types.TINYINT,
          Types.SMALLINT,
          Types.INTEGER,
          Types.BIGINT,
          Types.REAL,
          Types.FLOAT,
          Types.DOUBLE,
          Types.NUMERIC,
          Types.DECIMAL ->
          ColumnRole.NUMBER;
      case Types.DATE, Types.TIMESTAMP, Types.TIMESTAMP_WITH_TIMEZONE -> ColumnRole.DATE;
      case Types.LONGVARCHAR, Types.LONGNVARCHAR, Types.CLOB, Types.NCLOB -> ColumnRole.TEXT;
      case Types.CHAR, Types.VARCHAR, Types.NCHAR, Types.NVARCHAR, Types.BIT, Types.BOOLEAN ->
          ColumnRole.CATEGORY;
      default -> ColumnRole.IGNORE;
    };
  }

  @Override
  public List<String> header() {
    return header;
  }

  @Override
  public boolean next() {
    try {
      row++;
      return rows.next();
    } catch (SQLException error) {
      throw new Failure(error);
    }
  }

  @Override
  public @Nullable Object get(int column) {
    try {
      Object value = rows.getObject(column + 1);
      return value instanceof java.sql.Clob ? rows.getString(column + 1) : value;
    } catch (SQLException error) {
      throw new Failure(error);
    }
  }

  @Override
  public ColumnRole hint(int column) {
    return hints.get(column);
  }

  @Override
  public String name() {
    return "result set";
  }

  @Override
  public String place() {
    return "row " + row;
  }

  @Override
  public void close() {}
}
