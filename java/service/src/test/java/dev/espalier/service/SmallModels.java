// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import dev.espalier.Head;
import dev.espalier.Input;
import dev.espalier.LayerOptions;
import dev.espalier.Network;
import dev.espalier.Shape;
import dev.espalier.TokenPooling;
import dev.espalier.data.PictureFit;
import dev.espalier.data.PictureReader;
import dev.espalier.data.Table;
import dev.espalier.data.TableInputs;
import dev.espalier.data.TableOptions;
import dev.espalier.text.TextInputs;
import dev.espalier.text.Tokenizer;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;

/** Models of pictures, texts and rows, whose files say so. */
final class SmallModels {
  /** Names that a page must show as they are, and do nothing else with. */
  static final String HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">";

  private SmallModels() {}

  static Path pictures(Path folder) {
    Path model = folder.resolve("pictures.safetensors");
    try (Network network =
        Network.builder(Shape.image(3, 16, 16))
            .conv2d("conv1", 4, 3)
            .relu()
            .globalAveragePool2d("mean")
            .head("shown", Head.labels("red", HOSTILE))
            .head("pet", Head.classes("cat", "dog"))
            .build(1)) {
      network.setThresholds("shown", 0.25, 0.75);
      PictureReader.of(network.inputShape())
          .fit(PictureFit.CROP)
          .valueRange(-1, 1)
          .storeIn(network);
      network.save(model);
    }
    return model;
  }

  static Path texts(Path folder) {
    String json =
        "{\"version\":\"1.0\",\"added_tokens\":[],\"normalizer\":null,"
            + "\"pre_tokenizer\":{\"type\":\"Whitespace\"},\"post_processor\":null,"
            + "\"decoder\":null,\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"?\","
            + "\"vocab\":{\"?\":0,\"tree\":1,\"rain\":2,\"apple\":3}}}";
    Path model = folder.resolve("texts.safetensors");
    try (Network network =
        Network.builder(
                Input.integers("ids", Shape.vector(12)), Input.integers("length", Shape.vector(1)))
            .embedding("words", 4, 8, LayerOptions.defaults())
            .tokenPool("pool", TokenPooling.MEAN)
            .head("about", Head.labels("rain", "tree"))
            .build(1)) {
      TextInputs.of(Tokenizer.ofJson(json), network.inputs())
          .storeIn(network, json.getBytes(StandardCharsets.UTF_8));
      network.save(model);
    }
    return model;
  }

  static Path rows(Path folder) throws IOException {
    StringBuilder csv = new StringBuilder("age,sex,seen,ill\n");
    for (int i = 0; i < 20; i++) {
      csv.append(i % 5 == 0 ? "" : 20 + i).append(i % 2 == 0 ? ",f" : ",m");
      csv.append(",2026-01-").append(10 + i).append(',').append(i % 3 == 0 ? 1 : 0).append('\n');
    }
    Table table =
        Table.csv(
            Files.writeString(folder.resolve("rows.csv"), csv),
            TableOptions.defaults().category("sex").labels("finding", "ill"));
    TableInputs inputs = TableInputs.fit(table);
    Path model = folder.resolve("rows.safetensors");
    try (Network network =
        Network.builder(inputs.shape()).head("finding", table.head("finding")).build(1)) {
      inputs.storeIn(network);
      network.save(model);
    }
    return model;
  }

  /** A picture with a red square at the left. */
  static byte[] png() throws IOException {
    BufferedImage picture = new BufferedImage(40, 30, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = picture.createGraphics();
    pen.setColor(Color.RED);
    pen.fillRect(6, 8, 10, 10);
    pen.dispose();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(picture, "png", out);
    return out.toByteArray();
  }
}
