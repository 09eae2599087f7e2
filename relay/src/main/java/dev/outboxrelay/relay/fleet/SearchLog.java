package dev.outboxrelay.relay.fleet;

import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells of directories that can't be searched, once until that changes. For one thread. */
final class SearchLog {
  private static final Logger LOG = LoggerFactory.getLogger(SearchLog.class);

  private List<Path> told = List.of();

  void unreadable(List<Path> directories) {
    if (!directories.equals(told)) {
      told = List.copyOf(directories);
      if (!told.isEmpty()) {
        LOG.atWarn()
            .addKeyValue("first", told.get(0))
            .addKeyValue("count", told.size())
            .addKeyValue(
                "do", "let the relay's user read and enter them, or mend a disk that hangs")
            .log("directories can't be searched for outboxes");
      }
    }
  }
}
