// SPDX-License-Identifier: Apache-2.0
package dev.espalier.text;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads a {@code tokenizer.json}: the parts that it names, by their types. */
final class TokenizerFile {
  private TokenizerFile() {}

  static Tokenizer read(String json) {
    Fields file = Fields.of(Json.read(json));
    Normalizer normalizer =
        file.has("normalizer") ? NormalizerReader.read(file.object("normalizer")) : null;
    PreTokenizer preTokenizer =
        file.has("pre_tokenizer") ? PreTokenizerReader.read(file.object("pre_tokenizer")) : null;
    Template template =
        file.has("post_processor") ? template(file.object("post_processor")) : Template.PLAIN;
    Decoder decoder =
        file.has("decoder") ? DecoderReader.read(file.object("decoder")) : Decoder.SPACED;
    Model model = model(file.object("model"));
    file.requireSupported();
    if (model == null) {
      throw new IllegalStateException("a model that is neither read nor refused");
    }
    List<AddedToken> added = new ArrayList<>();
    if (file.has("added_tokens")) {
      file.eachObject("added_tokens", fields -> added.add(added(fields, model.vocabulary())));
    }
    return new Tokenizer(
        new Pipeline(added, normalizer, preTokenizer, model, decoder),
        template == null ? Template.PLAIN : template,
        file.has("truncation") ? Truncation.of(file.object("truncation")) : null,
        file.has("padding") ? Padding.of(file.object("padding")) : null,
        true);
  }

  private static AddedToken added(Fields fields, Vocabulary vocabulary) {
    AddedToken token = AddedToken.of(fields);
    int known = vocabulary.id(token.content());
    String other = vocabulary.token(token.id());
    if (known != Trie.ABSENT && known != token.id()) {
      throw fields.error("id", known + " as in the vocabulary", token.id());
    } else if (other != null && !other.equals(token.content())) {
      throw fields.error("id", "one that no other token has", token.id());
    }
    return token;
  }

  private static @Nullable Model model(Fields fields) {
    switch (fields.string("type", guess(fields))) {
      case "WordPiece":
        return WordPiece.of(fields);
      case "BPE":
        return Bpe.of(fields);
      case "Unigram":
        return Unigram.of(fields);
      case "WordLevel":
        return Model.WordLevel.of(fields);
      default:
        fields.unsupported("the type \"" + Fields.brief(fields.string("type")) + '"');
        return null;
    }
  }

  /** Old files don't say which model it is. */
  private static String guess(Fields fields) {
    if (fields.has("merges")) {
      return "BPE";
    } else if (fields.value("vocab") instanceof List<?>) {
      return "Unigram";
    }
    return fields.has("continuing_subword_prefix") ? "WordPiece" : "WordLevel";
  }

  /** Returns what stands around texts; null where nothing is said of it, or it can't be done. */
  private static @Nullable Template template(Fields fields) {
    switch (fields.string("type")) {
      case "BertProcessing":
        return Template.bert(Template.named(fields, "cls"), Template.named(fields, "sep"));
      case "RobertaProcessing":
        return Template.roberta(Template.named(fields, "cls"), Template.named(fields, "sep"));
      case "TemplateProcessing":
        return Template.of(fields);
      case "ByteLevel":
        return null; // only moves offsets
      case "Sequence":
        List<Template> templates = new ArrayList<>();
        fields.eachObject(
            "processors",
            part -> {
              Template template = template(part);
              if (template != null) {
                templates.add(template);
              }
            });
        if (templates.size() > 1) {
          fields.unsupported("several templates, one after the other");
        }
        return templates.isEmpty() ? null : templates.get(0);
      default:
        fields.unsupported("the type \"" + Fields.brief(fields.string("type")) + '"');
        return null;
    }
  }
}
