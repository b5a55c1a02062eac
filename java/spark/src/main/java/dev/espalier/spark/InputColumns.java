// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.data.PictureReader;
import dev.espalier.data.TableInputs;
import dev.espalier.text.TextInputs;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Which columns an example's input is made of, and how.
 *
 * @param names of the columns, in the order of the input's values
 * @param positions of the columns in the schema
 * @param nullsAt position of a column that has an array of floats or doubles in its place where an
 *     element is null or NaN; -1 if none can be null
 */
record InputColumns(InputKind kind, List<String> names, List<Integer> positions, int nullsAt)
    implements Serializable {
  /**
   * Finds columns, and by their types and what the model says how they are read.
   *
   * @throws IllegalArgumentException if one is missing, there twice, or of a type that is not read
   */
  static InputColumns of(StructType schema, String[] names, ModelContent model) {
    List<Integer> positions = Arrays.stream(names).map(name -> position(schema, name)).toList();
    DataType type = schema.fields()[positions.get(0)].dataType();
    boolean isWhole =
        type.equals(SQLDataTypes.VectorType())
            || type instanceof ArrayType
            || type instanceof BinaryType;
    InputKind kind;
    if (!isWhole && model.hasMetadata(TableInputs.METADATA_KEY)) {
      kind = InputKind.TABLE;
      requireAll(schema, positions, "number, boolean, text or date", InputColumns::isOfTables);
    } else if (names.length > 1 || isNumber(type)) {
      kind = InputKind.NUMBERS;
      requireAll(schema, positions, "number or boolean", InputColumns::isNumber);
      requireSize(model, names);
    } else {
      kind = kind(schema.fields()[positions.get(0)], model);
    }
    boolean isAside = kind == InputKind.FLOATS || kind == InputKind.DOUBLES;
    boolean mayHoldNulls = isAside && ((ArrayType) type).containsNull();
    return new InputColumns(kind, List.of(names), positions, mayHoldNulls ? schema.length() : -1);
  }

  /** Returns whether tasks get an array as one, not element by element. */
  static boolean isPrimitive(ArrayType array) {
    return array.elementType() instanceof FloatType || array.elementType() instanceof DoubleType;
  }

  private static InputKind kind(StructField field, ModelContent model) {
    DataType type = field.dataType();
    if (type.equals(SQLDataTypes.VectorType())) {
      return InputKind.VECTOR;
    }
    if (type instanceof ArrayType array && array.elementType() instanceof NumericType element) {
      if (!isPrimitive(array)) {
        return InputKind.LIST;
      }
      return element instanceof FloatType ? InputKind.FLOATS : InputKind.DOUBLES;
    }
    if (type instanceof BinaryType) {
      requireStored(model, field, PictureReader.METADATA_KEY, "pictures", "PictureReader.storeIn");
      return InputKind.PICTURE;
    }
    if (type instanceof StringType) {
      requireStored(model, field, TextInputs.METADATA_KEY, "texts", "TextInputs.storeIn");
      return InputKind.TEXT;
    }
    throw new IllegalArgumentException(
        "column \""
            + field.name()
            + "\": expected a vector, an array of numbers, a picture's file (binary), a text or"
            + " numbers, got "
            + type.simpleString());
  }

  private static void requireStored(
      ModelContent model, StructField field, String key, String what, String how) {
    if (!model.hasMetadata(key)) {
      throw new IllegalArgumentException(
          "column \""
              + field.name()
              + "\": expected a model that keeps how it reads "
              + what
              + " ("
              + how
              + ", before it is saved), got one that does not");
    }
  }

  private static void requireAll(
      StructType schema, List<Integer> positions, String expected, Predicate<DataType> isFine) {
    for (int position : positions) {
      StructField field = schema.fields()[position];
      if (!isFine.test(field.dataType())) {
        throw new IllegalArgumentException(
            "column \""
                + field.name()
                + "\": expected a "
                + expected
                + ", got "
                + field.dataType().simpleString());
      }
    }
  }

  private static void requireSize(ModelContent model, String[] names) {
    if (names.length != model.inputSize()) {
      throw new IllegalArgumentException(
          "inputCols: expected "
              + model.inputSize()
              + " columns of numbers, as many as the model reads, got "
              + names.length);
    }
  }

  private static boolean isNumber(DataType type) {
    return type instanceof NumericType || type instanceof BooleanType;
  }

  private static boolean isOfTables(DataType type) {
    return isNumber(type) || type instanceof StringType || type instanceof DateType;
  }

  /** Returns where a column is. */
  static int position(StructType schema, String name) {
    int found = -1;
    for (int i = 0; i < schema.length(); i++) {
      if (schema.fields()[i].name().equals(name)) {
        if (found >= 0) {
          throw new IllegalArgumentException(
              "column \"" + name + "\": expected one of that name, got two");
        }
        found = i;
      }
    }
    if (found < 0) {
      throw new IllegalArgumentException(
          "column \"" + name + "\": expected one of " + Arrays.toString(schema.fieldNames()));
    }
    return found;
  }
}
