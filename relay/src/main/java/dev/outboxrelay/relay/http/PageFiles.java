package dev.outboxrelay.relay.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The files of the status page, out of the jar. Their list is fixed: no request names a file. They
 * are read when asked for, as hardly anybody looks.
 */
final class PageFiles {
  private static final String OWN = "/dev/outboxrelay/relay/http/page/";
  private static final String CHARTS = "/META-INF/resources/webjars/uplot/1.6.30/dist/";

  private static final String HTML = "text/html; charset=utf-8";
  private static final String CSS = "text/css; charset=utf-8";
  private static final String SCRIPT = "text/javascript; charset=utf-8";

  private PageFiles() {}

  static Map<String, Endpoint> endpoints() {
    Map<String, Endpoint> files = new LinkedHashMap<>();
    files.put("/", file(HTML, OWN + "index.html"));
    files.put("/assets/page.css", file(CSS, OWN + "page.css"));
    files.put("/assets/icon.svg", file("image/svg+xml", OWN + "icon.svg"));
    for (String module :
        new String[] {"page", "relay", "summary", "figures", "charts", "tables", "text"}) {
      String name = module + ".js";
      files.put("/assets/" + name, file(SCRIPT, OWN + name));
    }
    files.put("/assets/uplot.js", file(SCRIPT, CHARTS + "uPlot.iife.min.js"));
    files.put("/assets/uplot.css", file(CSS, CHARTS + "uPlot.min.css"));
    return files;
  }

  private static Endpoint file(String contentType, String resource) {
    return request -> new Response(Response.OK, contentType, read(resource));
  }

  private static String read(String resource) {
    try (InputStream file = PageFiles.class.getResourceAsStream(resource)) {
      if (file == null) {
        throw new IllegalStateException(resource + " is not in the jar");
      }
      return new String(file.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
