/**
 * One real Kafka broker and its KRaft controller in a process of its own, for the demo, the tests
 * and the benchmarks. Not a part of the product.
 *
 * <p>Start at {@link dev.outboxrelay.embeddedkafka.EmbeddedKafka}: it reads its {@link
 * dev.outboxrelay.embeddedkafka.BrokerOptions}, lets {@link
 * dev.outboxrelay.embeddedkafka.StorageDirectory} format the data directory on the first start, and
 * runs Kafka's production code with the settings of {@link
 * dev.outboxrelay.embeddedkafka.BrokerSettings}.
 */
package dev.outboxrelay.embeddedkafka;
