/**
 * What may change while the relay runs: credentials, key stores and other settings of Kafka's
 * client that are in files, and the log's level. {@link dev.outboxrelay.relay.reload.ConfigWatch}
 * decides what comes into use; what uses it takes it from there by itself.
 */
package dev.outboxrelay.relay.reload;
