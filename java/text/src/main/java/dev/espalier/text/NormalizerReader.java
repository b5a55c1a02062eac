// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.List;

/** Reads normalizers. */
final class NormalizerReader {
  /** Stands for what can't be done, until all of it is told. */
  private static final Normalizer NOTHING = text -> {};

  private NormalizerReader() {}

  static Normalizer read(Fields fields) {
    switch (fields.string("type")) {
      case "Sequence":
        List<Normalizer> parts = new ArrayList<>();
        fields.eachObject("normalizers", part -> parts.add(read(part)));
        return new Normalizer.Sequence(List.copyOf(parts));
      case "BertNormalizer":
        return CodePointMaps.bert(
            fields.flag("clean_text", true),
            fields.flag("handle_chinese_chars", true),
            fields.optionalFlag("strip_accents"),
            fields.flag("lowercase", true));
      case "Lowercase":
        return CodePointMaps.lowercase();
      case "NFC":
        return new UnicodeForm(Form.NFC);
      case "NFD":
        return new UnicodeForm(Form.NFD);
      case "NFKC":
        return new UnicodeForm(Form.NFKC);
      case "NFKD":
        return new UnicodeForm(Form.NFKD);
      case "StripAccents":
        return CodePointMaps.withoutMarks();
      case "Nmt":
        return CodePointMaps.nmt();
      case "ByteLevel":
        return ByteAlphabet::normalize;
      case "Precompiled":
        return Precompiled.of(fields);
      case "Prepend":
        return new Normalizer.Prepend(fields.shortString("prepend", ""));
      case "Strip":
        return new Normalizer.Strip(
            fields.flag("strip_left", true), fields.flag("strip_right", true));
      case "Replace":
        TextPattern pattern = TextPattern.of(fields, "pattern");
        String content = fields.shortString("content", "");
        return pattern == null ? NOTHING : new Normalizer.Replace(pattern, content);
      default:
        fields.unsupported("the type \"" + Fields.brief(fields.string("type")) + '"');
        return NOTHING;
    }
  }
}
