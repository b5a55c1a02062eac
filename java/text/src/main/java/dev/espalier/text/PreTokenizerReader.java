// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.ArrayList;
import java.util.List;

/** Reads pre-tokenizers. */
final class PreTokenizerReader {
  /** Stands for what can't be done, until all of it is told. */
  private static final PreTokenizer NOTHING = (text, pieces) -> {};

  private PreTokenizerReader() {}

  static PreTokenizer read(Fields fields) {
    switch (fields.string("type")) {
      case "Sequence":
        List<PreTokenizer> parts = new ArrayList<>();
        fields.eachObject("pretokenizers", part -> parts.add(read(part)));
        return new PreTokenizer.Sequence(List.copyOf(parts));
      case "BertPreTokenizer":
        return new PreTokenizer.Bert();
      case "Whitespace":
        return PreTokenizer.words();
      case "WhitespaceSplit":
        return PreTokenizer.at(CharacterClass::isSpace, SplitBehavior.REMOVED);
      case "Punctuation":
        return PreTokenizer.at(
            CharacterClass::isPunctuation, SplitBehavior.of(fields, SplitBehavior.ISOLATED));
      case "Digits":
        return PreTokenizer.at(
            CharacterClass::isNumber,
            fields.flag("individual_digits", false)
                ? SplitBehavior.ISOLATED
                : SplitBehavior.CONTIGUOUS);
      case "CharDelimiterSplit":
        int delimiter = fields.character("delimiter");
        return PreTokenizer.at(codePoint -> codePoint == delimiter, SplitBehavior.REMOVED);
      case "ByteLevel":
        return new ByteLevel(fields.flag("add_prefix_space", true), fields.flag("use_regex", true));
      case "Metaspace":
        return new Metaspace(
            Character.toString(fields.character("replacement")),
            Metaspace.Prepend.of(fields),
            fields.flag("split", true));
      case "Split":
        TextPattern pattern = TextPattern.of(fields, "pattern");
        SplitBehavior behavior = SplitBehavior.of(fields, SplitBehavior.ISOLATED);
        boolean isInverted = fields.flag("invert", false);
        return pattern == null
            ? NOTHING
            : new PreTokenizer.Split(pattern::spans, behavior, isInverted);
      default:
        fields.unsupported("the type \"" + Fields.brief(fields.string("type")) + '"');
        return NOTHING;
    }
  }
}
