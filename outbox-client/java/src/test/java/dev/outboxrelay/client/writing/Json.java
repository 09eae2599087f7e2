package dev.outboxrelay.client.writing;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the golden files' JSON into maps, lists, strings, longs, booleans and nulls; this module
 * has no library for it.
 */
final class Json {
  private final String text;
  private int at;

  private Json(String text) {
    this.text = text;
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> parseObject(String text) {
    return (Map<String, Object>) new Json(text).value();
  }

  private Object value() {
    char first = next();
    at--;
    return switch (first) {
      case '{' -> object();
      case '[' -> array();
      case '"' -> string();
      case 't' -> word("true", true);
      case 'f' -> word("false", false);
      case 'n' -> word("null", null);
      default -> number();
    };
  }

  private Map<String, Object> object() {
    Map<String, Object> object = new LinkedHashMap<>();
    expect('{');
    if (next() == '}') {
      return object;
    }
    at--;
    do {
      expectQuote();
      String key = string();
      expect(':');
      object.put(key, value());
    } while (next() == ',');
    return object;
  }

  private List<Object> array() {
    List<Object> array = new ArrayList<>();
    expect('[');
    if (next() == ']') {
      return array;
    }
    at--;
    do {
      array.add(value());
    } while (next() == ',');
    return array;
  }

  private String string() {
    StringBuilder string = new StringBuilder();
    expect('"');
    while (true) {
      char c = text.charAt(at++);
      if (c == '"') {
        return string.toString();
      } else if (c != '\\') {
        string.append(c);
      } else {
        char escaped = text.charAt(at++);
        switch (escaped) {
          case 'n' -> string.append('\n');
          case 't' -> string.append('\t');
          case 'u' -> {
            string.append((char) Integer.parseInt(text, at, at + 4, 16));
            at += 4;
          }
          default -> string.append(escaped);
        }
      }
    }
  }

  private Long number() {
    int start = at;
    while (at < text.length() && "-0123456789".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    return Long.valueOf(text.substring(start, at));
  }

  private Object word(String word, Object value) {
    if (!text.startsWith(word, at)) {
      throw new IllegalArgumentException("no JSON at " + at);
    }
    at += word.length();
    return value;
  }

  private void expectQuote() {
    if (next() != '"') {
      throw new IllegalArgumentException("no name at " + at);
    }
    at--;
  }

  private void expect(char wanted) {
    if (next() != wanted) {
      throw new IllegalArgumentException("no " + wanted + " at " + at);
    }
  }

  private char next() {
    while (Character.isWhitespace(text.charAt(at))) {
      at++;
    }
    return text.charAt(at++);
  }
}
