/** What an outbox remembers of the cluster to which it is delivered. */
package dev.outboxrelay.relay.cluster;
