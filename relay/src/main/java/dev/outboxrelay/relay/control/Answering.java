package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.InstantSource;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes the answers to requests; one is over with that, and its other files go. */
record Answering(ControlFiles files, InstantSource clock) {
  private static final Logger LOG = LoggerFactory.getLogger(Answering.class);

  /**
   * Answers one.
   *
   * @param about what it asked for; null if that is not known
   */
  void answer(UUID to, Verb about, ObjectNode content) throws IOException {
    content.put("id", to.toString());
    content.put("verb", about == null ? null : about.label());
    content.put("answered", clock.millis());
    files.write(to, ControlFiles.ANSWER, content);
    files.remove(to, ControlFiles.TAKEN);
    files.remove(to, ControlFiles.REQUEST);
    LOG.atInfo()
        .addKeyValue("request", to)
        .addKeyValue("verb", about == null ? "none" : about.label())
        .addKeyValue("answer", NotFound.counted(content))
        .log("a request was answered");
  }
}
