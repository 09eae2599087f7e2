/** The metrics of Kafka's own client; the one place that knows both it and Micrometer. */
package dev.outboxrelay.relay.kafka.meters;
