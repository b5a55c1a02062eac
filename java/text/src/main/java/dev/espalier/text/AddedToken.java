// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

/**
 * A token that is found in texts before anything else is.
 *
 * @param id its id
 * @param content its text
 * @param isWord whether it counts only where no word goes on at its ends
 * @param takesLeft whether white space before it belongs to it
 * @param takesRight whether white space behind it belongs to it
 * @param isNormalized whether it is looked for in the normalized text
 * @param isSpecial whether it stands for something that is no text
 */
record AddedToken(
    int id,
    String content,
    boolean isWord,
    boolean takesLeft,
    boolean takesRight,
    boolean isNormalized,
    boolean isSpecial) {

  static AddedToken of(Fields fields) {
    return new AddedToken(
        fields.number("id", Vocabulary.MOST_IDS - 1),
        Vocabulary.requireShort(fields, "content", fields.string("content")),
        fields.flag("single_word", false),
        fields.flag("lstrip", false),
        fields.flag("rstrip", false),
        fields.flag("normalized", !fields.flag("special", false)),
        fields.flag("special", false));
  }
}
