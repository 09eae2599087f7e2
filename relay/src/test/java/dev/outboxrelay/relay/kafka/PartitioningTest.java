package dev.outboxrelay.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.config.Partitioner;
import dev.outboxrelay.relay.deliver.route.TopicSource;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Against what librdkafka's own functions gave for 100,000 keys; {@code
 * relay/e2e/librdkafka_partitions.py} made the table and tells what a key is.
 */
class PartitioningTest {
  private static final int KEYS = 100_000;

  private static String itsNameInLibrdkafka(Partitioner partitioner) {
    return switch (partitioner) {
      case MURMUR2 -> "murmur2_random";
      case CRC32 -> "consistent_random";
      case FNV1A -> "fnv1a_random";
    };
  }

  private static List<String[]> rows(String kind, Partitioner partitioner) throws IOException {
    try (BufferedReader table =
        new BufferedReader(
            new InputStreamReader(
                PartitioningTest.class.getResourceAsStream("/librdkafka-partitions.txt"),
                StandardCharsets.US_ASCII))) {
      String begin = kind + " " + itsNameInLibrdkafka(partitioner) + " ";
      return table
          .lines()
          .filter(line -> line.startsWith(begin))
          .map(line -> line.split(" "))
          .collect(Collectors.toList());
    }
  }

  private static byte[] key(int number) throws Exception {
    MessageDigest sha = MessageDigest.getInstance("SHA-256");
    byte[] digest = sha.digest(("key " + number).getBytes(StandardCharsets.US_ASCII));
    byte[] key = new byte[((digest[0] & 0xFF) * 256 + (digest[31] & 0xFF)) % 200];
    for (int i = 0; i < key.length; i++) {
      key[i] = digest[i % digest.length];
    }
    return key;
  }

  @ParameterizedTest
  @EnumSource(Partitioner.class)
  void everyKeyGoesWhereLibrdkafkaPutsIt(Partitioner partitioner) throws Exception {
    Partitioning partitioning = new Partitioning(partitioner);
    for (String[] one : rows("one", partitioner)) {
      assertThat(partitioning.ofKey(key(Integer.parseInt(one[2])), 1000))
          .as(String.join(" ", one))
          .isEqualTo(Integer.parseInt(one[3]));
    }
    List<String[]> all = rows("all", partitioner);
    assertThat(all).hasSize(6);
    for (String[] row : all) {
      int count = Integer.parseInt(row[2]);
      ByteBuffer partitions = ByteBuffer.allocate(4 * KEYS);
      for (int i = 0; i < KEYS; i++) {
        partitions.putInt(partitioning.ofKey(key(i), count));
      }
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(partitions.array());
      assertThat(HexFormat.of().formatHex(digest)).as(String.join(" ", row)).isEqualTo(row[3]);
    }
  }

  @ParameterizedTest
  @EnumSource(Partitioner.class)
  void whatHasNoKeyOrAnEmptyOneIsSpreadWhereLibrdkafkaSpreadsIt(Partitioner partitioner)
      throws Exception {
    Partitioning partitioning = new Partitioning(partitioner);
    assertThat(rows("keyless", partitioner))
        .singleElement()
        .extracting(row -> row[2])
        .isEqualTo("spread");
    assertThat(partitioning.ofKey(null, 4)).isEqualTo(TopicSource.ANY);

    String empty = rows("empty", partitioner).get(0)[2];
    assertThat(partitioning.ofKey(new byte[0], 4))
        .isEqualTo(empty.equals("spread") ? TopicSource.ANY : Integer.parseInt(empty));
  }

  @Test
  void theDefaultIsWhatKafkasOwnClientDoes() throws Exception {
    Partitioning partitioning = new Partitioning(Partitioner.MURMUR2);
    for (int i = 0; i < 10_000; i++) {
      assertThat(partitioning.ofKey(key(i), 12))
          .isEqualTo(BuiltInPartitioner.partitionForKey(key(i), 12));
    }
  }
}
