package dev.outboxrelay.relay.inspect;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/** Bytes of keys, values and headers as a person or a script may read them. */
final class Bytes {

  private Bytes() {}

  /** As text if they are UTF-8, else as {@code base64:…}. */
  static String shown(byte[] bytes) {
    return text(bytes).orElseGet(() -> "base64:" + base64(bytes));
  }

  /** As {@code name} if they are UTF-8, else as {@code name_base64}; null stays null. */
  static void put(ObjectNode node, String name, byte[] bytes) {
    if (bytes == null) {
      node.putNull(name);
      return;
    }
    Optional<String> text = text(bytes);
    if (text.isPresent()) {
      node.put(name, text.get());
    } else {
      node.put(name + "_base64", base64(bytes));
    }
  }

  private static Optional<String> text(byte[] bytes) {
    try {
      return Optional.of(
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }
}
