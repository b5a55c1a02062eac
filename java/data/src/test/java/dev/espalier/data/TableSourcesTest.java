// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.espalier.Datasets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Tables of objects and of a database's answers. */
class TableSourcesTest {
  enum Sex {
    F,
    M
  }

  record Patient(String number, Double age, Sex sex, LocalDate admitted, Boolean isIll) {}

  private static final List<Patient> PATIENTS =
      List.of(
          new Patient("a", 60.0, Sex.F, LocalDate.of(1970, 1, 2), true),
          new Patient("b", null, Sex.M, LocalDate.of(1970, 1, 3), null),
          new Patient("b", 40.0, Sex.F, LocalDate.of(1970, 1, 4), false),
          new Patient("c", 50.0, Sex.M, null, false));

  private static Table patients(List<Patient> patients, TableOptions options) {
    return Table.of(
        patients,
        options,
        TableField.of("patient_id", Patient::number),
        TableField.of("age", Patient::age),
        TableField.of("sex", Patient::sex),
        TableField.of("admitted", Patient::admitted),
        TableField.of("ill", Patient::isIll));
  }

  @Test
  void readsObjects() {
    Table table = patients(PATIENTS, TableOptions.defaults().labels("", "ill"));
    assertEquals(
        List.of(
            ColumnRole.ID,
            ColumnRole.NUMBER,
            ColumnRole.CATEGORY,
            ColumnRole.DATE,
            ColumnRole.LABEL),
        table.columns().stream().map(TableColumn::role).toList());
    TableInputs inputs = TableInputs.fitUnscaled(table);
    assertEquals(
        List.of("age", "age is blank", "sex = F", "sex = M", "admitted", "admitted is blank"),
        inputs.inputNames());
    assertArrayEquals(new float[] {50, 1, 0, 1, 2, 0}, Datasets.input(inputs.dataset(table), 1));
    assertArrayEquals(new float[] {50, 0, 0, 1, 2, 1}, Datasets.input(inputs.dataset(table), 3));
    assertArrayEquals(new float[] {Float.NaN}, Datasets.target(inputs.dataset(table), "", 1));
    assertEquals(List.of("a", "b", "b", "c"), table.texts("patient_id"));
  }

  @Test
  void namesTheItem() {
    List<Patient> patients = new ArrayList<>(PATIENTS);
    patients.add(new Patient("d", Double.NaN, Sex.F, null, null));
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> patients(patients, TableOptions.defaults().number("age")))
            .getMessage();
    assertEquals(
        "list, item 4: column \"age\": expected a finite number or nothing, got Double \"NaN\"",
        message);
    assertThrows(
        IllegalArgumentException.class, () -> patients(List.of(), TableOptions.defaults()));
    TableField<Patient> none = null;
    assertThrows(
        NullPointerException.class, () -> Table.of(PATIENTS, TableOptions.defaults(), none));
    assertThrows(
        IllegalStateException.class,
        () ->
            Table.of(
                PATIENTS,
                TableOptions.defaults(),
                TableField.of(
                    "x",
                    patient -> {
                      throw new IllegalStateException("mine");
                    })));
  }

  @Test
  void readsWhatADatabaseAnswers() throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:h2:mem:");
        Statement statement = connection.createStatement()) {
      statement.execute(
          "create table patient (patient_id int, age decimal(5, 2), sex char(1), admitted date,"
              + " seen timestamp, smoker boolean, note clob, photo binary(2), ill int)");
      statement.execute(
          "insert into patient values (1, 60.5, 'f', '1970-01-02', '1970-01-02 12:00:00', true,"
              + " 'a note', x'0102', 1), (2, null, 'm', '1970-01-03', null, false, null, null,"
              + " null), (3, 40, null, null, '1970-01-02 00:00:00', null, 'x', null, 0)");
      String select = "select *, sex as \"again\" from patient order by patient_id";
      TableOptions options = TableOptions.defaults().labels("", "ILL").ignore("again");
      try (ResultSet rows = statement.executeQuery(select)) {
        Table table = Table.resultSet(rows, options);
        assertEquals(3, table.size());
        TableInputs inputs = TableInputs.fitUnscaled(table);
        float[] first = Datasets.input(inputs.dataset(table), 0);
        assertEquals(
            "[AGE, AGE is blank, SEX = f, SEX = m, SEX is blank, ADMITTED, ADMITTED is blank, SEEN,"
                + " SEEN is blank, SMOKER = false, SMOKER = true, SMOKER is blank]",
            inputs.inputNames().toString());
        assertEquals(
            "[60.5, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.5, 0.0, 0.0, 1.0, 0.0]",
            Arrays.toString(first));
        assertArrayEquals(new float[] {Float.NaN}, Datasets.target(inputs.dataset(table), "", 1));
        assertEquals(List.of("a note", "", "x"), table.texts("NOTE"));
        assertEquals(List.of("1", "2", "3"), table.texts("PATIENT_ID"));
      }
      try (ResultSet rows = statement.executeQuery(select)) {
        String message =
            assertThrows(
                    IllegalArgumentException.class,
                    () -> Table.resultSet(rows, options.number("SEX")))
                .getMessage();
        assertTrue(message.startsWith("result set, row 1: column \"SEX\": expected a"), message);
      }
      ResultSet closed = statement.executeQuery(select);
      closed.close();
      assertThrows(SQLException.class, () -> Table.resultSet(closed, options));
    }
  }
}
