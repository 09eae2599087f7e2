package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.disk.Folder;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What keeps events of a topic from its own outbox, so that they wait in {@code staged/}: said once
 * for each topic, until it is gone. For one thread.
 */
final class Obstacles {
  private static final Logger LOG = LoggerFactory.getLogger(Obstacles.class);

  /** A full disk is in the way of thousands at once. */
  private static final int MOST_TOLD = 10;

  private static final String NO_DESCRIPTORS = "Too many open files"; // EMFILE

  private final Set<String> told = new HashSet<>();

  /** Something is in the way of a topic. */
  void found(String topic, Exception what) {
    if (told.size() < MOST_TOLD && told.add(topic)) {
      LOG.atWarn()
          .addKeyValue("topic", topic)
          .addKeyValue("error", text(what))
          .addKeyValue("do", "mend parked/" + topic + "/: until then its events wait in staged/")
          .log("events of a topic can't get to its own outbox, and hold up no other's");
    }
  }

  /** All of a topic is in its own outbox. */
  void gone(String topic) {
    if (told.remove(topic)) {
      LOG.atInfo().addKeyValue("topic", topic).log("events of a topic got to its own outbox");
    }
  }

  /** Nothing is staged any more. */
  void forgetAll() {
    told.clear();
  }

  /** What to tell of it where that is one of many things that may have failed. */
  static IOException named(String topic, int others, Exception what) {
    return new IOException(
        "events of topic "
            + topic
            + (others == 0 ? "" : " and of " + others + " more")
            + " wait in staged/, as parked/"
            + topic
            + "/ can't be written: "
            + text(what),
        what);
  }

  static boolean isNoDescriptor(Throwable e) {
    return e != null
        && ((e instanceof FileSystemException failed && NO_DESCRIPTORS.equals(failed.getReason()))
            || isNoDescriptor(e.getCause()));
  }

  static String text(Exception e) {
    return e instanceof IOException failed ? Folder.named(failed).toString() : e.getMessage();
  }
}
