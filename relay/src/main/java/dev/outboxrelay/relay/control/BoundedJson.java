package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;

/**
 * JSON of which it is not known who wrote it. It is read token by token, and no more of them are
 * kept than a request needs: a tree takes 30 times the bytes of its text. For one thread.
 */
final class BoundedJson implements Closeable {
  private static final int MOST_TOKENS = 10_000;
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  /** No names are kept for other files: they may be any. */
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(16)
                  .maxNumberLength(20)
                  .maxNameLength(256)
                  .maxStringLength(16 << 10)
                  .maxDocumentLength(8 << 20)
                  .build())
          .build();

  private final JsonParser parser;
  private int tokens;

  private BoundedJson(JsonParser parser) {
    this.parser = parser;
  }

  /** Reads nothing yet. */
  static BoundedJson of(InputStream text) throws IOException {
    return new BoundedJson(FACTORY.createParser(text));
  }

  /** What becomes of a field. */
  interface Field {
    /** Reads its value, all of it, and nothing else. */
    void read(String name) throws IOException;
  }

  /** The fields of the object that comes next. */
  void object(Field field) throws IOException {
    expect(JsonToken.START_OBJECT);
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      count();
      field.read(parser.currentName());
    }
  }

  /** The pairs of numbers of the list that comes next, of which there may be any number. */
  void pairs(Pair visitor) throws IOException {
    expect(JsonToken.START_ARRAY);
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() != JsonToken.START_ARRAY) {
        throw unexpected();
      }
      expect(JsonToken.VALUE_NUMBER_INT);
      long first = parser.getLongValue();
      expect(JsonToken.VALUE_NUMBER_INT);
      visitor.read(first, parser.getLongValue());
      expect(JsonToken.END_ARRAY);
    }
  }

  /** Who is told of pairs. */
  interface Pair {
    void read(long first, long second);
  }

  private void expect(JsonToken token) throws IOException {
    if (parser.nextToken() != token) {
      throw unexpected();
    }
  }

  private IllegalArgumentException unexpected() {
    return new IllegalArgumentException("it is not what it should be: " + parser.currentToken());
  }

  /** The value that comes next. */
  JsonNode value() throws IOException {
    parser.nextToken();
    return current();
  }

  private JsonNode current() throws IOException {
    count();
    JsonToken token = parser.currentToken();
    if (token == null) {
      throw unexpected();
    }
    return switch (token) {
      case START_OBJECT -> fields();
      case START_ARRAY -> elements();
      case VALUE_STRING -> NODES.textNode(parser.getText());
      case VALUE_NUMBER_INT -> NODES.numberNode(parser.getLongValue());
      case VALUE_NUMBER_FLOAT -> NODES.numberNode(parser.getDoubleValue());
      case VALUE_TRUE, VALUE_FALSE -> NODES.booleanNode(token == JsonToken.VALUE_TRUE);
      case VALUE_NULL -> NODES.nullNode();
      default -> throw unexpected();
    };
  }

  private ObjectNode fields() throws IOException {
    ObjectNode node = NODES.objectNode();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      node.set(name, value());
    }
    return node;
  }

  private ArrayNode elements() throws IOException {
    ArrayNode node = NODES.arrayNode();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      node.add(current());
    }
    return node;
  }

  private void count() {
    if (++tokens > MOST_TOKENS) {
      throw new IllegalArgumentException("it says more than a request may");
    }
  }

  @Override
  public void close() throws IOException {
    parser.close();
  }
}
