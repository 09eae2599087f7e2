package dev.outboxrelay.relay.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;

/** The one content coding that answers may have. */
final class Gzip {
  private static final Pattern CODING =
      Pattern.compile("\\s*([^\\s;]+)\\s*(?:;\\s*[qQ]=(0(?:\\.\\d{0,3})?|1(?:\\.0{0,3})?)\\s*)?");

  private Gzip() {}

  /**
   * Whether a request wants an answer in gzip: not if it says nothing, forbids it ({@code q=0}),
   * likes an unencoded one better, or cannot be understood.
   *
   * @param accepted its Accept-Encoding headers
   */
  static boolean isWanted(List<String> accepted) {
    double gzip = -1;
    double identity = -1;
    double others = -1;
    for (String coding : String.join(",", accepted).split(",", -1)) {
      Matcher parts = CODING.matcher(coding);
      if (parts.matches()) {
        double weight = parts.group(2) == null ? 1 : Double.parseDouble(parts.group(2));
        switch (parts.group(1).toLowerCase(Locale.ROOT)) {
          case "gzip", "x-gzip" -> gzip = weight;
          case "identity" -> identity = weight;
          case "*" -> others = weight;
          default -> {} // not spoken here
        }
      }
    }
    double weight = gzip < 0 ? others : gzip;
    return weight > 0 && weight >= identity;
  }

  static byte[] compress(byte[] body) {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream(body.length / 4);
    try (GZIPOutputStream gzip = new GZIPOutputStream(compressed)) {
      gzip.write(body);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // never: it is in memory
    }
    return compressed.toByteArray();
  }
}
