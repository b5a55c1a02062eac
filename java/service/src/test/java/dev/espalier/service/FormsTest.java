// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.Prediction;
import dev.espalier.Predictor;
import dev.espalier.data.PictureReader;
import dev.espalier.data.RowPredictor;
import dev.espalier.text.TextInputs;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Files of pictures, texts and rows as requests, and what their answers depend on. */
@Timeout(60)
class FormsTest {
  private static final String JSON = "application/json";

  @TempDir Path folder;

  private final HttpClient client = HttpClient.newHttpClient();

  private static PredictionService serve(Path model) throws IOException {
    return PredictionService.start(model, ServiceOptions.defaults().port(0).drain(Duration.ZERO));
  }

  private HttpResponse<String> post(
      PredictionService service, String path, String type, byte[] body) throws Exception {
    return client.send(
        HttpRequest.newBuilder(service.address().resolve(URI.create(path)))
            .header("Content-Type", type)
            .POST(BodyPublishers.ofByteArray(body))
            .build(),
        BodyHandlers.ofString());
  }

  private HttpResponse<String> post(PredictionService service, String path, String json)
      throws Exception {
    return post(service, path, JSON, json.getBytes(StandardCharsets.UTF_8));
  }

  private static String explain(String task, String label) {
    return "/explain?task=" + task + "&label=" + URLEncoder.encode(label, StandardCharsets.UTF_8);
  }

  @Test
  void picturesAreReadAsTheFileSays() throws Exception {
    Path model = SmallModels.pictures(folder);
    byte[] png = SmallModels.png();
    try (PredictionService service = serve(model);
        Predictor predictor = Predictor.load(model)) {
      Prediction expected = predictor.predictNamed(PictureReader.of(predictor).read(png));
      HttpResponse<String> response = post(service, "/predict", "image/png", png);
      assertEquals(200, response.statusCode(), response.body());
      JsonNode tasks = new ObjectMapper().readTree(response.body()).get("tasks");
      assertEquals(
          expected.value("shown", "red"),
          tasks.get("shown").get("probabilities").get("red").floatValue());
      assertEquals(expected.best("pet"), tasks.get("pet").get("best").textValue());

      byte[] cut = Arrays.copyOf(png, 60);
      HttpResponse<String> broken = post(service, "/predict", "image/png", cut);
      assertEquals(400, broken.statusCode());
      assertTrue(broken.body().contains("picture: "), broken.body());
      HttpResponse<String> other = post(service, "/predict", "text/plain", png);
      assertEquals(415, other.statusCode());
      assertTrue(other.body().contains("image/"), other.body());
      assertEquals(
          200, post(service, "/predict", "application/octet-stream", new byte[768]).statusCode());
    }
  }

  @Test
  void aMapSaysWhereTheAnswerFalls() throws Exception {
    try (PredictionService service = serve(SmallModels.pictures(folder))) {
      HttpResponse<String> response =
          post(service, explain("shown", SmallModels.HOSTILE), "image/png", SmallModels.png());
      assertEquals(200, response.statusCode(), response.body());
      JsonNode map = new ObjectMapper().readTree(response.body());
      assertEquals(64, map.get("falls").size());
      assertTrue(map.get("picture").textValue().startsWith("data:image/png;base64,"));
      // The square is at the left: covering the right half, which is black, changes less.
      double left = 0;
      double right = 0;
      for (int i = 0; i < 64; i++) {
        double fall = Math.abs(map.get("falls").get(i).doubleValue());
        left += i % 8 < 4 ? fall : 0;
        right += i % 8 < 4 ? 0 : fall;
      }
      assertTrue(left > right, left + " " + right);
      for (String path :
          new String[] {
            "/explain", "/explain?task=shown", explain("none", "red"), explain("pet", "red")
          }) {
        HttpResponse<String> refused = post(service, path, "image/png", SmallModels.png());
        assertEquals(400, refused.statusCode(), path);
        assertTrue(refused.body().contains("expected"), refused.body());
      }
      String metrics =
          client
              .send(
                  HttpRequest.newBuilder(service.address().resolve("/metrics")).build(),
                  BodyHandlers.ofString())
              .body();
      assertEquals(
          4, new PrometheusText(metrics).value("espalier_explanations_total{status=\"400\"}"));
    }
  }

  @Test
  void textsAreReadAsTheFileSays() throws Exception {
    Path model = SmallModels.texts(folder);
    try (PredictionService service = serve(model);
        Predictor predictor = Predictor.load(model)) {
      String text = "rain; apple tree";
      double expected =
          predictor.predictNamed(TextInputs.of(predictor).rows(text)).value("about", "tree");
      byte[] plain = text.getBytes(StandardCharsets.UTF_8);
      for (HttpResponse<String> response :
          List.of(
              post(service, "/predict", "{\"text\": \"" + text + "\"}"),
              post(service, "/predict", "text/plain; charset=utf-8", plain))) {
        assertEquals(200, response.statusCode(), response.body());
        JsonNode answer = new ObjectMapper().readTree(response.body());
        assertEquals(expected, answer.at("/tasks/about/probabilities/tree").floatValue(), 1e-6);
      }
      HttpResponse<String> broken =
          post(service, "/predict", "text/plain", new byte[] {(byte) 0xff, 'x'});
      assertEquals(400, broken.statusCode(), broken.body());
      assertEquals(400, post(service, "/predict", "{\"text\": 3}").statusCode());
      String explained =
          post(service, explain("about", "tree"), "{\"text\": \"" + text + "\"}").body();
      JsonNode parts = new ObjectMapper().readTree(explained).get("parts");
      StringBuilder joined = new StringBuilder();
      parts.forEach(part -> joined.append(part.get("text").textValue()));
      assertEquals(text, joined.toString());
      assertTrue(parts.get(0).get("fall").isNumber() && parts.get(1).get("fall").isNull());
      assertEquals(5, parts.size(), explained);
    }
  }

  @Test
  void rowsAreReadAsTheFileSays() throws Exception {
    Path model = SmallModels.rows(folder);
    try (PredictionService service = serve(model);
        RowPredictor predictor = RowPredictor.load(model)) {
      Map<String, Object> row = Map.of("age", 63.5, "sex", "f", "seen", "2026-01-12");
      HttpResponse<String> response =
          post(
              service,
              "/predict",
              "{\"row\": {\"age\": 63.5, \"sex\": \"f\", \"seen\": \"2026-01-12\"}}");
      assertEquals(200, response.statusCode(), response.body());
      assertEquals(
          predictor.predictRow(row).value("finding", "ill"),
          new ObjectMapper()
              .readTree(response.body())
              .at("/tasks/finding/probabilities/ill")
              .floatValue());
      String[][] wrong = {
        {"{\"row\": {\"age\": \"old\", \"sex\": \"f\", \"seen\": null}}", "column \\\"age\\\""},
        {"{\"row\": {\"age\": 1, \"age\": 2}}", "once"},
        {"{\"row\": {\"age\": [1]}}", "one value, or null"},
        {"{\"row\": {\"other\": 1}}", "got one of \\\"other\\\""},
        {"{\"row\": 3}", "expected an object"},
        {"{\"row\": {\"age\": 1}", "expected JSON"},
        {"{\"text\": \"x\"}", "got \\\"text\\\""},
        {"{}", "{\\\"row\\\":"},
      };
      for (String[] body : wrong) {
        HttpResponse<String> refused = post(service, "/predict", body[0]);
        assertEquals(400, refused.statusCode(), body[0]);
        assertTrue(refused.body().contains(body[1]), body[0] + ": " + refused.body());
      }
      HttpResponse<String> explained =
          post(
              service,
              explain("finding", "ill"),
              "{\"row\": {\"age\": 63, \"sex\": \"f\", \"seen\": null}}");
      JsonNode parts = new ObjectMapper().readTree(explained.body()).get("parts");
      assertEquals("age", parts.get(0).get("text").textValue());
      assertTrue(parts.get(0).get("fall").isNumber());
      assertTrue(parts.get(2).get("fall").isNull(), explained.body());
    }
  }

  @Test
  void aPageIsOneFileThatOnlyItsOwnScriptRunsIn() throws Exception {
    try (PredictionService service = serve(SmallModels.pictures(folder))) {
      HttpResponse<String> page =
          client.send(
              HttpRequest.newBuilder(service.address().resolve("/")).build(),
              BodyHandlers.ofString());
      assertEquals(200, page.statusCode());
      String policy = page.headers().firstValue("Content-Security-Policy").orElseThrow();
      assertTrue(policy.startsWith("default-src 'none'"), policy);
      String nonce = policy.replaceAll(".*script-src 'nonce-([^']+)'.*", "$1");
      assertTrue(page.body().contains("<script nonce=\"" + nonce + "\">"), policy);
      assertFalse(page.body().contains("{{"), "something was not filled in");
      assertFalse(page.body().contains(SmallModels.HOSTILE), "a name as markup");
      assertFalse(page.body().matches("(?s).*(src|href)=\"https?:.*"), "something from elsewhere");
    }
  }
}
