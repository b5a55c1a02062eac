// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.ArrayList;
import java.util.List;

/** Reads decoders. */
final class DecoderReader {
  private DecoderReader() {}

  static Decoder read(Fields fields) {
    switch (fields.string("type")) {
      case "Sequence":
        List<Decoder> parts = new ArrayList<>();
        fields.eachObject("decoders", part -> parts.add(read(part)));
        return new Decoder.Sequence(List.copyOf(parts));
      case "WordPiece":
        return new Decoder.WordPieces(
            fields.shortString("prefix", "##"), fields.flag("cleanup", true));
      case "ByteLevel":
        return Decoder.BYTE_LEVEL;
      case "ByteFallback":
        return Decoder.BYTE_FALLBACK;
      case "Fuse":
        return Decoder.FUSE;
      case "Metaspace":
        return new Decoder.Signs(
            Character.toString(fields.character("replacement")),
            Metaspace.Prepend.of(fields) != Metaspace.Prepend.NEVER);
      case "BPEDecoder":
        String suffix = fields.shortString("suffix", "</w>");
        if (suffix.isEmpty()) {
          throw fields.error("suffix", "a text that is not empty", suffix);
        }
        return new Decoder.Suffixes(suffix);
      case "Strip":
        return new Decoder.Strip(
            Character.toString(fields.character("content")),
            fields.number("start", Short.MAX_VALUE, 0),
            fields.number("stop", Short.MAX_VALUE, 0));
      case "Replace":
        TextPattern pattern = TextPattern.of(fields, "pattern");
        String content = fields.shortString("content", "");
        return pattern == null ? Decoder.FUSE : new Decoder.Replace(pattern, content);
      default:
        fields.unsupported("the type \"" + Fields.brief(fields.string("type")) + '"');
        return Decoder.FUSE;
    }
  }
}
