package dev.outboxrelay.relay.reload;

import dev.outboxrelay.relay.config.ConfigErrors;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.kafka.KafkaRefused;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Holds the configuration in use. {@link #look} is one turn, for one thread; {@link #current} may
 * be called from any.
 *
 * <p>Other settings for Kafka come into use only after a probe with them: a wrong password in a
 * file must not end a connection that works.
 */
public final class ConfigWatch {
  private final Supplier<RelayConfig> reader;
  private final Consumer<KafkaSettings> probe;
  private volatile RelayConfig current;

  /**
   * Begins with what the process was started with.
   *
   * @param reader reads it anew, or throws {@link ConfigErrors}
   * @param probe tries settings out, and throws {@link KafkaRefused} if they are of no use
   */
  public ConfigWatch(
      RelayConfig start, Supplier<RelayConfig> reader, Consumer<KafkaSettings> probe) {
    this.current = start;
    this.reader = reader;
    this.probe = probe;
  }

  /** What is in use. */
  public RelayConfig current() {
    return current;
  }

  /** Reads it anew; waits for Kafka if its settings have changed. */
  public Outcome look() {
    RelayConfig before = current;
    SortedSet<String> changed = new TreeSet<>();
    try {
      RelayConfig found = reader.get();
      if (found.log().level() != before.log().level()) {
        // Whatever becomes of the rest: it may be wanted in order to find out.
        current = before.with(found.log(), before.kafka());
        changed.add("OUTBOX_LOG_LEVEL");
      }
      SortedSet<String> ofKafka = found.kafka().differencesTo(before.kafka());
      if (!ofKafka.isEmpty()) {
        probe.accept(found.kafka());
        current = before.with(found.log(), found.kafka());
        changed.addAll(ofKafka);
      }
      return new Outcome(changed, Optional.empty());
    } catch (ConfigErrors e) {
      return new Outcome(changed, Optional.of(String.join("; ", e.errors())));
    } catch (KafkaRefused e) {
      return new Outcome(changed, Optional.of(e.getMessage()));
    }
  }
}
