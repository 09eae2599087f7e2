package dev.outboxrelay.relay.reload;

import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes what has changed to the log; the same error once, unless somebody asked. */
public final class ReloadLog implements ReloadListener {
  private static final Logger LOG = LoggerFactory.getLogger(ReloadLog.class);

  private Optional<String> lastError = Optional.empty();

  @Override
  public void looked(Outcome outcome, boolean asked) {
    boolean news = asked || !outcome.error().equals(lastError);
    lastError = outcome.error();
    if (!outcome.changed().isEmpty()) {
      LOG.atInfo()
          .addKeyValue("changed", String.join(",", outcome.changed()))
          .log("configuration reloaded");
    } else if (news && outcome.error().isEmpty()) {
      LOG.atInfo().log("configuration unchanged");
    }
    if (news && outcome.error().isPresent()) {
      LOG.atWarn()
          .addKeyValue("error", outcome.error().get())
          .addKeyValue("do", "mend it; the old one is used until then")
          .log("configuration not reloaded");
    }
  }
}
